"""Fixtures for all tests: the program as root and as a user, each test with a store of its own, and leak checks."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator

import pytest

from tests.rig import host, leaks, processes
from tests.rig.program import CHECKOUT, Program, install_copy

pytest_plugins = ("tests.rig.registry",)


@pytest.fixture(scope="session")
def rig_directory() -> Iterator[str]:
    """A directory that every user may pass through: stores and the installed copy live below it.

    Each store is removed by its own leak check; here only what cannot hold a mount goes.
    """
    directory = tempfile.mkdtemp(prefix="argosy-test.")
    os.chmod(directory, 0o711)
    yield directory
    shutil.rmtree(f"{directory}/installed", ignore_errors=True)
    try:
        os.rmdir(directory)
    except OSError:
        pass  # a store that could not be removed; its test has said so


@pytest.fixture(scope="session")
def installed_copy(rig_directory: str) -> str:
    """The launcher of a copy that the unprivileged user can read (the checkout may be out of its reach)."""
    return install_copy(f"{rig_directory}/installed")


@contextlib.contextmanager
def _programs(rig_directory: str, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Program]]:
    """Makes programs with a store of their own: for the calling user (""), or for the named one.

    At the end each store is emptied, and the test fails if anything is left that should not be.
    """
    processes.adopt_orphans(True)
    known = set(processes.descendants())
    made: list[Program] = []

    def make(user: str = "") -> Program:
        launcher = request.getfixturevalue("installed_copy") if user else f"{CHECKOUT}/bin/argosy"
        outer = tempfile.mkdtemp(prefix="store.", dir=rig_directory)
        os.chmod(outer, 0o711)
        program = Program(f"{outer}/p", launcher, user)
        made.append(program)
        return program

    yield make
    for program in made:
        known |= leaks.pause_processes(program)
    problems = [problem for program in made for problem in leaks.close(program, known)]
    processes.reap_orphans()
    processes.adopt_orphans(False)
    for program in made:
        if not os.path.exists(program.base):
            os.rmdir(os.path.dirname(program.base))
    if problems:
        pytest.fail("left behind:\n" + "\n".join(problems), pytrace=False)


@pytest.fixture
def new_program(rig_directory: str, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Program]]:
    """Makes programs with a store of their own: for the calling user (""), or for the named one."""
    with _programs(rig_directory, request) as make:
        yield make


@pytest.fixture(scope="module", params=["root", "rootless"])
def shared_both(rig_directory: str, request: pytest.FixtureRequest) -> Iterator[Program]:
    """One program for all tests of a module, which use no other: as root and, in a second round, without privilege."""
    with _programs(rig_directory, request) as make:
        yield _by_name(request.param, make)


@pytest.fixture(scope="module")
def new_shared(rig_directory: str, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Program]]:
    """As `new_program`, for all tests of a module, which use no other."""
    with _programs(rig_directory, request) as make:
        yield make


@pytest.fixture(scope="module")
def shared_program(rig_directory: str, request: pytest.FixtureRequest) -> Iterator[Program]:
    """One program, as the calling user, for all tests of a module."""
    with _programs(rig_directory, request) as make:
        yield make("")


@pytest.fixture
def argosy(new_program: Callable[[str], Program]) -> Program:
    """The program as the calling user, whoever that is."""
    return new_program("")


@pytest.fixture
def argosy_user(new_program: Callable[[str], Program]) -> Program:
    """The program without privilege: as the test user when root runs the tests."""
    return _unprivileged(new_program)


@pytest.fixture(params=["root", "rootless"])
def argosy_both(request: pytest.FixtureRequest, new_program: Callable[[str], Program]) -> Program:
    """The program as root and, in a second run of the test, without privilege."""
    return _by_name(request.param, new_program)


def _by_name(name: str, make: Callable[[str], Program]) -> Program:
    if name == "rootless":
        return _unprivileged(make)
    if not host.is_root():
        pytest.skip("needs root")
    return make("")


def _unprivileged(new_program: Callable[[str], Program]) -> Program:
    if not host.is_root():
        return new_program("")
    if not host.user_exists():
        pytest.skip(f"the user {host.TEST_USER} does not exist (`make test` adds it)")
    return new_program(host.TEST_USER)


@pytest.fixture
def busybox(request: pytest.FixtureRequest) -> str:
    """The name of a busybox image in the store of the program fixture that the test uses."""
    for name in ("argosy_both", "argosy_user", "argosy"):
        if name in request.fixturenames:
            program: Program = request.getfixturevalue(name)
            return program.busybox()
    raise LookupError("the fixture busybox needs one of the program's fixtures beside it")
