"""Killing the real program at a chosen system call, by strace(1)."""

from __future__ import annotations

import itertools
import os
import random
import tempfile
from collections.abc import Iterator, Sequence

from tests.rig import host
from tests.rig.program import Completed, Program, finish

needs_strace = host.needs_program("strace")

# Calls that change something or can be waited in: a kill between two others changes nothing that a test could see.
TRACED = (
    "openat,openat2,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,symlink,symlinkat,link,linkat,mount,"
    "umount2,move_mount,fsopen,fsconfig,fsmount,write,pwrite64,fsync,fdatasync,syncfs,flock,fchmod,chmod,fchown,fchownat,"
    "clone,clone3,vfork,fork,execve,wait4,waitid,pidfd_open,pidfd_send_signal,kill,connect,sendto,ftruncate,setxattr,"
    "mknodat,utimensat,unshare,setns,poll,ppoll"
)


# Which of the places are taken, where not all are.
SEED = int(os.environ.get("ARGOSY_FAULT_SEED", "1"))

# A place to be killed at: a system call's name, and the how-manyth of that name.  strace counts each name by itself.
Point = tuple[str, int]


def calls(program: Program, *args: str) -> list[Point]:
    """Those of the traced calls that the program itself makes for this command that are worth a kill, in order.

    Opening for reading changes nothing: a kill there is a kill at the next call that does.  Calls of children do not
    count.
    """
    log = program.write("calls", b"", 0o666)
    argv = ["strace", "-qq", "-o", log, "-e", f"trace={TRACED}", *program.argv(*args)]
    _traced(program, argv, check=True)
    with open(log, encoding="utf-8", errors="replace") as file:
        made = [line for line in file if "(" in line]
    seen: dict[str, int] = {}
    points = []
    for line in made:
        name = line.partition("(")[0]
        seen[name] = seen.get(name, 0) + 1
        if not _reads(line):
            points.append((name, seen[name]))
    return points


def _reads(line: str) -> bool:
    opens = line.startswith(("openat(", "openat2(", "execve("))
    return opens and "O_WRONLY" not in line and "O_RDWR" not in line and "O_CREAT" not in line


def kill_at(program: Program, point: Point, *args: str) -> Completed:
    """Run the command and kill the program with SIGKILL when it enters that call."""
    return _traced(program, _injecting(point, program.argv(*args)), check=False)


def kill_all_at(program: Program, point: Point, *args: str) -> Completed:
    """As `kill_at`, for the first of the program's threads and helpers that comes to so many calls of its own."""
    return _traced(program, ["strace", "-f", *_injecting(point, program.argv(*args))[1:]], check=False)


def _injecting(point: Point, argv: Sequence[str]) -> list[str]:
    name, number = point
    inject = f"inject={name}:signal=KILL:when={number}"
    return ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={TRACED}", "-e", inject, *argv]


def _traced(program: Program, argv: list[str], *, check: bool) -> Completed:
    """Output goes to a file: what the program leaves running may hold a pipe open for ever."""
    with tempfile.TemporaryFile() as output:
        process = program.spawn(argv, stdin=-3, stdout=output, stderr=output)
        done = finish(process, check=False, timeout_s=120)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if check and done.returncode:
        raise AssertionError(f"{' '.join(argv)}: exit status {done.returncode}\n{text}")
    return Completed(done.argv, done.returncode, text, text)


def spread(total: int, count: int) -> Iterator[int]:
    """At most `count` numbers from 1 to `total`, evenly spread, both ends among them."""
    if total <= count:
        yield from range(1, total + 1)
        return
    step = (total - 1) / (count - 1)
    yield from sorted({1 + round(step * index) for index in range(count)})


def chosen(points: Sequence[Point], count: int) -> list[Point]:
    """At most `count` of the points, the first and the last among them, and from each stretch between one by chance."""
    places = list(spread(len(points), count))
    chance = random.Random(SEED)
    between = [chance.randrange(low, high) for low, high in itertools.pairwise(places[:-1])]
    return [points[place - 1] for place in dict.fromkeys((places[0], *between, *places[-2:]))]
