"""Dangerous and costly modules have one home each."""

from __future__ import annotations

import ast

import pytest

from tests.architecture import source

MODULES = source.modules()

# Module to the files (or directories, with a slash) that may import it.
HOMES = {
    "subprocess": (),
    "multiprocessing": (),
    "ctypes": ("argosy/linux/syscalls.py",),
    "_ctypes": ("argosy/linux/syscalls.py",),
    "ssl": ("argosy/registry/", "argosy/services/"),
    "http": ("argosy/registry/", "argosy/services/"),
    "urllib3": (),
    "tomllib": ("argosy/config/",),
    "yaml": ("argosy/config/",),
    "cryptography": ("argosy/signatures/", "argosy/encryption/", "argosy/secrets/sealing.py"),
    "nacl": ("argosy/signatures/",),
    "tarfile": (),
    "zipfile": (),
    "pickle": (),
    "marshal": ("argosy/bundle.py",),
    "shelve": (),
    "sqlite3": ("argosy/build/sbom/rpm.py",),  # the database is an image's
    "argparse": (),
    "logging": (),
    "asyncio": ("argosy/services/",),
    "h11": ("argosy/services/",),
    "pty": (),
}

# Packages that work on values alone.
PURE = ("argosy/oci/", "argosy/spec/")
INPUT_OUTPUT = (
    "os",
    "io",
    "fcntl",
    "socket",
    "_socket",
    "select",
    "shutil",
    "tempfile",
    "mmap",
    "urllib",
    "argosy.linux",
)
PURE_ALL_THE_SAME = (
    ("argosy/oci/platform.py", "os"),  # os.uname: which platform this is
    ("argosy/spec/generate.py", "argosy.linux"),  # a table of signals
    ("argosy/spec/generate.py", "argosy.linux.signals"),
)

# Functions of os that start or end programs.
PROGRAM_CALLS = {
    # runtime/exec.py: what takes the output of a detached process must hold our descriptors, not start afresh.
    # library/helper.py: its workers are copies of a process in which the store is open; it has one thread.
    # network/resolver/server.py: it goes to the background once it listens.
    "fork": (
        *("argosy/linux/", "argosy/runtime/exec.py", "argosy/library/helper.py"),
        "argosy/network/resolver/server.py",
    ),
    "forkpty": (),
    "posix_spawn": ("argosy/linux/process.py",),
    "posix_spawnp": (),
    "system": (),
    "popen": (),
    "_exit": ("argosy/__main__.py", "argosy/linux/", "argosy/runtime/exec.py"),
    "execv": ("argosy/linux/",),
    "execve": ("argosy/linux/", "argosy/cli/podman/unshare.py"),
    "execvp": (),
    "execvpe": (),
    "chroot": (),
}


def _allowed(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or (place.endswith("/") and path.startswith(place)) for place in places)


@pytest.mark.parametrize("name", HOMES)
def test_one_home(name: str) -> None:
    guests = [
        f"{module.path}:{line}"
        for module in MODULES
        for line, imported in source.imports(module)
        if imported.split(".")[0] == name and not _allowed(module.path, HOMES[name])
    ]
    assert not guests


@pytest.mark.parametrize("package", PURE)
def test_no_input_or_output(package: str) -> None:
    wrong = [
        f"{module.path}:{line}: {imported}"
        for module in MODULES
        if module.path.startswith(package)
        for line, imported in source.imports(module)
        if any(imported == name or imported.startswith(f"{name}.") for name in INPUT_OUTPUT)
        and (module.path, imported) not in PURE_ALL_THE_SAME
    ]
    assert not wrong


@pytest.mark.parametrize("name", PROGRAM_CALLS)
def test_programs_start_and_end_behind_one_door(name: str) -> None:
    calls = [
        f"{module.path}:{node.lineno}"
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and not _allowed(module.path, PROGRAM_CALLS[name])
    ]
    assert not calls


def test_only_the_faces_print() -> None:
    names = ("print", "input")
    calls = [
        f"{module.path}:{node.lineno}"
        for module in MODULES
        if module.unit not in ("cli", "services")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]
    assert not calls


def test_nothing_runs_text_as_code() -> None:
    calls = [
        f"{module.path}:{node.lineno}"
        for module in MODULES
        if module.path != "argosy/bundle.py"  # an import of our own modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("eval", "exec", "compile")
    ]
    assert not calls
