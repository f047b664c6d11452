"""The site: what every use case of containers works on, handed down from the engine as one argument."""

from __future__ import annotations

import os

from argosy.config.locations import configuration_home
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypedDict

    from argosy.config.containers import ContainersConf
    from argosy.config.locations import Locations
    from argosy.linux.userns import Namespace
    from argosy.runtime.oci_runtime import OciRuntime
    from argosy.storage.store import Store

    class Chosen(TypedDict, total=False):
        """Fields of the site that global flags set, each called like its flag; what is empty was not given."""

        runtime: str | None
        runtime_flags: Sequence[str]
        cgroup_manager: str | None
        conmon: str | None
        network_cmd_path: str | None
        hooks_dir: Sequence[str]
        default_mounts_file: str | None


_PATHS = ("hooks_dir", "default_mounts_file")  # that may be relative to where we are called
_MOUNTS_FILES = ("/etc/containers/mounts.conf", "/usr/share/containers/mounts.conf")
_HOOKS_DIRECTORIES = ("/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d")


class Site(Value):
    """Store, configuration and identity.

    `again` is the argument vector that starts this program once more with the same store; `notice` tells the user
    something once; `runtime` is the runtime asked for by name or path, "" for whatever works on this host.
    """

    store: Store
    conf: ContainersConf
    namespace: Namespace
    again: tuple[str, ...]
    notice: Callable[[str], None]
    runtime: str = ""
    runtime_flags: tuple[str, ...] = ()
    cgroup_manager: str = ""
    conmon: str = ""
    network_cmd_path: str = ""
    hooks_dir: tuple[str, ...] = ()
    default_mounts_file: str = ""

    def run_directory(self, container_id: str) -> str:
        """Where the container's bundle, pidfiles and sockets are while it runs."""
        return f"{self.store.run}/containers/{container_id}"

    def state_directory(self, container_id: str) -> str:
        """Where the container's record and its writable layer are."""
        return self.store.containers.path(container_id)

    def hooks_directories(self) -> tuple[str, ...]:
        """Where the hooks files are: --hooks-dir, else containers.conf's, else for root the usual directories."""
        chosen = self.hooks_dir or self.conf.hooks_dir
        if chosen or self.namespace.rootless:
            return chosen
        return tuple(directory for directory in _HOOKS_DIRECTORIES if os.path.isdir(directory))

    def mounts_file(self) -> str:
        """The mounts.conf that counts: the one asked for, else the user's own, else the host's; "" for none."""
        if self.default_mounts_file:
            return self.default_mounts_file
        places: tuple[str, ...] = _MOUNTS_FILES
        if self.namespace.rootless:
            places = (f"{configuration_home(os.environ)}/containers/mounts.conf", *places)
        return next((place for place in places if os.path.exists(place)), "")

    def choose_runtime(self, cgroup_manager: str = "cgroupfs", wanted: str = "") -> OciRuntime:
        """The OCI runtime for a container that has to have the one `wanted`; with "" the one that the site was given.

        Raises Unsupported, with the reasons, when none works on this host.
        """
        if self.namespace.chroot:
            from argosy.runtime import chroot

            return chroot.runtime(self.store.run)
        from argosy.runtime import oci_runtime

        return oci_runtime.choose(
            self.conf,
            self.store.run,
            wanted=wanted or self.runtime,
            flags=self.runtime_flags,
            cgroup_manager=cgroup_manager,
        )


def settings(chosen: Chosen) -> dict[str, Any]:
    """The fields of the site that were chosen."""
    given: dict[str, Any] = {**chosen}
    return {name: value if isinstance(value, str) else tuple(value) for name, value in given.items() if value}


def started_again(
    places: Locations,
    chosen: Chosen,
    modules: Sequence[str],
    *,
    remote: bool | None,
    storage_words: Sequence[str] = (),
) -> tuple[str, ...]:
    """The argument vector that starts Argosy once more on the same store, with the same configuration and programs."""
    from argosy.linux import process

    words = [*process.self_argv(), "--root", places.root, "--runroot", places.run]
    words += storage_words
    words += [f"--module={module}" for module in modules]
    for name, value in settings(chosen).items():
        flag = name.removesuffix("s").replace("_", "-")
        for item in (value,) if isinstance(value, str) else value:
            words.append(f"--{flag}={os.path.abspath(item) if name in _PATHS else item}")
    if remote is False:
        words.append("--remote=false")
    return tuple(words)
