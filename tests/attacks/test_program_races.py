"""A container that swaps a directory for a link, without end, while its files are copied, exported and imported.

The link names a directory of the host by its path there.  Inside the container that path leads nowhere: a command may
fail, but what it reads is never the host's file, and nothing is written there.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator

import pytest

from tests.rig.program import Program

ROUNDS = int(os.environ.get("ARGOSY_RACE_ROUNDS", "4"))
SECRET = b"not-for-containers-7c1f"
# d is now a directory with a file in it, now a link to the host's directory, now to it by the way up, now nothing.
LOOP = """
cd $1 && mkdir -p d && echo own > d/secret || exit 1
echo ready > ready
while :; do
    mv d x; ln -s $2 d; usleep 500; rm d; ln -s ../../../../../../../../..$2 d; usleep 500; rm d; mv x d; usleep 1000
done
"""


@pytest.fixture(scope="module")
def racing(shared_both: Program) -> Iterator[Program]:
    """The container `c`, with loops in its own tree, in a volume and in a directory of the host."""
    program = shared_both
    program.busybox()
    place = victim(program)
    os.makedirs(place)
    os.makedirs(f"{program.files}/bound")
    program.call("sh", "-c", f"mkdir -p {place} {program.files}/bound")
    for path in (place, f"{program.files}/bound"):
        os.chown(path, program.uid, -1)
    program.write("victim/secret", SECRET)
    loop = program.write("loop", LOOP)
    words = ("-v", f"{loop}:/loop:ro", "-v", "raced:/volume", "-v", f"{program.files}/bound:/bound")
    starter = "mkdir /tree; for at in /tree /volume /bound; do sh /loop $at " + place + " 2>/dev/null & done; wait"
    program.run("run", "-d", "--name", "c", "--network", "none", *words, "busybox", "sh", "-c", starter)
    for at in ("tree", "volume", "bound"):
        program.run("exec", "c", "sh", "-c", f"until [ -e /{at}/ready ]; do sleep 0.01; done")
    yield program
    program.run("rm", "-f", "-t", "0", "c")
    program.run("volume", "rm", "raced")
    program.run("rmi", "-f", "raced", check=False)


def victim(program: Program) -> str:
    return f"{program.files}/victim"


def untouched(program: Program) -> bool:
    with open(f"{victim(program)}/secret", "rb") as file:
        return os.listdir(victim(program)) == ["secret"] and file.read() == SECRET


def planted() -> bytes:
    """An archive whose files are all below `d`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("d/planted", "d/secret"):
            entry = tarfile.TarInfo(name)
            entry.size = 7
            tar.addfile(entry, io.BytesIO(b"planted"))
    return out.getvalue()


def attempt(program: Program, *words: str, input: bytes = b"") -> bytes:
    """What the command writes, which may fail and may not break; the host's directory is as it was."""
    done = program.run(*words, input=input, check=False)
    assert "internal error" not in done.stderr, done.stderr
    assert SECRET not in done.stdout_bytes
    assert untouched(program), words
    return done.stdout_bytes


@pytest.mark.parametrize("at", ["tree", "bound"])
def test_copies(racing: Program, at: str) -> None:
    """Into the directory that may be a link, out of it, and as archives both ways."""
    program = racing
    source = program.write("planted", b"planted")
    for number in range(ROUNDS):
        target = f"{program.files}/out-{at}-{number}"
        attempt(program, "cp", source, f"c:/{at}/d/planted")
        attempt(program, "cp", "-", f"c:/{at}", input=planted())
        attempt(program, "cp", f"c:/{at}/d/secret", target)
        if os.path.exists(target):
            with open(target, "rb") as file:
                assert file.read() in (b"own\n", b"planted")
        attempt(program, "cp", f"c:/{at}/d/.", "-")
        attempt(program, "cp", f"c:/{at}", "-")


def test_exports_and_commits(racing: Program) -> None:
    program = racing
    for _ in range(max(2, ROUNDS // 2)):
        attempt(program, "export", "c")
        attempt(program, "commit", "-q", "c", "raced")
    program.run("create", "--name", "made", "--network", "none", "raced", "true")
    assert SECRET not in attempt(program, "export", "made")
    program.run("rm", "made")


def test_volumes(racing: Program) -> None:
    program = racing
    path = program.write("planted.tar", planted())
    whole = 0
    for _ in range(ROUNDS):
        whole += bool(attempt(program, "volume", "export", "raced"))
        attempt(program, "volume", "import", "raced", path)
    assert whole
