"""`import` of archives: files, standard input, URLs, compressed in all ways, as root and as a user."""

from __future__ import annotations

import functools
import gzip
import http.server
import lzma
import os
import threading
from collections.abc import Iterator

import pytest

from tests.rig import images
from tests.rig.program import Program
from tests.rig.registry import sha256, tar

ARCHIVE = tar({"bin/hello": b"#!/bin/sh\n", "data": b"x" * 100_000})


def test_what_was_imported_runs(argosy_both: Program) -> None:
    name = argosy_both.busybox("made:1")
    done = argosy_both.run("run", "--rm", "--network", "none", name, "sh", "-c", "echo $((6 * 7)) $(id -u)")
    assert done.stdout == "42 0\n"
    assert argosy_both.run("images", "--format", "{{.Repository}}:{{.Tag}}").lines == ["localhost/made:1"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["none", "gzip", "xz"])
def test_files_and_standard_input_give_one_layer(argosy: Program, pack: functools.partial[bytes]) -> None:
    path = argosy.write("archive", pack(ARCHIVE))
    for operand, data in ((path, b""), ("-", pack(ARCHIVE))):
        done = argosy.run("import", operand, "made", input=data)
        assert done.stdout.startswith("sha256:")
        assert "Getting image source signatures" in done.stderr
        assert f"Copying blob {sha256(ARCHIVE)}" in done.stderr
        document = argosy.run("image", "inspect", "made").json()[0]
        assert f"sha256:{document['Id']}" == done.stdout.strip()
        assert document["RootFS"]["Layers"] == [sha256(ARCHIVE)]
    assert len(argosy.run("images", "-q").lines) == 2  # the file has its own time, the stream has now


@pytest.fixture
def web(argosy: Program) -> Iterator[str]:
    """A web server over the program's files; its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=argosy.files)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_urls(argosy: Program, web: str) -> None:
    argosy.write("a.tar.gz", gzip.compress(ARCHIVE))
    done = argosy.run("import", f"{web}/a.tar.gz", "made")
    assert done.stderr.splitlines()[0] == f'Downloading from "{web}/a.tar.gz"'
    assert argosy.run("image", "inspect", "--format", "{{.RootFS.Layers}}", "made").stdout == f"[{sha256(ARCHIVE)}]\n"
    assert argosy.run("import", "-q", f"{web}/a.tar.gz").stderr == ""
    assert "404" in argosy.run("import", f"{web}/absent", check=125).stderr
    refused = argosy.run("import", "http://127.0.0.1:1/x", check=125).stderr
    assert "Error: cannot download http://127.0.0.1:1/x: connection refused" in refused
    assert "registry" not in refused


def test_changes_message_and_platform(argosy: Program) -> None:
    path = argosy.write("a.tar", ARCHIVE)
    argosy.run(
        *("import", "-c", 'CMD ["/bin/hello"]', "--change", "ENV A=b", "--change", "LABEL x=y", "-m", "hello"),
        *("--os", "windows", "--arch", "arm64", path, "made"),
    )
    document = argosy.run("image", "inspect", "made").json()[0]
    assert document["Config"] == {"Env": ["A=b"], "Cmd": ["/bin/hello"], "Labels": {"x": "y"}}
    assert (document["Os"], document["Architecture"], document["Comment"]) == ("windows", "arm64", "hello")
    argosy.run("import", "--platform", "linux/arm/v7", path, "other")
    shown = argosy.run("image", "inspect", "--format", "{{.Os}} {{.Architecture}} {{.Variant}}", "other")
    assert shown.stdout == "linux arm v7\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--change", "FROM x", "a.tar"), 'invalid change "FROM x" - invalid instruction FROM'),
        (("absent.tar",), "no such file"),
        (("a.tar", "UPPER"), "lowercase"),
        (("a.tar", f"x@sha256:{'0' * 64}"), "tag by digest not supported"),
        (("text",), "archive"),
        (("empty",), "empty"),
        (("cut.tar",), "cut off"),
        ((".",), "directory"),
        ((), "arg(s)"),
        (("--platform", "linux/arm64", "--arch", "amd64", "a.tar"), "can not be specified"),
    ],
)
def test_what_goes_wrong_leaves_nothing(argosy: Program, arguments: tuple[str, ...], words: str) -> None:
    for name, data in (("a.tar", ARCHIVE), ("text", b"text" * 1000), ("empty", b""), ("cut.tar", ARCHIVE[:50_000])):
        argosy.write(name, data)
    done = argosy.run("import", *arguments, check=125, cwd=argosy.files)
    assert words in done.stderr
    assert done.stdout == ""
    assert argosy.run("images", "-q").stdout == ""
    assert argosy.run("system", "check").returncode == 0
    for directory in ("layers", "blobs/sha256", "images"):
        path = f"{argosy.root}/{directory}"
        assert not os.path.isdir(path) or os.listdir(path) == []


def test_it_is_on_disk_before_it_is_reported(argosy: Program) -> None:
    argosy.run("import", "-", "made", input=ARCHIVE)
    for blob in os.listdir(f"{argosy.root}/blobs/sha256"):
        assert os.stat(f"{argosy.root}/blobs/sha256/{blob}").st_mode & 0o777 == 0o444
    (layer,) = os.listdir(f"{argosy.root}/layers")
    assert os.stat(f"{argosy.root}/layers/{layer}/layer.json").st_mode & 0o777 == 0o444
    assert os.listdir(f"{argosy.root}/tmp") == []


def test_busybox_keeps_its_links(argosy: Program) -> None:
    with open(images.busybox_archive(), "rb") as archive:
        argosy.run("import", "-", "made", input=archive.read())
    (layer,) = os.listdir(f"{argosy.root}/layers")
    tree = f"{argosy.root}/layers/{layer}/diff"
    assert os.path.exists(f"{tree}/bin/busybox")
    assert os.stat(tree).st_mode & 0o777 == 0o755
