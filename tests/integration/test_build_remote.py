"""Contexts and sources that are fetched: URLs and git repositories, from servers of ours on loopback."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import os
import shutil
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator

import pytest

from tests.rig import host
from tests.rig.program import Program
from tests.rig.registry import Registry

DATA = b"downloaded\n"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith("/private") and self.headers["Authorization"] != "Bearer token":
            self.send_error(401)
            return
        super().do_GET()


@pytest.fixture
def web(argosy: Program) -> Iterator[str]:
    """A web server over the program's files; its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=argosy.files))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def files(program: Program, *arguments: str, stdin: str = "") -> list[str]:
    """Build, and list the files of the image."""
    out = f"{program.files}/out"
    shutil.rmtree(out, ignore_errors=True)
    program.run("build", "-q", "-o", out, *arguments, input=stdin)
    found = []
    for top, _, names in os.walk(out):
        found += [os.path.relpath(f"{top}/{name}", out) for name in names]
    return sorted(found)


def test_urls(argosy: Program, web: str) -> None:
    argosy.write("data.bin", DATA)
    os.utime(f"{argosy.files}/data.bin", (1_600_000_000, 1_600_000_000))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        for name, data in (("Dockerfile", b"FROM scratch\nCOPY f /\n"), ("f", b"x\n")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    argosy.write("context.tgz", archive.getvalue())
    argosy.write("Remote", "FROM scratch\nADD data.bin /\n")
    digest = hashlib.sha256(DATA).hexdigest()
    text = f"FROM scratch\nADD --checksum=sha256:{digest} {web}/data.bin /d/\n"
    text += f"ADD {web}/data.bin {web}/context.tgz /d/\nADD {web}/data.bin /n\n"
    assert files(argosy, "-", stdin=text) == ["d/context.tgz", "d/data.bin", "n"]
    status = os.stat(f"{argosy.files}/out/n")
    assert (status.st_mode & 0o777, status.st_mtime) == (0o600, 1_600_000_000)  # the server says Last-Modified
    assert files(argosy, "-", stdin=f"FROM scratch\nADD --unpack=true {web}/context.tgz /d/\n") == [
        "d/Dockerfile",
        "d/f",
    ]
    assert files(argosy, f"{web}/context.tgz") == ["f"]
    assert files(argosy, "-f", f"{web}/Remote", argosy.files) == ["data.bin"]
    lying = f"FROM scratch\nADD --checksum=sha256:{'0' * 64} {web}/data.bin /\n"
    done = argosy.run("build", "-", input=lying, check=125)
    assert "the checksum of data.bin is not what was given" in done.stderr
    done = argosy.run("build", "-", input=f"FROM scratch\nADD {web}/nothing /\n", check=125)
    assert "404" in done.stderr
    argosy.write("private", DATA)
    text = f"FROM scratch\nADD {web}/private /\n"
    assert "401" in argosy.run("build", "-", input=text, check=125).stderr
    secret = f"id=HTTP_AUTH_TOKEN_{web.partition('://')[2]},src={argosy.write('token', 'token')}"
    assert files(argosy, "--secret", secret, "-", stdin=text) == ["private"]
    text = f"FROM scratch\nADD {web.replace('127.0.0.1', 'localhost')}/private?@{web.partition('://')[2]}/ /\n"
    assert "401" in argosy.run("build", "--secret", secret, "-", input=text, check=125).stderr


def test_a_dockerfile_that_is_a_link_out_of_a_fetched_context(argosy: Program, web: str) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as packed:
        link = tarfile.TarInfo("Dockerfile")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    argosy.write("context.tar", archive.getvalue())
    done = argosy.run("build", f"{web}/context.tar", check=125)
    assert "no Containerfile or Dockerfile specified or found" in done.stderr


@pytest.fixture
def repository(argosy: Program) -> Iterator[str]:
    """A git repository behind `git daemon`; its URL."""
    if host.program("git") is None:
        pytest.skip("git is not installed")
    work = f"{argosy.files}/served/repo"
    os.makedirs(f"{work}/sub")
    environment = {"HOME": argosy.files, "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}

    def git(*words: str) -> str:
        flags = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
        done = subprocess.run(["git", *flags, *words], check=True, capture_output=True, cwd=work, env=environment)
        return done.stdout.decode().strip()

    git("init", "-q")
    for name, text in (
        ("Dockerfile", "FROM scratch\nCOPY . /\n"),
        ("one", "1\n"),
        ("sub/Dockerfile", "FROM scratch\nCOPY x /\n"),
    ):
        argosy.write(f"served/repo/{name}", text)
    argosy.write("served/repo/sub/x", "x\n")
    os.symlink("../../../../../../../etc", f"{work}/escape")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    git("branch", "first")
    argosy.write("served/repo/two", "2\n")
    git("add", ".")
    git("commit", "-q", "-m", "two")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["git", "daemon", "--reuseaddr", "--export-all", "--listen=127.0.0.1", f"--port={port}"]
    server = subprocess.Popen(
        [*words, f"--base-path={argosy.files}/served"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield f"git://127.0.0.1:{port}/repo"
    server.terminate()
    server.wait()


_SUB = ("s/Dockerfile", "s/x")


def test_repositories(argosy: Program, repository: str) -> None:
    assert files(argosy, repository) == ["Dockerfile", "one", "sub/Dockerfile", "sub/x", "two"]
    assert files(argosy, f"{repository}#first") == ["Dockerfile", "one", "sub/Dockerfile", "sub/x"]
    assert files(argosy, f"{repository}#first:sub") == ["x"]
    assert files(argosy, f"{repository}?branch=first&subdir=sub") == ["x"]
    asked = ["git", "-C", f"{argosy.files}/served/repo", "-c", "safe.directory=*", "rev-parse", "first"]
    first = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    text = f"FROM scratch\nADD --checksum={first[:9]} {repository}#first:sub /s/\nADD {repository}?commit={first} /c/\n"
    assert files(argosy, "-", stdin=text) == ["c/Dockerfile", "c/one", "c/sub/Dockerfile", "c/sub/x", *_SUB]
    for source in (f"--checksum={first} {repository}", f"{repository}?commit={first[:9]}"):
        done = argosy.run("build", "-", input=f"FROM scratch\nADD {source} /\n".encode(), check=125)
        assert f"expected {first[: 9 if '?' in source else None]}, got " in done.stderr
    text = f"FROM scratch\nADD {repository}#:sub /s/\nADD --keep-git-dir {repository} /k/\n"
    found = files(argosy, "-", stdin=text)
    assert [name for name in found if not name.startswith("k/.git/")] == [
        *("k/Dockerfile", "k/one", "k/sub/Dockerfile", "k/sub/x", "k/two", "s/Dockerfile", "s/x"),
    ]
    assert "k/.git/HEAD" in found
    for fragment, words in (
        ("#nope", "git"),
        ("#:nope", "has no directory nope"),
        ("#:escape", "has no directory escape"),
    ):
        assert words in argosy.run("build", f"{repository}{fragment}", check=125).stderr
    done = argosy.run("build", f"{repository}#--upload-pack=touch {argosy.files}/owned", check=125)
    assert "it would be taken for an option" in done.stderr
    assert not os.path.exists(f"{argosy.files}/owned")


def test_what_was_built_is_pushed_and_built_upon(argosy: Program, argosy_user: Program, registry: Registry) -> None:
    access = ("--cert-dir", registry.certificate_directory, "--creds", f"{registry.user}:{registry.password}")
    one, multi = (f"{registry.name}/built/{name}-{os.urandom(4).hex()}:1" for name in ("one", "multi"))
    os.mkdir(f"{argosy.files}/ctx")
    argosy.write("ctx/a", "a\n")
    text = "FROM scratch\nCOPY a /\nENV A=1\n"
    argosy.run("build", "-q", "--push", *access, "-t", one, "-f", "-", f"{argosy.files}/ctx", input=text)
    platforms = ("--platform", "linux/arm64,linux/amd64")
    argosy.run("build", "-q", "--push", *access, *platforms, "-t", multi, "-f", "-", f"{argosy.files}/ctx", input=text)
    argosy.run("manifest", "rm", multi)
    for name in (one, multi):
        upon = f"FROM {name}\nCOPY --from={name} /a /b\n"
        done = argosy_user.run("build", "-q", "--progress=plain", *access, "-t", "upon", "-", input=upon)
        document = argosy_user.run("image", "inspect", done.stdout.strip()).json()[0]
        assert "A=1" in document["Config"]["Env"]
        assert len(document["RootFS"]["Layers"]) == 2
        assert document["Annotations"]["org.opencontainers.image.base.name"] == name
    denied = argosy.run("build", "-q", "--push", "-f", "-", f"{argosy.files}/ctx", input=text, check=125)
    assert "the image has no name" in denied.stderr
