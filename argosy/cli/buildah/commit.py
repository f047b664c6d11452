"""`commit`: an image of a working container."""

from __future__ import annotations

from argosy.cli import layerkeys
from argosy.cli.buildah import _containers, from_
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.containers.commit import Wanted
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.storage.images import ImageRecord


class CommitFlags(Value):
    """What was given on the command line; None where a flag was not."""

    operands: tuple[str, ...]
    authfile: str | None
    cert_dir: str | None
    creds: str | None
    disable_compression: bool
    encrypt_layer: tuple[str, ...]
    encryption_key: tuple[str, ...]
    format: str | None
    identity_label: bool
    iidfile: str | None
    manifest: str | None
    omit_history: bool
    quiet: bool
    rm: bool
    sign_by: str | None
    squash: bool
    timestamp: int | None
    tls_verify: bool | None
    unsetenv: tuple[str, ...]


def run(flags: CommitFlags, engine: Engine, out: Output) -> int:
    """Make the image and print its id; with another transport than the store's, push it as well."""
    if not flags.operands:
        raise ArgosyError(_containers.MISSING)
    containers = _containers.known(engine)
    found = _containers.find(containers, flags.operands[0])
    target = flags.operands[1] if len(flags.operands) > 1 else ""
    elsewhere = "" if not _is_elsewhere(target) else target
    if flags.encryption_key and not elsewhere:
        raise Unsupported(
            "--encryption-key: the store holds no encrypted layers",
            hint="commit to another place, as docker://, oci: or dir:",
        )
    wanted = _wanted(flags, engine, "" if elsewhere else target.removeprefix("containers-storage:"))
    image = containers.commit(found.id, wanted, out.notice)
    image_id = image.config_digest.partition(":")[2]
    _list(flags, engine, image)
    if flags.iidfile:
        from argosy.linux import files

        try:
            files.write_atomic(flags.iidfile, image.config_digest.encode(), mode=0o644)
        except OSError as error:
            raise ArgosyError(f"failed to write the image's id to {flags.iidfile}: {error.strerror}") from error
    if elsewhere:
        _push(flags, engine, out, image_id, elsewhere)
    elif flags.sign_by:
        _sign(flags.sign_by, engine, image, wanted)
    out.line(image_id)
    return 0


def _is_elsewhere(target: str) -> bool:
    from argosy.images import places

    return places.is_place(target) and not target.startswith("containers-storage:")


def _wanted(flags: CommitFlags, engine: Engine, name: str) -> Wanted:
    from argosy.build.containers.commit import Wanted
    from argosy.images import naming

    if flags.timestamp is not None and flags.timestamp < 0:
        raise Invalid("--timestamp", str(flags.timestamp), "it is before 1970")
    return Wanted(
        names=(naming.local_name(name),) if name else (),
        format=from_.image_format(flags.format, engine) if flags.format else "",
        squash=flags.squash,
        remove=flags.rm,
        time_s=flags.timestamp,
        omit_history=flags.omit_history,
        unset_env=flags.unsetenv,
        identity=flags.identity_label,
    )


def _list(flags: CommitFlags, engine: Engine, image: ImageRecord) -> None:
    """--manifest: put the image into the list, which is made if need be."""
    if not flags.manifest:
        return
    from argosy.cli.podman import _manifest
    from argosy.images.manifestlist import Lists
    from argosy.transports.access import RegistryOptions

    list_id = Lists(engine.store).create(flags.manifest, amend=True)
    _manifest.add(engine, list_id, image.config_digest.partition(":")[2], RegistryOptions(), every=False)


def _sign(key: str, engine: Engine, image: ImageRecord, wanted: Wanted) -> None:
    """Keep a signature with the image; it goes along when the image is pushed."""
    from argosy.images import sign
    from argosy.oci import digest as digests
    from argosy.registry.client import RawManifest
    from argosy.signatures import blob

    if not wanted.names:
        raise ArgosyError("--sign-by: an image without a name cannot be signed", hint="name the image")
    raw = RawManifest(b"", image.media_type, digests.parse(image.manifest_digest))
    made = sign.by_gpg(raw, str(wanted.names[0]), key, engine.environ)
    engine.store.images.add_signatures(image.manifest_digest, (blob.encode(made),), durable=True)


def _push(flags: CommitFlags, engine: Engine, out: Output, image_id: str, target: str) -> None:
    from argosy.cli import flags as grammar
    from argosy.cli.podman import push

    names = ("authfile", "cert_dir", "creds", "encrypt_layer", "encryption_key", "quiet", "sign_by", "tls_verify")
    values = {name: getattr(flags, name) for name in names}
    parsed = grammar.Parsed(values, (image_id, target))
    push.COMMAND.run(grammar.build_options(push.COMMAND, parsed, push.COMMAND.path), engine, out)


COMMAND = Command(
    path="commit",
    summary="Create an image from a working container",
    description=(
        "Makes an image of a working container: its base with a layer of what was changed, and the configuration that "
        "`config` has set. The container stays as it is unless --rm is given. An image that is to go to another place "
        "(docker://, oci:, dir:, ...) is kept in the store, without a name, as well."
    ),
    usage="CONTAINER [IMAGE]",
    options=CommitFlags,
    run=run,
    max_operands=2,
    flags=(
        Flag("authfile", kind="string", help="Path of the authentication file"),
        Flag("cert-dir", kind="string", help="Directory of certificates and keys for the registry"),
        Flag("creds", kind="string", help="Credentials (USERNAME:PASSWORD) for the registry"),
        Flag("disable-compression", short="D", default=True, help="Layers are compressed when they are pushed"),
        *layerkeys.ENCRYPTION,
        Flag("format", short="f", kind="string", help="Format of the image: oci or docker"),
        Flag("identity-label", default=True, help="Add the label io.buildah.version, as buildah does"),
        Flag("iidfile", kind="string", help="Write the image's id to this file"),
        Flag("manifest", kind="string", help="Add the image to this manifest list, which is made if need be"),
        Flag("omit-history", help="Leave the history out of the image"),
        Flag("quiet", short="q", help="Do not output progress information"),
        Flag("rm", help="Remove the container after it was committed"),
        Flag("sign-by", kind="string", help="Sign the image with the GnuPG key that has this fingerprint"),
        Flag("squash", help="Make one layer of the whole image"),
        Flag("timestamp", kind="int", help="Give everything in the image this time, in seconds since the epoch"),
        Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when contacting the registry"),
        Flag("unsetenv", kind="csv", help="Leave this variable out of the image's environment"),
    ),
    examples=("argosy commit web web:1", "argosy commit --rm --squash web docker://localhost:5000/web"),
)
