"""`artifact add`: files of this host as an artifact of the store."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.oci.descriptor import Descriptor


class ArtifactAddOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    annotation: tuple[str, ...]
    append: bool
    file_type: str | None
    replacing: bool
    subject: str | None
    tls_verify: bool | None
    type: str | None


def run(options: ArtifactAddOptions, engine: Engine, out: Output) -> int:
    """Make the artifact, and print the digest of its manifest."""
    from argosy.images import artifact_add, artifacts

    name, *paths = options.operands
    wanted = artifact_add.AddOptions(
        type=options.type or "",
        file_type=options.file_type or "",
        annotations=dict(_annotation(text) for text in options.annotation),
        append=options.append,
        take_over=options.replacing,
        subject=_subject(options, engine) if options.subject else None,
    )
    digest = artifact_add.add(engine.store, str(artifacts.named(name)), tuple(paths), wanted)
    out.line(digest.partition(":")[2])
    return 0


def _annotation(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise Invalid("annotation", text, "it is written KEY=VALUE")
    return key, value


def _subject(options: ArtifactAddOptions, engine: Engine) -> Descriptor:
    """The manifest that the artifact is about, as its registry has it."""
    from argosy.oci import reference as references
    from argosy.oci.descriptor import Descriptor
    from argosy.oci.manifest import parse
    from argosy.transports.access import RegistryOptions

    reference = references.parse((options.subject or "").removeprefix("docker://"))
    source = engine.open_source(reference, RegistryOptions(tls_verify=options.tls_verify))
    try:
        raw = source.manifest()
    finally:
        source.close()
    document = parse(raw.data, raw.media_type, artifact=True)
    return Descriptor(document.media_type, raw.digest, len(raw.data))


COMMAND = Command(
    path="artifact add",
    summary="Add an OCI artifact to the local store",
    description=(
        "Makes an artifact of files of this host, under the name ARTIFACT. Each file keeps its name, without its "
        "directory, as its title."
    ),
    usage="ARTIFACT FILE [FILE...]",
    options=ArtifactAddOptions,
    run=run,
    min_operands=2,
    flags=(
        Flag("annotation", kind="list", help="Set an annotation (KEY=VALUE) on each file that is added"),
        Flag("append", short="a", help="Append files to an existing artifact"),
        Flag("file-type", kind="string", help="Media type of the files, in place of what they look like"),
        Flag("replace", field="replacing", help="Replace an artifact that has the same name"),
        Flag("subject", kind="string", help="Image or artifact at a registry that the artifact is about"),
        Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates of the subject's registry"),
        Flag("type", kind="string", help="Type of the artifact, a media type"),
    ),
    examples=(
        "argosy artifact add registry.example.com/me/model:1 model.gguf",
        "argosy artifact add --type text/spdx+json --subject registry.example.com/app:1 "
        "registry.example.com/app:sbom app.spdx.json",
    ),
)
