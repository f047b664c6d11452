"""Argosy as a library: `argosy.open()` gives an `Engine`, whose `containers`, `images` and `build` do what commands do.

A process with the privilege for it (root, or one inside the user namespace that `argosy unshare` enters) works on the
store itself.  Any other one gets a helper process, which enters the namespace and does the work, since a program that
may have threads cannot; `engine.containers` and `engine.images` are of the same classes, take the same values and
raise the same errors.

Everything else that a program needs is in `argosy` by name: the options (`ContainerOptions`, `ExecOptions`, ...) and
the errors, all of which are `ArgosyError`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from argosy import version
from argosy.errors import ArgosyError, Unsupported
from argosy.library.containers import Containers
from argosy.library.images import Images
from argosy.library.working import Build, WorkingContainers
from argosy.linux import userns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Self

# What the package needs and does not bring.
_REQUIREMENTS = ("isal", "backports")


class Engine:
    """An open store.  Made by `open`; close it, or use it in a `with` statement.

    Closing ends what is under way by way of a helper process (running containers go on), and the calls that wait for it
    in other threads raise HelperGone.
    """

    def __init__(
        self, containers: Containers, images: Images, working: WorkingContainers, close: Callable[[], object]
    ) -> None:
        self._containers = containers
        self._images = images
        self._build = Build(working)
        self._close = close
        self._closed = False

    @property
    def containers(self) -> Containers:
        """What can be done with containers.  Raises ArgosyError when the engine is closed."""
        self._check()
        return self._containers

    @property
    def images(self) -> Images:
        """What can be done with images.  Raises ArgosyError when the engine is closed."""
        self._check()
        return self._images

    @property
    def build(self) -> Build:
        """How images are made step by step.  Raises ArgosyError when the engine is closed."""
        self._check()
        return self._build

    def _check(self) -> None:
        if self._closed:
            raise ArgosyError("the engine is closed", hint="call argosy.open() again")

    def close(self) -> None:
        """Let go of the store, and end the helper process where there is one.  Idempotent."""
        self._closed = True
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open(
    *,
    root: str | None = None,
    runroot: str | None = None,
    runtime: str | None = None,
    runtime_flags: Sequence[str] = (),
    cgroup_manager: str | None = None,
    conmon: str | None = None,
    network_cmd_path: str | None = None,
    storage_driver: str | None = None,
    notice: Callable[[str], None] | None = None,
) -> Engine:
    """Open the store at `root`, by default the one that this user's commands use, making it at first use.

    The settings are those of the command line's global flags; paths are absolute.  `notice` is called with each thing
    that the user should know, one line of text, in the thread that makes the call in question.  Raises Unsupported
    where this host does not let this user have containers.
    """
    settings: dict[str, Any] = {
        "root": root,
        "runroot": runroot,
        "runtime": runtime,
        "runtime_flags": tuple(runtime_flags),
        "cgroup_manager": cgroup_manager,
        "conmon": conmon,
        "network_cmd_path": network_cmd_path,
        "storage_driver": storage_driver,
    }
    _find_launcher()
    if userns.is_root():
        from argosy.engine import open_engine

        engine = open_engine(**settings, notice=notice)
        return Engine(Containers(engine), Images(engine), WorkingContainers(engine), lambda: None)
    from argosy.library import client

    helper = client.Client(settings, notice)
    return Engine(
        client.remote(Containers, "containers", helper),
        client.remote(Images, "images", helper),
        client.remote(WorkingContainers, "working", helper),
        helper.close,
    )


def _find_launcher() -> None:
    """Say how Argosy is started from here: by the package's own launcher, with this program's libraries.

    conmon calls Argosy when a container ends, an applied layer has a process of its own: neither may be this program.
    """
    if version.LAUNCHER:
        return
    if not sys.executable:
        raise Unsupported("this program does not say where its Python interpreter is", hint="set sys.executable")
    from importlib.util import find_spec

    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found = [spec for name in _REQUIREMENTS if (spec := find_spec(name)) is not None]
    places = [place for spec in found for place in spec.submodule_search_locations or ()]
    directories = dict.fromkeys(os.path.dirname(os.path.abspath(place)) for place in places)
    directories.pop(os.path.dirname(package), None)
    version.LIBRARIES = os.pathsep.join(directories)
    version.LAUNCHER = f"{package}/launch.py"
