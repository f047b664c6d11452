"""Running a program below another root directory by chroot(2) alone: no namespace, no mount, no code of ours in there.

Two programs do it, each with the next as its argument, and both are loaded before the root changes: setpriv of
util-linux (groups, capabilities), then chroot of coreutils, told a user by numbers, for which it looks up no name.

What they are told in their environment would steer *them* (`LD_PRELOAD=/the/store/layer/evil.so` is a program of the
image's on the host), so that such variables are set behind the change of roots, by the `env` of the tree; its `sh` goes
to another directory than "/".
"""

from __future__ import annotations

import os
import stat

from argosy.errors import ArgosyError, Invalid
from argosy.linux import paths, signals, syscalls
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import NoReturn

CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_SYS_CHROOT = 6, 7, 8, 18

# Beginnings of the names of variables that a C library, its loader or gettext look at.
_STEERING = (
    *("LD_", "LC_", "LANG", "LOC", "NLS", "GLIBC_", "GCONV_", "GETCONF", "MALLOC_", "MUSL_", "MEMUSAGE", "PCPROFILE"),
    *("OUTPUT_CHARSET", "TEXTDOMAIN", "TZ", "POSIXLY_", "RES_", "HOSTALIASES", "NIS_", "TMPDIR", "SEGFAULT"),
)
_ENV_PROGRAMS = ("/usr/bin/env", "/bin/env")
_SHELLS = ("/bin/sh", "/usr/bin/sh")
_DEFAULT_PATH = "/bin:/usr/bin"


class Entry(Value):
    """What to run below `root`, a directory of the host; all else is as seen from there.

    `capabilities` are the numbers of those that its bounding set keeps beside CAP_SYS_CHROOT.  `rlimits` are (number,
    soft, hard).
    """

    root: str
    args: tuple[str, ...]
    env: tuple[str, ...] = ()
    cwd: str = "/"
    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    capabilities: tuple[int, ...] = ()
    no_new_privileges: bool = False
    umask: int = 0o022
    rlimits: tuple[tuple[int, int, int], ...] = ()
    oom_score_adj: int | None = None


class Programs(Value):
    """Where the two programs are."""

    setpriv: str
    chroot: str


def find_programs() -> Programs:
    """Raises NotFound when one is not installed."""
    from argosy.errors import NotFound
    from argosy.linux import process

    found = {name: process.find_program(name) for name in ("setpriv", "chroot")}
    for name, path in found.items():
        if path is None:
            raise NotFound("program", name, hint="chroot isolation needs util-linux and coreutils: install them")
    return Programs(setpriv=found["setpriv"] or "", chroot=found["chroot"] or "")


def argv(entry: Entry, programs: Programs, capabilities: int) -> list[str]:
    """The argument vector, to be executed with `environment(entry)`; `capabilities` are those we have, as a bit mask.

    Raises ArgosyError where the tree lacks the directory, the program, or what would set a variable.
    """
    root_fd = paths.open_root(entry.root)
    try:
        _check(root_fd, entry)
        words = _steered(root_fd, entry)
    finally:
        os.close(root_fd)
    flags = []
    if entry.uid != os.geteuid():
        groups = ",".join(f"+{group}" for group in entry.groups)
        flags = [f"--userspec=+{entry.uid}:+{entry.gid}", f"--groups={groups}"]
    return [*_privileges(entry, programs.setpriv, capabilities), programs.chroot, *flags, "--", entry.root, *words]


def environment(entry: Entry) -> dict[str, str]:
    """What the programs on the way may be told."""
    return {name: value for name, _, value in map(_pair, entry.env) if not _steers(name)}


def _privileges(entry: Entry, setpriv: str, capabilities: int) -> list[str]:
    """The words of setpriv, as far as we may do these things at all; none where there is nothing to do."""
    words = ["--no-new-privs"] if entry.no_new_privileges else []
    if capabilities >> CAP_SETGID & 1:
        groups = ["--groups", ",".join(map(str, entry.groups))] if entry.groups else ["--clear-groups"]
        words += ["--regid", str(entry.gid), *groups]
    if capabilities >> CAP_SETPCAP & 1:
        kept = {*entry.capabilities, CAP_SYS_CHROOT, *([CAP_SETUID] if entry.uid != os.geteuid() else [])}
        listed = [f"+cap_{number}" for number in sorted(kept) if capabilities >> number & 1]
        words += ["--inh-caps", "-all", "--bounding-set", ",".join(["-all", *listed])]
    return [setpriv, *words, "--"] if words else []


