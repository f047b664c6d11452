"""Builds as people have them: apt-get and a compiler, pip with a cache mount, npm.  The packages lie in the context.

The steps run the host's own programs, so that nothing comes from a network; what they install goes into the image.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import subprocess
import tarfile
import zipfile

import pytest

from tests.rig import host
from tests.rig.program import Program

HOST = ("-v", "/usr:/usr:ro")
NO_NETWORK = ("--network", "none")
ROOT = """FROM scratch AS root
COPY root /
RUN mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/apt/lists/partial /var/log/apt /opt && mkdir -m 1777 /tmp
RUN : > /var/lib/dpkg/status
"""
APT = """RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=bind,source=repo,target=/repo \\
    mkdir -p /var/cache/apt/archives/partial && apt-get update && apt-get install -y greeting
COPY hello.c /src/
RUN gcc -o /hello /src/hello.c
CMD ["/hello"]
"""
PIP = """WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,source=wheels,target=/wheels \\
    /usr/bin/python3 -m pip install --no-index --find-links /wheels --target lib greeting
CMD ["/usr/bin/python3", "-c", "import sys; sys.path.insert(0, 'lib'); import greeting; print(greeting.TEXT)"]
"""
NPM = """WORKDIR /app
COPY npm/package.json .
RUN --mount=type=cache,target=/root/.npm --mount=type=bind,source=npm,target=/npm \\
    npm install --offline --no-audit --no-fund --no-update-notifier
CMD ["node", "-e", "console.log(require('greeting'))"]
"""


def _deb(directory: str) -> None:
    """A Debian package of one file, and the index of a repository that has it."""
    tree = f"{directory}/tree"
    for path, text in (
        (
            "DEBIAN/control",
            "Package: greeting\nVersion: 1.0\nArchitecture: all\nMaintainer: A <a@b>\nDescription: words\n",
        ),
        ("opt/greeting", "hello from apt\n"),
    ):
        os.makedirs(os.path.dirname(f"{tree}/{path}"), exist_ok=True)
        with open(f"{tree}/{path}", "w", encoding="utf-8") as file:
            file.write(text)
    os.makedirs(f"{directory}/repo")
    name = "greeting_1.0_all.deb"
    path = f"{directory}/repo/{name}"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, path], check=True, capture_output=True)
    with open(path, "rb") as package:
        data = package.read()
    with open(f"{tree}/DEBIAN/control", encoding="utf-8") as control:
        found = f"{control.read()}Filename: ./{name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
    with open(f"{directory}/repo/Packages", "w", encoding="utf-8") as index:
        index.write(found)


def _wheel(path: str) -> None:
    files = {
        "greeting.py": b"TEXT = 'hello from pip'\n",
        "greeting-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
        "greeting-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}\n")
    files["greeting-1.0.dist-info/RECORD"] = "".join([*lines, "greeting-1.0.dist-info/RECORD,,\n"]).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def _npm_package() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, text in (
            ("package/package.json", '{"name": "greeting", "version": "1.0.0", "main": "index.js"}'),
            ("package/index.js", "module.exports = 'hello from npm'\n"),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()


@pytest.fixture(scope="module")
def program(shared_both: Program) -> Program:
    """A program whose context `ctx` has packages of all kinds, and a root into which the host's /usr fits."""
    directory = f"{shared_both.files}/ctx"
    for name in ("root/etc/apt", "root/usr", "wheels", "npm"):
        os.makedirs(f"{directory}/{name}")
    for name in ("bin", "lib", "lib64", "sbin"):
        os.symlink(f"usr/{name}", f"{directory}/root/{name}")
    for path, text in (
        ("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
        ("root/etc/group", "root:x:0:\n"),
        ("root/etc/apt/apt.conf", 'APT::Sandbox::User "root";\n'),
        ("root/etc/apt/sources.list", "deb [trusted=yes] file:/repo ./\n"),
        ("hello.c", '#include <stdio.h>\nint main(void) { puts("hello from C"); return 0; }\n'),
        ("npm/package.json", '{"name": "app", "version": "1.0.0", "dependencies": {"greeting": "file:/npm/g.tgz"}}'),
    ):
        shared_both.write(f"ctx/{path}", text)
    shared_both.write("ctx/npm/g.tgz", _npm_package())
    _wheel(f"{directory}/wheels/greeting-1.0-py3-none-any.whl")
    if host.program("dpkg-deb"):
        _deb(directory)
    return shared_both


def said(program: Program, text: str, name: str) -> tuple[str, str]:
    """What the build of these steps says, and what its image does."""
    words = ("build", *NO_NETWORK, *HOST, "-t", name, "-f", "-", f"{program.files}/ctx")
    output = program.run(*words, input=f"{ROOT}FROM root\n{text}".encode()).stdout
    return output, program.run("run", "--rm", *NO_NETWORK, *HOST, name).stdout


@pytest.mark.skipif(not all(map(host.program, ("apt-get", "dpkg-deb", "gcc"))), reason="needs apt-get and gcc")
def test_a_c_program(program: Program) -> None:
    output, told = said(program, APT, "c")
    assert "Setting up greeting (1.0)" in output
    assert told == "hello from C\n"
    words = (
        "run",
        "--rm",
        *NO_NETWORK,
        *HOST,
        "c",
        "sh",
        "-c",
        "cat /opt/greeting; dpkg-query -W; [ ! -e /var/cache ]",
    )
    assert program.run(*words).lines == ["hello from apt", "greeting\t1.0"]
    output, _ = said(program, f"{APT}ENV A=1\n", "c")
    assert output.count("Using cache") == 7  # those of the first stage are three


@pytest.mark.skipif(not os.path.exists("/usr/lib/python3/dist-packages/pip"), reason="needs the system's pip")
def test_a_python_program(program: Program) -> None:
    output, told = said(program, PIP, "python")
    assert "Successfully installed greeting-1.0" in output
    assert told == "hello from pip\n"


@host.needs_program("npm")
def test_a_node_program(program: Program) -> None:
    output, told = said(program, NPM, "node")
    assert "added 1 package" in output
    assert told == "hello from npm\n"
