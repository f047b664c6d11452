"""The OCI runtime's `checkpoint` and `restore`, behind which CRIU does the work."""

from __future__ import annotations

from argosy.errors import ArgosyError, Unsupported
from argosy.linux import process
from argosy.runtime import oci_runtime
from argosy.spec.options import NetworkUse
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from argosy.containers.site import Site
    from argosy.runtime.oci_runtime import OciRuntime

IMAGES, NEW, EARLIER, LOGS, FILE = "checkpoint", "checkpoint.new", "pre-checkpoint", "criu", "checkpoint.json"
SHM = "devshm-checkpoint.tar"  # among CRIU's images
LAST_WRITTEN = "inventory.img"
_HINT = "install criu and runc, and run the container with --runtime runc (Debian's crun is built without CRIU)"


class Checkpointed(Value):
    """checkpoint.json.  `networks` are those that the container was on, with the addresses that it had."""

    at: float
    restored_at: float = 0.0
    networks: tuple[NetworkUse, ...] = ()

    _nested: ClassVar[dict[str, type[Value]]] = {"networks": NetworkUse}


class Dump(Value):
    """How the processes are written down.  `earlier`: the images of --pre-checkpoint are what this one adds to."""

    images: str
    logs: str
    leave_running: bool = False
    memory_alone: bool = False
    earlier: bool = False
    tcp_established: bool = False
    file_locks: bool = False


def check(site: Site, runtime: OciRuntime, what: str) -> None:
    """Raise Unsupported, in podman's words, unless this host can do it."""
    if site.namespace.rootless:
        raise Unsupported(f"{what} a container requires root", hint="CRIU works for root alone")
    done = process.run(runtime.argv("checkpoint", "--help"), env=oci_runtime.environment(), check=False)
    if done.returncode != 0:
        raise Unsupported("configured runtime does not support checkpoint/restore", hint=_HINT)
    if process.find_program("criu") is None:
        raise Unsupported("checkpoint/restore requires at least CRIU 31100", hint="install criu (apt install criu)")


def check_memory_tracking() -> None:
    """Raise Unsupported unless memory can be written down in two steps."""
    words = ("criu", "check", "--feature", "mem_dirty_track")
    if process.find_program("criu") is None or process.run(words, check=False).returncode != 0:
        raise Unsupported("system (architecture/kernel/CRIU) does not support memory tracking")


def dump(runtime: OciRuntime, container_id: str, wanted: Dump) -> None:
    """Have the processes written down.  Raises ArgosyError with the runtime's words, and where CRIU's own are."""
    words = ["checkpoint", "--image-path", wanted.images, "--work-path", wanted.logs]
    flags = {
        "--leave-running": wanted.leave_running,
        "--tcp-established": wanted.tcp_established,
        "--file-locks": wanted.file_locks,
        "--pre-dump": wanted.memory_alone,
    }
    words += [flag for flag, given in flags.items() if given]
    if wanted.earlier:
        words += ["--parent-path", f"../{EARLIER}"]
    argv = runtime.argv(*words, container_id)
    done = process.run(argv, env=oci_runtime.environment(), check=False)
    if done.returncode != 0:
        said = oci_runtime.plain_message(done.stderr)
        raise ArgosyError(
            f"container {container_id[:12]} cannot be checkpointed",
            details=said or f"{runtime.name} ended with status {done.returncode}",
            hint=f"with --keep, CRIU's log stays in {wanted.logs}",
        )


def restore_words(images: str, *, tcp_established: bool, file_locks: bool) -> tuple[str, ...]:
    """What conmon is told beside what it is told to create a container."""
    words = ["--restore", images]
    words += ["--runtime-opt", "--tcp-established"] if tcp_established else []
    words += ["--runtime-opt", "--file-locks"] if file_locks else []
    return tuple(words)
