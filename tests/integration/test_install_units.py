"""`system install-units`: a unit that systemd takes, and that calls the program with the store it was made for."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from tests.rig import host
from tests.rig.program import Program


def test_the_unit(argosy: Program) -> None:
    config = f"{argosy.files}/odd 100% $HOME"
    done = argosy.run("--module", "/dev/null", "system", "install-units", "--print")
    text = done.stdout
    (start,) = (line.removeprefix("ExecStart=") for line in text.splitlines() if line.startswith("ExecStart="))
    words = shlex.split(start)
    assert words[-2:] == ["system", "boot"]
    assert f"--root {argosy.root}" in start
    assert "--module=/dev/null" in words
    called = subprocess.run([*words[:-2], "system", "boot", "--help"], capture_output=True, text=True, check=True)
    assert "argosy system boot" in called.stdout
    quoted = argosy.run("--root", config, "system", "install-units", "--print").stdout
    assert f'"{argosy.files}/odd 100%% $$HOME"' in quoted
    assert not os.path.exists(config)


@host.needs_program("systemd-analyze")
def test_systemd_takes_it(argosy: Program, tmp_path: Path) -> None:
    unit = tmp_path / "argosy-boot.service"
    unit.write_text(argosy.run("system", "install-units", "--print").stdout)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_user_s_place(argosy_user: Program) -> None:
    done = argosy_user.run("system", "install-units")
    assert done.stdout == f"{argosy_user.base}/home/.config/systemd/user/argosy-boot.service\n"
    assert "WantedBy=default.target" in Path(done.stdout.strip()).read_text()
    assert "enable-linger" in done.stderr
    assert argosy_user.run("system", "install-units").returncode == 0
