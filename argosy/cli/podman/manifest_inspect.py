"""`manifest inspect`: a manifest list of the store, or the manifest at a registry."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _manifest
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.transports.source import ImageSource, RawManifest


class ManifestInspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    authfile: str | None
    insecure: bool
    tls_verify: bool | None
    verbose: bool


def run(options: ManifestInspectOptions, engine: Engine, out: Output) -> int:
    """Print the document."""
    from argosy import jsontext
    from argosy.cli.documents import indented
    from argosy.images.manifestlist import Lists
    from argosy.images.resolve import ImageNotKnown

    text = options.operands[0]
    lists = Lists(engine.store)
    try:
        out.line(indented(lists.get(lists.find(text)).document(), 4))
        return 0
    except ImageNotKnown:
        pass
    registry = _manifest.registry_options(
        authfile=options.authfile,
        tls_verify=_manifest.verification(tls_verify=options.tls_verify, insecure=options.insecure),
    )
    source, _ = _manifest.open_image(engine, text, registry)
    try:
        raw = source.manifest()
        document = _verbose(source, raw) if options.verbose else jsontext.decode(raw.data, "manifest")
        out.line(indented(document, 4))
    finally:
        source.close()
    return 0


def _verbose(source: ImageSource, raw: RawManifest) -> Any:
    """docker's long form: for each image its name, descriptor and manifest; a list of them for an index."""
    from argosy import jsontext
    from argosy.images.choose import check_entry
    from argosy.images.listsource import entries_of
    from argosy.oci import manifest as manifests
    from argosy.oci.manifest import Index

    entries = entries_of(source, "", every=True)
    documents = []
    found = manifests.parse(raw.data, raw.media_type, artifact=True)
    for position, entry in enumerate(entries):
        own = raw
        if isinstance(found, Index):
            own = source.manifest(entry.digest)
            check_entry(own, found.manifests[position])
        document = jsontext.decode(own.data, "manifest")
        kind = "OCIManifest" if "oci" in entry.descriptor["mediaType"] else "SchemaV2Manifest"
        name = source.reference.replace(tag="", digest=entry.digest) if isinstance(found, Index) else source.reference
        documents.append({"Ref": str(name), "Descriptor": entry.descriptor, kind: document})
    return documents if isinstance(found, Index) else documents[0]


COMMAND = Command(
    path="manifest inspect",
    summary="Display the contents of a manifest list or image index",
    description="Shows a list of the store, or the manifest of an image in the store or at its registry, as JSON.",
    usage="IMAGE",
    options=ManifestInspectOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        _manifest.AUTHFILE,
        _manifest.TLS_VERIFY,
        _manifest.INSECURE,
        Flag("verbose", short="v", only="docker", help="Output additional info including layers and platform"),
    ),
    examples=("argosy manifest inspect mylist:v1",),
)
