"""The devices of the host that a container gets: --device, containers.conf, --privileged, and CDI."""

from __future__ import annotations

import os
import stat

from argosy.errors import ArgosyError, Invalid
from argosy.spec import cdi
from argosy.spec.generate import HostNode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.site import Site
    from argosy.spec.cdi import DeviceSpec, Edits
    from argosy.spec.options import ContainerOptions, Device


def nodes(site: Site, options: ContainerOptions) -> Iterator[HostNode]:
    """The device nodes for --device and containers.conf; with --privileged those of the whole host."""
    if options.privileged:
        yield from _all_nodes("/dev")
    devices = options.devices
    if site.conf.devices:
        from argosy.spec import parse

        devices = (*(parse.parse_device(text) for text in site.conf.devices if not cdi.is_qualified(text)), *devices)
    for device in devices:
        yield from _nodes_of(device)


def _nodes_of(device: Device) -> Iterator[HostNode]:
    try:
        found = os.stat(device.source)
    except OSError as error:
        raise ArgosyError(f"stat {device.source}: {str(error.strerror).lower()}", hint="see --device") from error
    if stat.S_ISDIR(found.st_mode):
        for below in _all_nodes(device.source):
            target = device.target + below.source.removeprefix(device.source)
            yield below.replace(target=target, permissions=device.permissions)
        return
    node = _node(device.source, device.target, found, device.permissions)
    if node is None:
        raise ArgosyError(
            f"{device.source} is not a valid device: not a device node", hint="use --volume for files and directories"
        )
    yield node


def _all_nodes(directory: str) -> Iterator[HostNode]:
    """The device nodes below a directory, but for terminals and what is mounted there for programs, not for devices."""
    for parent, directories, names in os.walk(directory):
        directories[:] = [name for name in directories if name not in ("pts", "shm", "fd", "mqueue", ".lxc")]
        for name in names:
            path = f"{parent}/{name}"
            try:
                node = _node(path, path, os.lstat(path), "rwm")
            except OSError:
                continue
            if node is not None and path != "/dev/console":
                yield node


def _node(source: str, target: str, found: os.stat_result, permissions: str) -> HostNode | None:
    kind = {stat.S_IFCHR: "c", stat.S_IFBLK: "b"}.get(stat.S_IFMT(found.st_mode))
    if kind is None:
        return None
    return HostNode(
        source=source,
        target=target,
        kind=kind,
        major=os.major(found.st_rdev),
        minor=os.minor(found.st_rdev),
        mode=stat.S_IMODE(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        permissions=permissions,
    )


def cdi_edits(site: Site, options: ContainerOptions) -> tuple[Edits, ...]:
    """What the CDI devices of the options and of containers.conf ask for.

    Raises ArgosyError when one is not known on this host.
    """
    names = (*filter(cdi.is_qualified, site.conf.devices), *options.cdi_devices)
    if not names:
        return ()
    from argosy.config import cdi as cdi_files

    layers, problems = cdi_files.read(site.conf.cdi_spec_dirs)
    specs: dict[str, tuple[DeviceSpec, ...]] = {}
    for documents in layers:
        for path, document in documents:
            try:
                found = cdi.parse(document, path)
            except Invalid as error:
                problems.append(str(error))
                continue
            specs[found.kind] = (*specs.get(found.kind, ()), found)
    edits, unknown = cdi.edits_of(specs, names)
    if unknown:
        raise ArgosyError(
            f"setting up CDI devices: unresolvable CDI devices {', '.join(unknown)}",
            details="\n".join(problems),
            hint=f"their files are looked for in {' and '.join(site.conf.cdi_spec_dirs)}",
        )
    return tuple(cdi.completed(edit, _look) for edit in edits)


def _look(path: str) -> tuple[str, int, int]:
    """Type and numbers of a device node of the host."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise ArgosyError(f"setting up CDI devices: stat {path}: {str(error.strerror).lower()}") from error
    node = _node(path, path, found, "rwm")
    if node is None:
        raise ArgosyError(f"setting up CDI devices: {path} is not a device node")
    return node.kind, node.major, node.minor
