"""Python code run by an unprivileged user, for what root is never refused."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.rig import host
from tests.rig.program import CHECKOUT

PYTHON = "/usr/bin/python3"


class AsUser:
    """Runs Python code with `argosy` importable, in a directory of the user's own.

    `run_dir` is a run directory for that user; `prefix` a program that comes before the interpreter.
    """

    def __init__(self, base: str, user: str) -> None:
        account = pwd.getpwnam(user) if user else pwd.getpwuid(os.getuid())
        self.uid, self.gid, self.name = account.pw_uid, account.pw_gid, account.pw_name
        self.library, self.directory, self.run_dir = f"{base}/lib", f"{base}/files", f"{base}/run"
        shutil.copytree(f"{CHECKOUT}/argosy", f"{self.library}/argosy", ignore=shutil.ignore_patterns("__pycache__"))
        os.mkdir(self.directory)
        os.mkdir(self.run_dir, 0o700)
        for path in (self.directory, self.run_dir):
            os.chown(path, self.uid, self.gid)

    def prepare(self, path: str, *, owner: int) -> None:
        """Make an empty file, and the directories above it, with this owner."""
        os.makedirs(os.path.dirname(f"{self.directory}/{path}"))
        with open(f"{self.directory}/{path}", "wb"):
            pass
        os.chown(f"{self.directory}/{path}", owner, owner)

    def run(
        self,
        code: str,
        *,
        env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        cwd: str | None = None,
        root: bool = False,
        check: bool = True,
    ) -> str:
        """Run the code; what it printed."""
        head = f"import os, sys\nsys.path.insert(0, {self.library!r})\nRUN = {self.run_dir!r}\n"
        identity: dict[str, Any] = (
            {} if root or not host.is_root() else {"user": self.uid, "group": self.gid, "extra_groups": []}
        )
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [*prefix, PYTHON, "-I", "-S", "-B", "-c", head + textwrap.dedent(code)],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=cwd or self.directory,
            env={"PATH": host.SYSTEM_PATH, "HOME": self.directory, **(env or {})},
            **identity,
        )
        if check and done.returncode:
            pytest.fail(f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}", pytrace=False)
        return done.stdout if check else done.stdout + done.stderr
