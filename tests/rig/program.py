"""The real program, each time with a store and a run directory of its own, as root or as an unprivileged user."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from tests.rig import host, images

CHECKOUT = images.CHECKOUT
DEFAULT_TIMEOUT_S = 120


@dataclass(frozen=True)
class Completed:
    """A program that ended: output as text (undecodable bytes as surrogates)."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    @property
    def stdout_bytes(self) -> bytes:
        """Standard output as it came."""
        return self.stdout.encode("utf-8", "surrogateescape")

    @property
    def lines(self) -> list[str]:
        """Standard output as lines."""
        return self.stdout.splitlines()

    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.stdout)


class Failed(AssertionError):
    """A program's status was not the one that the test wants."""

    def __init__(self, done: Completed, wanted: str) -> None:
        super().__init__(
            f"{' '.join(done.argv)}\nexit status {done.returncode}, wanted {wanted}\n"
            f"--- stdout\n{done.stdout[-4000:]}\n--- stderr\n{done.stderr[-4000:]}"
        )


@dataclass
class Program:
    """One store of Argosy's and the user who works with it.

    `base` holds everything: `root`, `runroot`, `home` and `files` (a directory for the test's own files which the user
    can read).  `launcher` is `bin/argosy` of the checkout, or of an installed copy that the user can read.
    """

    base: str
    launcher: str
    user: str = ""  # "" is the calling user
    env: dict[str, str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)  # global flags for every call
    prefix: list[str] = field(default_factory=list)  # a program that comes before, with its arguments: `lacking`

    def __post_init__(self) -> None:
        os.mkdir(self.base, 0o711)
        for directory in ("home", "files", "xdg"):
            os.mkdir(f"{self.base}/{directory}", 0o700)
        if self.user:
            for directory in ("", "/home", "/files", "/xdg"):
                shutil.chown(self.base + directory, self.user, pwd.getpwnam(self.user).pw_gid)

    @property
    def root(self) -> str:
        """The store (`--root`)."""
        return f"{self.base}/root"

    @property
    def runroot(self) -> str:
        """The run directory (`--runroot`)."""
        return f"{self.base}/run"

    @property
    def files(self) -> str:
        """A directory for files that the user of this program may read."""
        return f"{self.base}/files"

    @property
    def rootless(self) -> bool:
        """Whether the program runs without privilege."""
        return bool(self.user) or not host.is_root()

    @property
    def uid(self) -> int:
        """The uid of the program's user."""
        return pwd.getpwnam(self.user).pw_uid if self.user else os.getuid()

    def argv(self, *args: str, name: str = "argosy") -> list[str]:
        """The argument vector that calls the program, under another name where `name` says so."""
        launcher = os.path.join(os.path.dirname(self.launcher), name)
        return [*self.prefix, launcher, "--root", self.root, "--runroot", self.runroot, *self.flags, *args]

    def environment(self, env: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """The whole environment of a call: a clean one, the program's own `env`, then the call's (None removes)."""
        merged: dict[str, str | None] = {
            "PATH": host.SYSTEM_PATH,
            "HOME": f"{self.base}/home",
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": f"{self.base}/xdg",
            **self.env,
            **(env or {}),
        }
        return {name: value for name, value in merged.items() if value is not None}

    def start(
        self,
        *args: str,
        name: str = "argosy",
        env: Mapping[str, str | None] | None = None,
        stdin: int | IO[bytes] | None = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = subprocess.PIPE,
        stderr: int | IO[bytes] | None = subprocess.PIPE,
        cwd: str | None = None,
        pass_fds: Sequence[int] = (),
        start_new_session: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Start the program and leave it to the test to wait for it (`finish`)."""
        return self.spawn(
            self.argv(*args, name=name),
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd,
            pass_fds=pass_fds,
            start_new_session=start_new_session,
        )

    def spawn(
        self, argv: Sequence[str], *, env: Mapping[str, str | None] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start any program as this user, in this environment."""
        if self.user:
            account = pwd.getpwnam(self.user)
            options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        options["cwd"] = options.get("cwd") or self.base
        return subprocess.Popen(argv, env=self.environment(env), **options)

    def run(
        self,
        *args: str,
        check: bool | int = True,
        input: bytes | str = b"",
        name: str = "argosy",
        env: Mapping[str, str | None] | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        cwd: str | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        """Run the program to its end.  `check` is True for status 0, a number for that status, False for any."""
        process = self.start(*args, name=name, env=env, stdin=subprocess.PIPE, cwd=cwd, pass_fds=pass_fds)
        return finish(process, check=check, input=input, timeout_s=timeout_s)

    def call(
        self, *argv: str, check: bool | int = True, input: bytes | str = b"", timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Completed:
        """Run any other program as this user, to its end."""
        pipe = subprocess.PIPE
        process = self.spawn(argv, stdin=pipe, stdout=pipe, stderr=pipe)
        return finish(process, check=check, input=input, timeout_s=timeout_s)

    def write(self, name: str, data: bytes | str, mode: int = 0o644) -> str:
        """Put a file of the user's into `files`; its path."""
        path = f"{self.files}/{name}"
        with open(path, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        os.chmod(path, mode)
        if self.user:
            shutil.chown(path, self.user, pwd.getpwnam(self.user).pw_gid)
        return path

    def busybox(self, tag: str = "busybox") -> str:
        """Import the busybox image and give its name.  It is there once, however often this is called."""
        if self.run("image", "exists", tag, check=False).returncode:
            with open(images.busybox_archive(), "rb") as archive:
                self.run("import", "--change", 'CMD ["sh"]', "-", tag, input=archive.read())
        return tag


def finish(
    process: subprocess.Popen[bytes],
    *,
    check: bool | int = True,
    input: bytes | str = b"",
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> Completed:
    """Feed a process, collect its output, wait for its end (it is killed after `timeout_s`, which fails the test)."""
    argv: Sequence[str] = process.args if isinstance(process.args, (list, tuple)) else ()
    data = input.encode() if isinstance(input, str) else input
    try:
        stdout, stderr = process.communicate(data if process.stdin else None, timeout_s)
    except subprocess.TimeoutExpired as expired:
        process.kill()
        process.wait()
        raise Failed(_completed(argv, -1, expired.stdout, expired.stderr), f"an end within {timeout_s} s") from None
    status = process.returncode if process.returncode >= 0 else 128 - process.returncode
    done = _completed(argv, status, stdout, stderr)
    if check is not False and status != (0 if check is True else check):
        raise Failed(done, str(0 if check is True else check))
    return done


def _completed(argv: Sequence[str], status: int, stdout: bytes | None, stderr: bytes | None) -> Completed:
    return Completed(
        tuple(argv),
        status,
        (stdout or b"").decode("utf-8", "surrogateescape"),
        (stderr or b"").decode("utf-8", "surrogateescape"),
    )


def install_copy(directory: str) -> str:
    """Copy the program and the libraries it needs to where everybody may read them; the copy's launcher."""
    subprocess.run([f"{CHECKOUT}/tools/install-copy", directory], check=True, stdout=subprocess.DEVNULL)
    return f"{directory}/bin/argosy"