def _check(root_fd: int, entry: Entry) -> None:
    """Raise what a runtime says of a directory or a program that is not there, since nobody can say it later."""
    try:
        if not stat.S_ISDIR(paths.stat_in_root(root_fd, entry.cwd).st_mode):
            raise NotADirectoryError(20, "Not a directory")
    except OSError as error:
        raise ArgosyError(f"chdir to `{entry.cwd}`: {error.strerror}") from error
    if not entry.args:
        raise ArgosyError("no command was given to run")
    name = entry.args[0]
    if "/" in name:
        mode = _mode(root_fd, os.path.join(entry.cwd, name))
        if mode is None:
            raise ArgosyError(f"executable file `{name}` not found: No such file or directory")
        if not stat.S_ISREG(mode) or not mode & 0o111:
            raise ArgosyError(f"open executable: Permission denied: {name}")
        return
    path = next((value for key, _, value in map(_pair, entry.env) if key == "PATH"), _DEFAULT_PATH)
    if not any(_executable(root_fd, os.path.join(entry.cwd, directory, name)) for directory in path.split(":")):
        raise ArgosyError(f"executable file `{name}` not found in $PATH: No such file or directory")


def _mode(root_fd: int, path: str) -> int | None:
    try:
        return paths.stat_in_root(root_fd, path).st_mode
    except (OSError, Invalid):
        return None


def _executable(root_fd: int, path: str) -> bool:
    mode = _mode(root_fd, path)
    return mode is not None and stat.S_ISREG(mode) and bool(mode & 0o111)


def _steered(root_fd: int, entry: Entry) -> list[str]:
    """The arguments, behind the tree's `sh` and `env` where there is a directory to go to, or variables to be set."""
    words = list(entry.args)
    variables = [item for item in entry.env if _steers(_pair(item)[0])]
    if variables:
        name = _pair(variables[0])[0]
        program = _of_tree(root_fd, _ENV_PROGRAMS) if "=" not in entry.args[0] else ""
        if not program:
            what = f"cannot set {name} with chroot isolation: there is no {_ENV_PROGRAMS[0]} in the container"
            raise ArgosyError(what, hint=f"--unsetenv {name} goes without it")
        words = [program, *variables, *words]
    if os.path.normpath(entry.cwd) != "/":
        shell = _of_tree(root_fd, _SHELLS)
        if not shell:
            what = f"cannot go to {entry.cwd} with chroot isolation: there is no {_SHELLS[0]} in the container"
            raise ArgosyError(what, hint="--workdir / goes without it")
        words = [shell, "-c", 'cd "$0" && exec "$@"', entry.cwd, *words]
    return words


def _of_tree(root_fd: int, programs: Sequence[str]) -> str:
    return next((program for program in programs if _executable(root_fd, program)), "")


def _steers(name: str) -> bool:
    return name.startswith(_STEERING)


def _pair(item: str) -> tuple[str, str, str]:
    return item.partition("=")


def execute(entry: Entry, words: Sequence[str], *, preserve_fds: int = 0) -> NoReturn:
    """Become the program: `words` is what `argv` gave.  Raises OSError."""
    import resource

    if entry.oom_score_adj is not None:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write(str(entry.oom_score_adj))
    for number, soft, hard in entry.rlimits:
        resource.setrlimit(number, (soft, hard))
    os.umask(entry.umask)
    os.chdir("/")
    syscalls.close_range(3 + preserve_fds, syscalls.MAX_DESCRIPTOR, syscalls.CLOSE_RANGE_CLOEXEC)
    signals.set_default()
    os.execve(words[0], list(words), environment(entry))  # noqa: S606 -- programs of the host, by their paths


def start(run: Callable[[], NoReturn], *, terminal: int | None = None) -> int:
    """A new process, leader of a session of its own and on `terminal` where there is one, in which `run` is called."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        if terminal is not None:
            _take_terminal(terminal)
        run()
    except (OSError, ArgosyError) as error:
        os.write(2, f"{error}\n".encode())
    finally:
        os._exit(127)


def _take_terminal(terminal: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for stream in (0, 1, 2):
        os.dup2(terminal, stream)


def end_all_below(root: str, family: Mapping[int, object]) -> None:
    """Kill every process whose root directory is `root`; of those whose root we may not see, the ones in `family`.

    Raises ArgosyError when some do not end.
    """
    import time

    from argosy.linux import process

    place, deadline = os.path.realpath(root), time.monotonic() + 10
    while pids := [pid for pid in _pids() if _is_below(pid, place, family)]:
        for pid in pids:
            process.signal_process(pid, process.start_time(pid) or 0)
        if time.monotonic() > deadline:
            raise ArgosyError(f"cannot end the processes {pids} in {place}")
        time.sleep(0.002)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _is_below(pid: int, root: str, family: Mapping[int, object]) -> bool:
    from argosy.linux import process

    if process.start_time(pid) is None:
        return False  # a zombie, whose root may be told to nobody
    try:
        return os.readlink(f"/proc/{pid}/root") == root
    except PermissionError:
        return pid in family
    except OSError:
        return False  # it is gone, or a zombie
