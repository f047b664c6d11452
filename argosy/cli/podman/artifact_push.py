"""`artifact push`: an artifact of the store to a registry."""

from __future__ import annotations

from argosy.cli import signing
from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _registry_flags
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ArtifactPushOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    authfile: str | None
    cert_dir: str | None
    creds: str | None
    digestfile: str | None
    quiet: bool
    retry: int | None
    retry_delay: float | None
    sign_by: str | None
    sign_by_sigstore_private_key: str | None
    sign_passphrase_file: str | None
    tls_verify: bool | None


def run(options: ArtifactPushOptions, engine: Engine, _out: Output) -> int:
    """Push the artifact under the second operand, or under its own name."""
    from argosy.cli import progress
    from argosy.cli.digestfile import write_digest
    from argosy.images import artifact_move, artifacts

    artifact = artifacts.Artifacts(engine.store).find(options.operands[0])
    target = artifacts.named(options.operands[-1].removeprefix("docker://") if options.operands[1:] else artifact.name)
    registry = _registry_flags.options(options, engine)
    guard = engine.doors.artifact_guard(artifact.name, target, registry, signing.options(options))
    destination = engine.open_destination(target, None, registry)
    source = engine.open_source(target, registry)
    try:
        with progress.shown(quiet=options.quiet) as shown:
            digest = artifact_move.push(engine.store, artifact, destination, source, shown, guard)
    finally:
        source.close()
        destination.close()
    if options.digestfile:
        write_digest(options.digestfile, digest)
    return 0


COMMAND = Command(
    path="artifact push",
    summary="Push an OCI artifact",
    description=(
        "Copies an artifact of the local store to a registry, under DESTINATION or its own name. Where it has a "
        "subject, the registry lists it among the subject's referrers; for one without that interface, argosy keeps "
        "the list under the tag that stands for it."
    ),
    usage="ARTIFACT [DESTINATION]",
    options=ArtifactPushOptions,
    run=run,
    min_operands=1,
    max_operands=2,
    flags=(
        *_registry_flags.FLAGS,
        Flag("digestfile", kind="string", help="Write the digest of the pushed artifact to the specified file"),
        *signing.FLAGS[1:],
    ),
    examples=("argosy artifact push registry.example.com/me/model:1",),
)
