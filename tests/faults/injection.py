"""Killing and failing the real program at a chosen system call, by strace(1)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

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


def count_calls(program: Program, *args: str) -> int:
    """How many of the traced calls the program itself makes for this command (its children's do not count)."""
    log = program.write("calls", b"", 0o666)
    argv = ["strace", "-qq", "-o", log, "-e", f"trace={TRACED}", *program.argv(*args)]
    _traced(program, argv, check=True)
    with open(log, encoding="utf-8", errors="replace") as file:
        return sum(1 for line in file if "(" in line)


def kill_at(program: Program, number: int, *args: str) -> Completed:
    """Run the command and kill the program with SIGKILL when it enters its `number`-th traced call."""
    inject = f"inject={TRACED}:signal=KILL:when={number}"
    argv = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={TRACED}", "-e", inject, *program.argv(*args)]
    return _traced(program, argv, check=False)


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
