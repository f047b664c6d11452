"""--isolation of builds and of working containers, in buildah's words.

`oci` is a container.  `rootless` is the same without root, which is no other kind here.  `chroot` shares the host's
network, processes, IPC and control group, and has a mount and a UTS namespace of its own alone: it works in pods where
no more is to be had.  Where not even these are, all containers are isolated by chroot(2) (decision 0010), whatever is
asked for here.
"""

from __future__ import annotations

from argosy.errors import ArgosyError, Unsupported
from argosy.spec.options import NamespaceMode, NetworkMode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from argosy.spec.options import ContainerOptions

CHROOT = "chroot"
_KINDS = ("oci", "rootless", "default", CHROOT)
_SHARED = ("pid", "ipc", "cgroupns")
_DISABLED = "disabled"


def wanted(flag: str | None, environ: Mapping[str, str]) -> str:
    """What is asked for, by the flag or by BUILDAH_ISOLATION; "" where nothing is.  Raises ArgosyError."""
    kind = flag or environ.get("BUILDAH_ISOLATION", "")
    if kind and kind not in _KINDS:
        raise ArgosyError(f'unrecognized isolation type "{kind}"')
    return kind


def is_chroot(options: ContainerOptions) -> bool:
    """Whether these options were isolated by `chroot`: no other flag of a build goes without a control group."""
    return options.cgroups == _DISABLED


def isolated(options: ContainerOptions, kind: str) -> ContainerOptions:
    """The options under this kind of isolation.  Raises Unsupported for what it cannot have."""
    if kind != CHROOT:
        return _contained(options) if kind and is_chroot(options) else options
    from argosy.spec import resources

    if resources.limited(options):
        raise Unsupported(
            "--isolation chroot: there can be no limits, since the host's control group is shared",
            hint="leave the limits out, or build with --isolation oci",
        )
    for name in _SHARED:
        mode = getattr(options, name)
        if mode is not None and mode.kind != "host":
            raise Unsupported(f"--isolation chroot shares the host's: --{name} {mode.kind} cannot be had")
    network = options.network
    if network is not None and network.kind not in ("host", "private", "none"):
        raise Unsupported(f"--isolation chroot shares the host's network: --network {network.kind} cannot be had")
    shared = dict.fromkeys(_SHARED, NamespaceMode("host"))
    if network is None or network.kind == "private":
        network = NetworkMode("host")
    return options.replace(**shared, network=network, cgroups=_DISABLED)


def _contained(options: ContainerOptions) -> ContainerOptions:
    """What `isolated` has shared is not any more."""
    return options.replace(**dict.fromkeys(_SHARED), network=None, cgroups="")
