"""A container made from a checkpoint's directory (`bundle`), ready to be restored; or nothing of it."""

from __future__ import annotations

import os

from argosy.containers import record as records
from argosy.containers import remove
from argosy.containers.checkpoint import bundle, criu
from argosy.containers.checkpoint.restore import read_blocks
from argosy.errors import ArgosyError, Invalid
from argosy.images import resolve
from argosy.undo import Undo
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.images.resolve import Resolved
    from argosy.spec.options import ContainerOptions, PortMapping


class ImportOptions(Value):
    """What was asked for.  `earlier` is the directory of a pre-checkpoint, "" for none; `ports` None leaves them."""

    name: str = ""
    earlier: str = ""
    pod: str = ""
    ignore_rootfs: bool = False
    ignore_volumes: bool = False
    ports: tuple[PortMapping, ...] | None = None


def take_in(
    site: Site,
    directory: str,
    what: str,
    options: ImportOptions,
    find_image: Callable[[str], Resolved],
    create: Callable[..., ContainerRecord],
) -> str:
    """Make the container by `create`; its id.  `what` names the checkpoint in messages.

    Raises Invalid for a checkpoint that breaks a rule, ArgosyError for what this host or this store lacks.
    """
    dumped = bundle.read(directory, what)
    if not os.path.isdir(f"{directory}/{criu.IMAGES}"):
        raise Invalid("checkpoint", what, "no images of processes are in it", hint="it may be a pre-checkpoint")
    if site.runtime and os.path.basename(site.runtime) != dumped.runtime:
        raise ArgosyError(
            f"the checkpoint was made by the OCI runtime {dumped.runtime}, not {site.runtime}",
            hint="leave out --runtime",
        )
    with Undo() as undo:
        try:
            wanted = bundle.options_of(dumped, options.name, options.pod, site.notice)
            if options.ports is not None:
                wanted = wanted.replace(ports=options.ports, publish_all=False)
            if not options.ignore_volumes:
                _check_volumes(site, wanted)
            image = _image(dumped, find_image)
            config = resolve.config(site.store, image.record).config
            made = create(wanted, image.record, image.shown, config)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise Invalid("checkpoint", what, f"{bundle.FILE} is not as it was written: {error}") from error
        for use in made.volumes if not options.ignore_volumes else ():
            undo.push(_drop_volume, site, use.name)
        undo.push(lambda: remove.remove(site, made.id, force=True, volumes=True))
        if not options.ignore_volumes:
            _fill_volumes(site, made, dumped, directory)
        if not options.ignore_rootfs:
            _apply_changes(site, made, f"{directory}/{bundle.ROOTFS}")
        _put_images(site, made, dumped, options, directory)
        undo.commit()
    return made.id


def _image(dumped: bundle.Dumped, find_image: Callable[[str], Resolved]) -> Resolved:
    """The image with the id that the container was made from: by that id, or by its name."""
    pin = dumped.record.image
    try:
        return find_image(pin.id.partition(":")[2])
    except ArgosyError:
        found = find_image(pin.name)
    if found.record.config_digest != pin.id:
        raise ArgosyError(
            f"image {pin.name} is another one here: {found.record.config_digest[7:19]}, not {pin.id[7:19]}",
            hint="the processes go on with the files that they had: bring the image itself",
        )
    return found


def _check_volumes(site: Site, options: ContainerOptions) -> None:
    for mount in options.mounts:
        if mount.kind == "volume" and mount.source and site.store.volumes.exists(mount.source):
            raise ArgosyError(
                f"volume with name {mount.source} already exists. "
                "Use --ignore-volumes to not restore content of volumes"
            )


def _drop_volume(site: Site, name: str) -> None:
    from argosy.volumes import named

    named.remove_unused(site.store, name)


def _fill_volumes(site: Site, made: ContainerRecord, dumped: bundle.Dumped, directory: str) -> None:
    """Each volume gets what the one at its place had."""
    from argosy.containers import volume_archives
    from argosy.images.archives import open_archive

    names = {use.destination: use.name for use in made.volumes}
    for number, use in enumerate(dumped.record.volumes):
        path = f"{directory}/{bundle.VOLUMES}/{number}.tar"
        if use.destination in names and os.path.exists(path):
            with open_archive(path, site.store.root, os.environ) as archive:
                volume_archives.import_archive(site.store, names[use.destination], archive)


def _apply_changes(site: Site, made: ContainerRecord, path: str) -> None:
    """What the container had changed becomes its upper directory, as a layer is applied."""
    if not os.path.exists(path):
        return
    if site.store.driver == "vfs" or made.id_map is not None:
        raise ArgosyError("the changes in the checkpoint cannot be applied in this store", hint="see --ignore-rootfs")
    from argosy.images.unpack import Applier, Unpacker

    upper = f"{site.state_directory(made.id)}/upper"
    os.makedirs(upper, 0o755, exist_ok=True)
    blocks = read_blocks(path)
    with Unpacker("none", Applier(site.store, upper)) as unpacker:
        for block in blocks:
            unpacker.put(block)
        unpacker.finish()


def _put_images(
    site: Site, made: ContainerRecord, dumped: bundle.Dumped, options: ImportOptions, directory: str
) -> None:
    """CRIU's images, last: with them the container can be restored."""
    target = site.state_directory(made.id)
    if options.earlier:
        _copy(f"{options.earlier}/{criu.EARLIER}", f"{target}/{criu.EARLIER}")
    _copy(f"{directory}/{criu.IMAGES}", f"{target}/{criu.NEW}")
    if options.earlier:
        os.symlink(f"../{criu.EARLIER}", f"{target}/{criu.NEW}/parent")
    networks = dumped.known.networks
    if options.name:  # the one from which it was made may be there, with its addresses
        networks = tuple(use.replace(addresses=(), mac="") for use in networks)
    records.write_value(site.store, made.id, criu.FILE, dumped.known.replace(networks=networks))
    os.rename(f"{target}/{criu.NEW}", f"{target}/{criu.IMAGES}")


def _copy(source: str, target: str) -> None:
    os.mkdir(target, 0o700)
    for name in os.listdir(source):
        fd = os.open(f"{target}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            for block in read_blocks(f"{source}/{name}"):
                file.write(block)
