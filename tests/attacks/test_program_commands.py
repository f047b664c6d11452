"""Commands that cannot be executed: which it is, and status 126 or 127, by run and by exec, under both runtimes."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import pytest

from tests.attacks.ground import INSECURE, Ground, Registry, busybox_with
from tests.rig import host
from tests.unit.archive import tars

OURS = {"x86_64": 62, "aarch64": 183}.get(os.uname().machine, 0)
FOREIGN, FOREIGN_NAME = (183, "arm64") if OURS == 62 else (62, "amd64")


def elf(machine: int, loader: bytes = b"") -> bytes:
    """The beginning of a program for this machine, which could not run anywhere."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    body = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, bool(loader), 0, 0, 0)
    entry = struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, len(loader) + 1, 0, 1) if loader else b""
    return (head + body + entry + loader).ljust(400, b"\0")


def file(name: bytes, data: bytes, mode: int = 0o755) -> bytes:
    return tars.file(b"bin/" + name, data, mode=mode)


# What the runtime refuses in other words: 126 from `run`, 255 from `exec`, where podman has it so; 125 when detached.
OTHER = -1

CASES: dict[str, tuple[bytes, str, int, list[str]]] = {
    # what: the tar entry, the command, the status, and what the user reads
    "another architecture": (
        file(b"foreign", elf(FOREIGN)),
        "foreign",
        126,
        ["/bin/foreign", f"built for {FOREIGN_NAME}", "exec format error", "--platform"],
    ),
    "a script whose interpreter is for another architecture": (
        file(b"wrapper", b"#!/bin/foreign\n"),
        "wrapper",
        126,
        ['its interpreter "/bin/foreign" is built for'],
    ),
    "no interpreter": (file(b"script", b"#!/opt/python9 -u\n"), "script", 127, ['its interpreter "/opt/python9"']),
    "no loader": (
        file(b"musl", elf(OURS, b"/lib/ld-musl-nowhere.so.1")),
        "musl",
        127,
        ['its dynamic loader "/lib/ld-musl-nowhere.so.1" is not in the image'],
    ),
    "CRLF": (file(b"dos", b"#!/bin/sh\r\necho hi\r\n"), "dos", 127, ["ends in CR LF", r'"/bin/sh\r"', "dos2unix"]),
    "CRLF behind an argument": (file(b"dos2", b"#!/bin/env sh\r\n"), "/bin/dos2", 127, ["ends in CR LF"]),
    "escape codes": (file(b"escape", b"#!/bin/\x1b[2J\n"), "escape", 127, [r'"/bin/\x1b[2J"']),
    "no command": (b"", "nowhere", 127, ["nowhere", "not found"]),
    "no command with escape codes": (b"", "\x1b[2Jred", 127, [r"\x1b[2Jred"]),
    "no path": (b"", "/no/where", 127, ["/no/where", "not found"]),
    "dangling link": (tars.symlink(b"bin/dangling", b"/nowhere"), "dangling", 127, ["dangling", "not found"]),
    "link out of the container": (tars.symlink(b"bin/out", b"../" * 20 + b"usr/bin/env"), "out", 127, ["out"]),
    "not executable": (file(b"data", b"#!/bin/sh\n", 0o644), "data", 126, ["/bin/data", "mode is 0644", "chmod +x"]),
    "not executable by path": (b"", "/etc/passwd", 126, ["/etc/passwd", "may not be executed"]),
    "a directory": (b"", "/etc", 126, ["/etc: it is a directory"]),
    "the root": (b"", "/", 126, ["it is a directory"]),
    "a FIFO": (tars.header(b"bin/fifo", tars.FIFO, mode=0o755), "/bin/fifo", 126, ["/bin/fifo: it is a FIFO"]),
    "empty": (file(b"empty", b""), "empty", 126, ["it is empty"]),
    "text": (file(b"text", b"echo hi\n"), "text", 126, ["neither a program for Linux nor a script"]),
    "a file as a directory": (b"", "/bin/sh/x", OTHER, ["ot a directory"]),
    "a name too long": (b"", "/" + "n" * 300, OTHER, ["ile name too long"]),
}


@pytest.fixture(scope="module")
def reference(hostile: Registry) -> str:
    """The image with all that cannot be executed."""
    return hostile.add(busybox_with(*(part for part, _, _, _ in CASES.values())))


