"""A checkpoint as a directory that can go to another host.

    argosy.dump         Dumped: the container's record, and where it was
    checkpoint/         CRIU's images, files alone (or pre-checkpoint/, of --pre-checkpoint)
    rootfs-diff.tar     what the container had changed of its image, as a layer
    volumes/N.tar       the content of the N-th of its volumes

Such a directory comes from somewhere.  Believed of it are the processes in CRIU's images, whom `--import` lets run, and
what the container was asked for, as of a command line.  Not believed are names of files (only those above may be there,
none may be a link or a device), the specification (it is made here, from the options, by `create` with all its checks),
the image's configuration and layers (this store's, whose id must be the same), and whatever names a file of this host
that would be written or executed: pid files, --cidfile, the log's path, the runtime's and the init's.  What is given to
the container of this host (mounts, devices, namespaces, privileges) is what podman gives as well, and is told.
"""

from __future__ import annotations

import os
import stat

from argosy import jsontext
from argosy.archive import diff as archives
from argosy.containers.checkpoint import criu, types
from argosy.containers.record import ContainerRecord
from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.linux import files
from argosy.spec import parse
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import ClassVar

    from argosy.containers.checkpoint.dump import DumpOptions
    from argosy.containers.site import Site
    from argosy.spec.options import ContainerOptions

FILE, ROOTFS, VOLUMES = "argosy.dump", "rootfs-diff.tar", "volumes"
_SIZE_LIMIT = 4 << 20
_ENTRIES_LIMIT = 100_000
_DIRECTORIES = (criu.IMAGES, criu.EARLIER, VOLUMES)
_NAMESPACES = ("network", "pid", "ipc", "uts", "cgroupns", "userns")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class Dumped(Value):
    """argosy.dump.  `runtime` is the name of the OCI runtime that made the checkpoint.

    `in_pod`: the container belonged to a pod, and is nothing without one; the record is without what that gave to it.
    """

    name: str
    record: ContainerRecord
    runtime: str
    known: criu.Checkpointed
    in_pod: bool = False
    version: int = 1

    _nested: ClassVar[dict[str, type[Value]]] = {"record": ContainerRecord, "known": criu.Checkpointed}


def check(site: Site, record: ContainerRecord, options: DumpOptions) -> None:
    """Raise ArgosyError for a container of which another host could make nothing."""
    _check_alone(_own(site, record.options))
    if record.id_map is not None and not options.ignore_rootfs:
        raise Unsupported("a container with a user namespace of its own cannot be exported", hint="see --ignore-rootfs")
    if site.store.driver == "vfs" and not options.ignore_rootfs:
        raise Unsupported("with the storage driver vfs no container can be exported", hint="see --ignore-rootfs")


def _own(site: Site, options: ContainerOptions) -> ContainerOptions:
    if not options.pod:
        return options
    from argosy.containers import pod

    return pod.detached(site, options)


def _check_alone(options: ContainerOptions) -> None:
    modes = (getattr(options, field) for field in _NAMESPACES)
    if options.requires or any(mode is not None and mode.kind == "container" for mode in modes):
        raise ArgosyError("cannot export checkpoints of containers with dependencies")
    if options.rootfs:
        raise ArgosyError("cannot export checkpoints of containers whose root is a directory of the host (--rootfs)")


def write(site: Site, dumped: Dumped, options: DumpOptions, directory: str) -> None:
    """Fill the empty directory; CRIU's images are links to those of the container."""
    record = dumped.record
    own = _own(site, record.options)
    dumped = dumped.replace(record=record.replace(options=own), in_pod=bool(record.options.pod))
    state, name = site.state_directory(record.id), criu.EARLIER if options.pre_checkpoint else criu.IMAGES
    os.mkdir(f"{directory}/{name}", 0o700)
    for file in os.listdir(f"{state}/{name}"):
        if stat.S_ISREG(os.lstat(f"{state}/{name}/{file}").st_mode):
            os.link(f"{state}/{name}/{file}", f"{directory}/{name}/{file}")
    if not (options.ignore_rootfs or options.pre_checkpoint) and os.path.isdir(f"{state}/upper"):
        _write_tree(f"{state}/upper", f"{directory}/{ROOTFS}", layer=True, single=site.store.id_map.is_single())
    if record.volumes and not (options.ignore_volumes or options.pre_checkpoint):
        from argosy.volumes import named

        os.mkdir(f"{directory}/{VOLUMES}", 0o700)
        for number, use in enumerate(record.volumes):
            place = named.data_path(site.store, use.name)
            _write_tree(place, f"{directory}/{VOLUMES}/{number}.tar", layer=False, single=False)
    with open(f"{directory}/{FILE}", "xb") as file_:
        file_.write(jsontext.encode(dumped.to_json()))


