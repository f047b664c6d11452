"""The site: what every use case of containers works on, handed down from the engine as one argument."""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.config.containers import ContainersConf
    from argosy.linux.userns import Namespace
    from argosy.runtime.oci_runtime import OciRuntime
    from argosy.storage.store import Store


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

    def choose_runtime(self, cgroup_manager: str = "cgroupfs") -> OciRuntime:
        """The OCI runtime for this site.  Raises Unsupported, with the reasons, when none works on this host."""
        from argosy.runtime import oci_runtime

        return oci_runtime.choose(
            self.conf, self.store.run, wanted=self.runtime, flags=self.runtime_flags, cgroup_manager=cgroup_manager
        )
