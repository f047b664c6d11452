"""Completion: the candidates that shells are given, and the scripts that ask for them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from argosy.cli.main import Opener, run
from argosy.cli.podman import complete
from argosy.config import contexts
from argosy.errors import ArgosyError
from argosy.oci import reference
from tests.rig.program import CHECKOUT


class Named:
    """A container in a list."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.image = "busybox"


ENGINE = SimpleNamespace(
    containers=SimpleNamespace(list=lambda: SimpleNamespace(views=(Named("web"), Named("db")))),
    store=SimpleNamespace(
        shared=(),
        refs=SimpleNamespace(
            all=lambda: SimpleNamespace(
                refs=((reference.parse("localhost/app:v1"), "sha256:0"), (reference.parse("alpine"), "sha256:1"))
            )
        ),
    ),
)


def names_for(*words: str, broken: bool = False) -> tuple[list[str], int]:
    def open_engine(**_settings: object) -> SimpleNamespace:
        if broken:
            raise ArgosyError("no store")
        return ENGINE

    found, directive = complete.candidates("argosy", words, Opener({}, open_engine))
    return [name for name, _ in found], directive


@pytest.mark.parametrize(
    ("words", "found", "directive"),
    [
        (["unsh"], ["unshare"], 4),
        (["system", "c"], ["cache", "check", "connection"], 4),
        (["--root", "/x", "system", "c"], ["cache", "check", "connection"], 4),
        (["--root=/x", "unsh"], ["unshare"], 4),
        (["--runt"], ["--runtime", "--runtime-flag"], 4),
        (["system", "check", "--r"], ["--remote", "--repair", "--root", "--runroot", "--runtime", "--runtime-flag"], 4),
        (["system", "check", "--", "--r"], [], 0),
        (["completion", "--file", ""], [], 0),
        (["rm", ""], ["db", "web"], 4),
        (["rm", "web", "d"], ["db"], 4),
        (["rm", "-f", "w"], ["web"], 4),
        (["rmi", "doc"], ["docker.io/library/alpine:latest"], 4),
        (["run", "--name", "x", "local"], ["localhost/app:v1"], 4),
        (["run", "alpine", ""], [], 0),
        (["run", "alpine", "--na"], [], 0),
        (["nonsense", "x"], [], 4),
        (["__comp"], [], 4),
    ],
)
def test_candidates(words: list[str], found: list[str], directive: int) -> None:
    assert names_for(*words) == (found, directive)


def test_a_store_that_cannot_be_opened_has_no_candidates() -> None:
    assert names_for("rm", "", broken=True) == ([], 4)


def test_the_protocol(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["argosy", "__complete", "unsh"], lambda **_: None) == 0
    assert capfd.readouterr().out == "unshare\tRun a command in the user namespace of the store\n:4\n"
    assert run(["argosy", "__completeNoDesc", "unsh"], lambda **_: None) == 0
    assert capfd.readouterr().out == "unshare\n:4\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_good(shell: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["podman", "completion", shell], lambda **_: None) == 0
    script = capfd.readouterr().out
    assert "PROGRAM" not in script
    assert "FUNCTION" not in script
    assert "podman" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n", "/dev/stdin"], input=script, text=True, check=True)


def test_bash_asks_the_program() -> None:
    script = subprocess.run(
        [f"{CHECKOUT}/bin/argosy", "completion", "bash"], capture_output=True, text=True, check=True
    )
    ask = f'COMP_WORDS=({CHECKOUT}/bin/argosy system res); COMP_CWORD=2; _argosy_complete; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", script.stdout + ask], capture_output=True, text=True, check=True)
    assert done.stdout == "reset\n"


def test_an_unknown_shell(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["argosy", "completion", "tcsh"], lambda **_: None) == 125
    assert "bash, zsh, fish" in capfd.readouterr().err


def test_contexts_of_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    contexts.put({"DOCKER_CONFIG": str(tmp_path)}, contexts.document("dev", "ssh://me@host"))
    assert run(["docker", "__complete", "context", "use", "de"], lambda **_: None) == 0
    assert capfd.readouterr().out == f"default\t{contexts.DEFAULT_HOST}\ndev\tssh://me@host\n:4\n"


@pytest.mark.parametrize("program", ["docker", "buildah", "skopeo"])
def test_each_name_has_a_script_and_commands(program: str, capfd: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert run([program, "completion", shell], lambda **_: None) == 0
        assert program in capfd.readouterr().out
    assert run([program, "__completeNoDesc", "logi"], lambda **_: None) == 0
    assert capfd.readouterr().out == "login\n:4\n"
