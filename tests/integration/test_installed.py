"""The wheel: its commands keep the interpreter's flags, and work through links."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.rig import host
from tests.rig.program import CHECKOUT

COMMANDS = ("argosy", "docker", "podman", "buildah", "skopeo")
PIECES = ("argosy", "tools/wheel", "docs/man", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The wheel, built from a copy of the source with what is installed here: no network is asked for anything."""
    directory = str(tmp_path_factory.mktemp("wheel"))
    for piece in PIECES:
        source, target = f"{CHECKOUT}/{piece}", f"{directory}/source/{piece}"
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.isdir(source):
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", f"{directory}/dist", f"{directory}/source")
    (name,) = os.listdir(f"{directory}/dist")
    return f"{directory}/dist/{name}"


@pytest.fixture(scope="module")
def environment(wheel: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A virtual environment with the wheel, as pipx and uv make them."""
    directory = f"{tmp_path_factory.mktemp('environment')}/venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
    pip("--python", f"{directory}/bin/python", "install", "--no-deps", "--no-index", wheel)
    return directory


def pip(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "-q", *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def output(*argv: str, **variables: str) -> str:
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, env={"PATH": host.SYSTEM_PATH, **variables}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_there(environment: str, name: str) -> None:
    assert " version " in output(f"{environment}/bin/{name}", "--version")


def test_commands_work_through_links(environment: str, tmp_path: str) -> None:
    os.symlink(f"{environment}/bin/argosy", f"{tmp_path}/first")
    os.symlink(f"{tmp_path}/first", f"{tmp_path}/docker")
    assert output(f"{tmp_path}/docker", "--version").startswith("Docker version ")
    assert output("docker", "--version", PATH=f"{tmp_path}:{host.SYSTEM_PATH}").startswith("Docker version ")


def test_the_interpreter_keeps_its_flags(environment: str, tmp_path: str) -> None:
    """With an interpreter that tells what it was called with."""
    shutil.copytree(environment, f"{tmp_path}/venv", symlinks=True)
    python = f"{tmp_path}/venv/bin/python3"
    os.unlink(python)
    with open(python, "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\necho "$@"\n')
    os.chmod(python, 0o755)
    called = output(f"{tmp_path}/venv/bin/podman", "run", "a b").split()
    assert called[0] == "-IS"
    assert called[1].endswith("/argosy/launch.py")
    assert called[2:] == ["run", "a", "b"]


def test_the_program_can_start_itself_again(environment: str) -> None:
    """With the words of `linux.process.self_argv`, which conmon gets as its exit command."""
    code = (
        "import os, sys; sys.argv = ['argosy', '--version']; os._exit = lambda status: None\n"
        "import argosy.launch\n"
        "from argosy.linux import process\n"
        "print(*process.self_argv(), sep='\\n')"
    )
    words = output(f"{environment}/bin/python3", "-c", code, ARGOSY_CALLED_AS="x").splitlines()[1:]
    assert output(*words, "--version").startswith("argosy version ")
    assert words[:3] == [f"{environment}/bin/python3", "-I", "-S"]


def test_a_command_without_its_libraries_says_so(environment: str, tmp_path: str) -> None:
    os.mkdir(f"{tmp_path}/bin")
    shutil.copy(f"{environment}/bin/argosy", f"{tmp_path}/bin/argosy")
    done = subprocess.run([f"{tmp_path}/bin/argosy", "ps"], check=False, capture_output=True, text=True)
    assert done.returncode == 125
    assert "cannot find Argosy's libraries" in done.stderr


def test_manual_pages_come_along(environment: str) -> None:
    assert os.path.exists(f"{environment}/share/man/man1/argosy.1")


@host.needs_root
def test_programs_import_it_and_start_it_again(environment: str, tmp_path: str) -> None:
    """With the words that conmon gets, which must start Argosy and not the program."""
    code = (
        f"import argosy\nengine = argosy.open(root='{tmp_path}/root', runroot='{tmp_path}/run')\n"
        "print(len(engine.images.list().images))\n"
        "from argosy.linux import process\nprint(*process.self_argv(), sep='\\n')"
    )
    count, *words = output(f"{environment}/bin/python3", "-I", "-c", code).splitlines()
    assert count == "0"
    assert words[0] == f"{environment}/bin/python3"
    assert words[3].endswith("/site-packages/argosy/launch.py")
    assert output(*words, "--version").startswith("argosy version ")
