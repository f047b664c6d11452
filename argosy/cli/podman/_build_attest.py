"""`build --sbom` and `--provenance`: what is wanted, and the artifacts that come of it."""

from __future__ import annotations

import os
import time

from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.attest import Attestation
    from argosy.build.options import BuildOptions
    from argosy.build.provenance import Origin
    from argosy.cli.output import Output
    from argosy.cli.podman._build_table import BuildFlags
    from argosy.engine import Engine
    from argosy.oci.descriptor import Descriptor
    from argosy.oci.reference import Reference
    from argosy.signatures.sigstorekeys import PrivateKey
    from argosy.storage.images import ImageRecord

_KEY_LIMIT = 1 << 20


class Wanted(Value):
    """`sbom` is a format, `provenance` min or max, "" where it is not wanted; `began_ns` is when the build did."""

    sbom: str
    provenance: str
    began_ns: int


def wanted(flags: BuildFlags) -> Wanted:
    """What the flags ask for.  Raises Invalid, and ArgosyError for flags that need one of them."""
    found = Wanted(_sbom(flags.sbom), _provenance(flags.provenance), time.time_ns())
    if flags.sbom_output and not found.sbom:
        raise ArgosyError("--sbom-output needs --sbom")
    if flags.sign_by_sigstore_private_key and not (found.sbom or found.provenance):
        raise ArgosyError("--sign-by-sigstore-private-key signs attestations: give --sbom or --provenance")
    return found


def _sbom(text: str | None) -> str:
    if text in (None, "", "false"):
        return ""
    form = "spdx" if text == "true" else str(text)
    if form not in ("spdx", "cyclonedx"):
        raise Invalid("--sbom", form, "choose spdx (as true does), cyclonedx or false")
    return form


def _provenance(text: str | None) -> str:
    modes = {None: "", "": "", "false": "", "true": "min", "mode=min": "min", "mode=max": "max"}
    if text not in modes:
        raise Invalid("--provenance", str(text), "choose true, false, mode=min or mode=max")
    return modes[text]


def attest(
    wanted: Wanted, record: ImageRecord, options: BuildOptions, flags: BuildFlags, engine: Engine, out: Output
) -> list[Attestation]:
    """Make the documents and attach them to the image in the store."""
    if not (wanted.sbom or wanted.provenance):
        return []
    from argosy.build import attest as attesting

    found = []
    repository = _repository(options, record)
    if wanted.sbom:
        made = attesting.bill(engine.store, record, repository, wanted.sbom, out.notice)
        found.append(made)
        if flags.sbom_output:
            _write(flags.sbom_output, made)
    if wanted.provenance:
        found.append(attesting.origin(_origin(wanted, record, options, engine)))
    key = _key(flags)
    for attestation in found:
        attesting.attach(engine.store, attestation, attesting.subject_of(engine.store, record), repository, key)
    return found


def push(found: list[tuple[ImageRecord, list[Attestation]]], flags: BuildFlags, engine: Engine, out: Output) -> None:
    """Send them behind the image: what they refer to is its manifest there, whose layers are compressed."""
    from argosy.build import attest as attesting
    from argosy.cli import flags as grammar
    from argosy.cli.podman import artifact_push
    from argosy.oci import reference as references

    names = ("authfile", "cert_dir", "creds", "quiet", "tls_verify")
    given = {name: getattr(flags, name) for name in names}
    for name in flags.tag:
        reference = references.parse(name)
        for record, attestations in found:
            for attestation in attestations:
                subject = _pushed(engine, reference, record, flags)
                made = attesting.attach(engine.store, attestation, subject, reference.name, _key(flags))
                parsed = grammar.Parsed(given, (made,))
                command = artifact_push.COMMAND
                command.run(grammar.build_options(command, parsed, command.path), engine, out)


def _pushed(engine: Engine, reference: Reference, record: ImageRecord, flags: BuildFlags) -> Descriptor:
    """The image's manifest at the registry: of a list that for its platform."""
    from argosy.cli.podman import _build_options
    from argosy.images.choose import choose
    from argosy.oci.descriptor import Descriptor
    from argosy.oci.platform import Platform

    source = engine.open_source(reference, _build_options.registry_options(flags))
    try:
        platform = Platform(record.os, record.architecture, record.variant)
        raw = choose(source, str(reference), platform).raw
    finally:
        source.close()
    return Descriptor(raw.media_type, raw.digest, len(raw.data))


def _repository(options: BuildOptions, record: ImageRecord) -> str:
    return options.names[0].name if options.names else f"localhost/{record.config_digest[7:19]}"


def _origin(wanted: Wanted, record: ImageRecord, options: BuildOptions, engine: Engine) -> Origin:
    from argosy.build.provenance import Origin
    from argosy.images import timestamps
    from argosy.oci.platform import Platform

    platform = Platform(record.os, record.architecture, record.variant)
    build = engine.build()
    return Origin(
        dockerfile=options.dockerfile.path,
        text="\n".join(one.text for stage in options.dockerfile.stages for one in (stage.start, *stage.instructions)),
        target=options.target,
        platform=str(platform),
        arguments=options.arguments,
        bases=build.bases(options),
        started=timestamps.show(wanted.began_ns),
        finished=timestamps.show(time.time_ns()),
        invocation=os.urandom(16).hex(),
        everything=wanted.provenance == "max",
    )


def _write(path: str, attestation: Attestation) -> None:
    from argosy.cli.documents import indented
    from argosy.linux import files

    try:
        files.write_named(path, f"{indented(attestation.predicate, 2)}\n".encode())
    except OSError as error:
        raise ArgosyError(f"failed to write the bill of materials to {path}: {error.strerror}") from error


def _key(flags: BuildFlags) -> PrivateKey | None:
    path = flags.sign_by_sigstore_private_key
    if not path:
        return None
    from argosy.cli import signing
    from argosy.linux import files
    from argosy.signatures import sigstorekeys

    if flags.sign_passphrase_file:
        passphrase = signing.read_passphrase(flags.sign_passphrase_file)
    else:
        passphrase = signing.ask_passphrase(f"Passphrase for key {path}: ")
    try:
        data = files.read_regular(path, _KEY_LIMIT)
    except OSError as error:
        raise ArgosyError(f"cannot read {path}: {str(error.strerror).lower()}") from error
    return sigstorekeys.private(data, passphrase.encode())