def _write_tree(place: str, path: str, *, layer: bool, single: bool) -> None:
    with open(path, "xb") as file:
        archives.write_archive(place, file.write, layer=layer, single=single)


def read(directory: str, what: str) -> Dumped:
    """What is in such a directory, after a look at every name in it.  Raises Invalid for what has no place there."""
    for number, (name, status) in enumerate(_entries(directory)):
        plain = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
        if number > _ENTRIES_LIMIT or not plain or not _has_place(name, is_directory=stat.S_ISDIR(status.st_mode)):
            raise Invalid("checkpoint", what, f"{name} has no place in it", hint="it was changed, or is none")
    try:
        data = files.read_regular(f"{directory}/{FILE}", _SIZE_LIMIT)
    except FileNotFoundError:
        why = f"{FILE} is not in it"
        raise Invalid(
            "checkpoint", what, why, hint="argosy restores what argosy exported; podman has its own form"
        ) from None
    except OSError as error:
        raise Invalid("checkpoint", what, f"{FILE} cannot be read: {error.strerror}") from error
    try:
        dumped = Dumped.from_json(jsontext.decode(data, FILE))
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise Invalid("checkpoint", what, f"{FILE} is not as it was written: {error}") from error
    wrong = types.wrong_field(dumped)
    if wrong:
        raise Invalid("checkpoint", what, f"{FILE} is not as it was written: {wrong} is of another type")
    if not _PLAIN.issuperset(dumped.runtime):
        raise Invalid("checkpoint", what, "the runtime's name is none")
    return dumped


def _entries(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    """Each name in it and one level below, none followed."""
    for name in os.listdir(directory):
        status = os.lstat(f"{directory}/{name}")
        yield name, status
        if stat.S_ISDIR(status.st_mode):
            for below in os.listdir(f"{directory}/{name}"):
                yield f"{name}/{below}", os.lstat(f"{directory}/{name}/{below}")


def _has_place(name: str, *, is_directory: bool) -> bool:
    parent, slash, file = name.partition("/")
    if is_directory or not slash:
        return not slash and name in (_DIRECTORIES if is_directory else (FILE, ROOTFS))
    if parent == VOLUMES:
        return file.removesuffix(".tar").isdecimal()
    return _PLAIN.issuperset(file)


def options_of(dumped: Dumped, name: str, pod: str, tell: Callable[[str], object]) -> ContainerOptions:
    """What the container is asked for here, as the module says; `tell` gets what it is given of this host.

    `pod` is the pod that it is to join, "" for none.
    """
    options = dumped.record.options
    _check_alone(options)
    if dumped.in_pod and not pod:
        raise ArgosyError("cannot restore pod container without --pod")
    if pod and not dumped.in_pod:
        raise ArgosyError("cannot restore non pod container into pod")
    given = _of_the_host(options)
    if given:
        tell(f"the container from the checkpoint is given of this host: {', '.join(given)}")
    log_options = {key: value for key, value in options.log_options.items() if key != "path"}
    return options.replace(
        name=name or dumped.name,
        pod=pod,
        infra=False,
        annotations=parse.parse_annotations(f"{key}={value}" for key, value in options.annotations.items()),
        log_options=log_options,
        runtime=dumped.runtime,
        **dict.fromkeys(("cidfile", "pidfile", "conmon_pidfile", "init_path"), ""),
    )


def _of_the_host(options: ContainerOptions) -> list[str]:
    found = [f"{mount.source} at {mount.target}" for mount in options.mounts if mount.kind in ("bind", "glob")]
    found += [f"the device {device.source}" for device in options.devices]
    found += [f"the device {name}" for name in options.cdi_devices]
    for field in _NAMESPACES:
        mode = getattr(options, field)
        if mode is not None and mode.kind in ("host", "ns") and not (field == "userns" and mode.kind == "host"):
            found.append(f"its {field} namespace" if mode.kind == "host" else f"the {field} namespace {mode.target}")
    found += [f"the capability {name}" for name in options.cap_add]
    found += [f"the secret {use.name}" for use in options.secrets]
    found += ["all privileges"] if options.privileged else []
    return found
