"""A host that lacks something, made of this one: user and mount namespaces that programs are put into by a prefix."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_ALL_IDS = "0 0 4294967295"


@contextlib.contextmanager
def lacking(
    *, ids: str = _ALL_IDS, forbid: bool = False, drop: str = "", cover: Sequence[str] = ()
) -> Iterator[list[str]]:
    """The words that put a program there, before its own; it is root there, since the caller must be.

    `ids` is the map of users and groups; with "" there is no user namespace.  `forbid`: there can be no other below.
    `drop`: the capabilities that are gone for good, as setpriv takes them ("-all,+sys_chroot").  `cover`: files that
    are empty there, or FILE=OTHER for one that is another.
    """
    words = [sys.executable, __file__, ids, "1" if forbid else "", *cover]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == b"ready\n"
            prefix = ["nsenter", f"--target={holder.pid}", "--mount", "--preserve-credentials", "--wdns=/"]
            prefix += ["--user"] if ids else []
            if drop:
                prefix += ["setpriv", "--inh-caps", "-all", f"--bounding-set={drop}"]
            yield prefix
        finally:
            holder.kill()


def _hold(ids: str, forbid: str, *cover: str) -> None:
    """Be the process that keeps the namespaces."""
    go, go_write = os.pipe()
    own = os.getpid()
    if os.fork() == 0:
        os.read(go, 1)
        for kind in "ug" if ids else "":
            with open(f"/proc/{own}/{kind}id_map", "w", encoding="ascii") as file:
                file.write(ids)
        os._exit(0)
    libc = ctypes.CDLL(None, use_errno=True)

    def check(status: int) -> None:
        if status:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    check(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS if ids else _CLONE_NEWNS))
    os.write(go_write, b".")
    assert os.wait()[1] == 0
    check(libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None))
    for item in cover:
        path, _, other = item.partition("=")
        check(libc.mount((other or "/dev/null").encode(), path.encode(), None, _MS_BIND, None))
    if forbid:
        with open("/proc/sys/user/max_user_namespaces", "w", encoding="ascii") as file:
            file.write("0")
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _hold(*sys.argv[1:])