@pytest.fixture(scope="module", params=["crun", "runc"])
def runtime(request: pytest.FixtureRequest, ground: Ground, reference: str) -> str:
    """Each runtime that works here."""
    name: str = request.param
    if host.program(name) is None:
        pytest.skip(f"{name} is not installed")
    done = ground.program.run("--runtime", name, "run", "-q", "--rm", INSECURE, reference, "true", check=False)
    if done.returncode:
        pytest.skip(f"{name} does not work here: {done.stderr.strip()}")
    return name


@pytest.mark.parametrize("case", CASES)
def test_run(ground: Ground, reference: str, runtime: str, case: str) -> None:
    _, command, status, words = CASES[case]
    run = ("--runtime", runtime, "run", "--rm", "--network=none")
    done = ground.attack(*run, reference, command, status=126 if status == OTHER else status, words=words)
    assert done.stdout == ""


@pytest.fixture
def running(ground: Ground, reference: str, runtime: str) -> Iterator[str]:
    """A container that runs."""
    ground.program.run(
        *("--runtime", runtime, "run", "-d", "--name", "running", "--network=none", reference, "sleep", "1000")
    )
    yield "running"
    ground.program.run("rm", "--force", "--time", "0", "running")


@pytest.mark.parametrize("detached", [False, True])
def test_exec(ground: Ground, running: str, runtime: str, *, detached: bool) -> None:
    for case, (_, command, status, words) in CASES.items():
        arguments = ("exec", *(["--detach"] if detached else []), running, command)
        done = ground.program.run(*arguments, check=False)
        wanted = 125 if detached else 255 if status == OTHER else status
        assert done.returncode == wanted, (case, done.stderr)
        ground.judge(done, words)
        assert done.stdout == ""
    assert ground.program.run("exec", running, "echo", "well").stdout == "well\n"


def test_start_says_it_again(ground: Ground, reference: str) -> None:
    """What could not start keeps saying why, and is there to be looked at and removed."""
    ground.program.run("create", "-q", INSECURE, "--name", "dos", "--network=none", reference, "dos")
    for _ in range(2):
        done = ground.program.run("start", "dos", check=False)
        assert done.returncode in (125, 127)
        ground.judge(done, ["ends in CR LF"])
    state = ground.program.run("inspect", "dos").json()[0]["State"]
    assert (state["Status"], state["ExitCode"]) == ("created", 127)
    assert "ends in CR LF" in state["Error"]
    ground.attack("rm", "dos", status=0)


def test_nothing_is_created_for_what_is_no_command(ground: Ground, reference: str) -> None:
    for arguments in (("",), ("--entrypoint=", reference, ""), ("--entrypoint", '[""]', reference)):
        command = arguments if len(arguments) > 1 else (reference, *arguments)
        ground.attack("run", "--rm", "-q", INSECURE, "--network=none", *command, keeps=False)


def test_programs_on_mounts(ground: Ground, reference: str, runtime: str) -> None:
    """What lies on a bind mount or a volume is explained as well as what lies in the image."""
    scripts = {
        "dos": b"#!/bin/sh\r\n",
        "foreign": elf(FOREIGN),
        "script": b"#!/opt/python9\n",
        "well": b"#!/bin/sh\nid\n",
    }
    work = f"{ground.program.files}/work"
    os.makedirs(work, exist_ok=True)
    os.chmod(work, 0o755)
    for name, data in scripts.items():
        with open(f"{work}/{name}", "wb") as script:
            script.write(data)
        os.chmod(f"{work}/{name}", 0o755)
    run = ("--runtime", runtime, "run", "--rm", "--network=none")
    fill = ("run", "--rm", "--network=none", "-v", "filled:/v", "-v", f"{work}:/w", reference, "sh", "-c", "cp /w/* /v")
    ground.program.run(*fill)
    for mount in (f"{work}:/work", "filled:/work:ro"):
        for name, status, words in (
            ("dos", 127, ["ends in CR LF", "on the host"]),
            ("foreign", 126, [f"built for {FOREIGN_NAME}"]),
            ("script", 127, ['its interpreter "/opt/python9"']),
        ):
            done = ground.attack(*run, "-v", mount, "-w", "/work", reference, f"./{name}", status=status, words=words)
            assert done.stdout == ""
        ground.attack(*run, "-v", mount, reference, "/work/well", status=0, keeps=True)
    ground.program.run("system", "prune", "--force", "--volumes")
