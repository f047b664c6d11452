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
    (tmp_path / "argosy-boot.service").write_text(argosy.run("system", "install-units", "--print").stdout)
    printed = argosy.run("system", "install-units", "--print", "registry", "cache").stdout
    for text in printed.split("# argosy-")[1:]:
        name, _, unit = text.partition("\n")
        (tmp_path / f"argosy-{name}").write_text(unit)
    units = sorted(map(str, tmp_path.iterdir()))
    assert len(units) == 5
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"--root {argosy.root} " in printed
    assert "ListenStream=127.0.0.1:5001" in printed


def test_a_user_s_place(argosy_user: Program) -> None:
    done = argosy_user.run("system", "install-units")
    assert done.stdout == f"{argosy_user.base}/home/.config/systemd/user/argosy-boot.service\n"
    assert "WantedBy=default.target" in Path(done.stdout.strip()).read_text()
    assert "enable-linger" in done.stderr
    assert argosy_user.run("system", "install-units").returncode == 0
    done = argosy_user.run("system", "install-units", "cache")
    assert [path.rpartition("/")[2] for path in done.lines] == ["argosy-cache.socket", "argosy-cache.service"]
    assert "systemctl --user enable --now argosy-cache.socket switches them on" in done.stderr
    assert "choose cache or registry" in argosy_user.run("system", "install-units", "kubelet", check=125).stderr
