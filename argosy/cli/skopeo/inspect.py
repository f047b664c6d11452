"""`inspect`: what is known about an image, wherever it is, without fetching its layers."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.skopeo import _access
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.oci.platform import Platform
    from argosy.transports.source import ImageSource


class InspectFlags(Value):
    """How to reach the image, and what to show of it."""

    operands: tuple[str, ...]
    authfile: str | None
    cert_dir: str | None
    config: bool
    creds: str | None
    daemon_host: str | None
    format: str | None
    no_creds: bool
    no_tags: bool
    password: str | None
    raw: bool
    registry_token: str | None
    retry_times: int | None
    shared_blob_dir: str | None
    tls_verify: bool | None
    username: str | None


def run(flags: InspectFlags, opener: Opener, out: Output) -> int:
    """Print the document, the config, or the raw bytes of either."""
    from argosy.cli.skopeo import _globals
    from argosy.images import places

    source = _access.open_place(_access.of(flags, opener), places.parse(flags.operands[0]), opener)
    wanted = _globals.platform(opener.program_settings)
    try:
        if flags.raw and not flags.config:
            out.write_bytes(source.manifest().data)
            return 0
        document = _config(flags, source, wanted, out) if flags.config else _document(flags, source, wanted)
    finally:
        source.close()
    if document is not None:
        _show(document, flags, out)
    return 0


def _show(document: dict[str, Any], flags: InspectFlags, out: Output) -> None:
    from argosy.cli import templates
    from argosy.cli.documents import indented

    if flags.format and not templates.is_json(flags.format):
        templates.render(out, flags.format, [document], name="inspect", type_name="inspect.Output")
    else:
        out.line(indented(document, 4))


def _config(flags: InspectFlags, source: ImageSource, wanted: Platform, out: Output) -> dict[str, Any] | None:
    """The config as a document; its bytes are written at once with --raw, as they are."""
    from argosy import jsontext
    from argosy.images.choose import choose
    from argosy.oci import imageconfig

    chosen = choose(source, flags.operands[0], wanted)
    data = source.fetch(chosen.image.config, imageconfig.SIZE_LIMIT)
    if flags.raw:
        out.write_bytes(data)
        return None
    document: dict[str, Any] = jsontext.decode(data, "config")
    document.setdefault("config", {})
    return document


def _document(flags: InspectFlags, source: ImageSource, wanted: Platform) -> dict[str, Any]:
    from argosy.images.choose import choose
    from argosy.oci import imageconfig

    chosen = choose(source, flags.operands[0], wanted)
    config = imageconfig.parse(source.fetch(chosen.image.config, imageconfig.SIZE_LIMIT))
    remote = flags.operands[0].startswith("docker://")
    top = chosen.indexes[0] if chosen.indexes else chosen.raw
    layers = chosen.image.layers
    return {
        **({"Name": source.reference.name} if remote or flags.operands[0].startswith("docker-daemon:") else {}),
        "Digest": str(top.digest),
        "RepoTags": source.tags() if remote and not flags.no_tags else [],
        "Created": config.created or None,
        "DockerVersion": str(config.raw.get("docker_version") or ""),
        "Labels": dict(config.config.labels) or None,
        "Architecture": config.architecture,
        "Os": config.os,
        "Layers": [str(layer.digest) for layer in layers],
        "LayersData": [
            {
                "MIMEType": layer.media_type,
                "Digest": str(layer.digest),
                "Size": layer.size,
                "Annotations": dict(layer.annotations) or None,
            }
            for layer in layers
        ],
        "Env": list(config.config.env) or None,
    }


COMMAND = Command(
    path="inspect",
    summary="Inspect image IMAGE-NAME",
    description=(
        "Shows the manifest's and the config's facts of an image at a registry (docker://), in a directory or archive "
        "(oci:, oci-archive:, docker-archive:, dir:) or in the store (containers-storage:)."
    ),
    usage="IMAGE-NAME",
    options=InspectFlags,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        _access.AUTHFILE,
        _access.RETRIES,
        *_access.place_flags(),
        Flag("config", help="Output the configuration"),
        Flag("format", short="f", kind="string", help="Format the output to a Go template"),
        Flag("no-tags", short="n", help="Do not list the available tags from the repository in the output"),
        Flag("raw", help="Output the raw manifest or configuration"),
    ),
    examples=("skopeo inspect docker://docker.io/library/busybox", "skopeo inspect --raw dir:/tmp/image"),
)
