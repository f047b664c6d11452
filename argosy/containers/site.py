"""The site: what every use case of containers works on, handed down from the engine as one argument."""

from __future__ import annotations

import os

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from argosy.config.containers import ContainersConf
    from argosy.config.locations import Locations
    from argosy.linux.userns import Namespace
    from argosy.runtime.oci_runtime import OciRuntime
    from argosy.storage.store import Store


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

    def choose_runtime(self, cgroup_manager: str = "cgroupfs") -> OciRuntime:
        """The OCI runtime for this site.  Raises Unsupported, with the reasons, when none works on this host."""
        from argosy.runtime import oci_runtime

        return oci_runtime.choose(
            self.conf, self.store.run, wanted=self.runtime, flags=self.runtime_flags, cgroup_manager=cgroup_manager
        )


def started_again(
    places: Locations,
    settings: Mapping[str, str | None],
    lists: Mapping[str, Sequence[str]],
    *,
    remote: bool | None = None,
) -> tuple[str, ...]:
    """The argument vector that starts Argosy once more on the same store, with the same configuration and programs.

    `settings` and `lists` are global flags by name; those without a value are left out.
    """
    from argosy.linux import process

    words = [*process.self_argv(), "--root", places.root, "--runroot", places.run]
    for flag, value in settings.items():
        if value:
            words += [f"--{flag}", value]
    words += [f"--{flag}={value}" for flag, values in lists.items() for value in values]
    if remote is False:
        words.append("--remote=false")
    return tuple(words)
