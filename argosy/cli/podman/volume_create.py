"""`volume create`: a named volume."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, Exists, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine


class VolumeCreateOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    driver: str
    label: tuple[str, ...]
    opt: tuple[str, ...]


def run(options: VolumeCreateOptions, engine: Engine, out: Output) -> int:
    """Make the volume, under a random name where none is given, and print its name."""
    import os

    from argosy.volumes import options as of_volumes

    name = options.operands[0] if options.operands else os.urandom(32).hex()
    if options.driver == "image":
        return _of_image(options, name, engine, out)
    if options.driver != "local":
        why = f"no volume plugin with name {options.driver} available: required plugin missing"
        raise ArgosyError(
            f"volume {name} uses volume plugin {options.driver} but it could not be retrieved: {why}",
            hint="there are no volume plugins; the driver `local` mounts what --opt says, `image` an image",
        )
    given = of_volumes.parse(options.opt)
    _make(options, name, engine, out, options=given)
    return 0


def _of_image(options: VolumeCreateOptions, name: str, engine: Engine, out: Output) -> int:
    """A volume that begins as an image."""
    from argosy.images import resolve
    from argosy.volumes.named import VolumeImage

    given = {key: value for key, _, value in (text.partition("=") for text in options.opt)}
    unknown = next((key for key in given if key != "image"), "")
    if unknown:
        raise ArgosyError(f"invalid mount option {unknown} for driver 'image': invalid argument")
    if not given.get("image"):
        why = "must provide an image name when creating a volume with the image driver: invalid argument"
        raise ArgosyError(why, hint="--opt image=NAME")
    if engine.store.driver == "vfs":
        raise Unsupported("the driver `image` needs overlays, and the store was made with the storage driver vfs")
    try:
        found = resolve.resolve(engine.store, engine.load_registries, given["image"]).record
    except resolve.ImageNotKnown as error:
        error.brief = f"looking up image {given['image']} to create volume failed: {error.brief}"
        raise
    with engine.store.work((found.manifest_digest, *found.diff_ids)):
        image = VolumeImage(found.manifest_digest, tuple(found.diff_ids), found.chain_id, found.fixed)
        _make(options, name, engine, out, options=given, image=image)
    return 0


def _make(asked: VolumeCreateOptions, name: str, engine: Engine, out: Output, **how: Any) -> None:
    """Make the volume and print its name."""
    from argosy.spec import parse
    from argosy.volumes import named

    try:
        named.create(engine.store, name, labels=parse.parse_labels(asked.label), **how)
    except Exists as error:
        if out.program != "docker":  # docker gives the one that is there
            error.brief = f"volume with name {name} already exists: volume already exists"
            raise
    out.line(name)


COMMAND = Command(
    path="volume create",
    summary="Create a new volume",
    description=(
        "Creates a volume that containers use by its name. It is empty: the first container that mounts it fills it "
        "with what its image has there. With --opt it is something to be mounted, from its first user on until the "
        "last: a tmpfs, a directory (type=bind), an NFS share, or whatever mount(8) knows. With the driver image it "
        "begins as the image that --opt image= names, and keeps what is changed in it."
    ),
    usage="[NAME]",
    options=VolumeCreateOptions,
    run=run,
    max_operands=1,
    flags=(
        Flag("driver", short="d", kind="string", default="local", help="Volume driver: local, or image"),
        Flag("label", short="l", kind="list", help="Set metadata for the volume"),
        Flag(
            "opt",
            short="o",
            kind="list",
            help="Set driver specific options: type=, device= and o=, as mount(8) takes them, with uid=, gid= and "
            "nocopy among those of o",
        ),
    ),
    examples=(
        "argosy volume create data",
        "argosy volume create --opt type=tmpfs --opt o=size=64m,uid=1000 cache",
        "argosy volume create --driver image --opt image=fedora tree",
    ),
)
