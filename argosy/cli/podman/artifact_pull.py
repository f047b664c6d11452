"""`artifact pull`: an artifact from a registry into the store."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _registry_flags
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ArtifactPullOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    authfile: str | None
    cert_dir: str | None
    creds: str | None
    decryption_key: tuple[str, ...]
    quiet: bool
    retry: int | None
    retry_delay: float | None
    tls_verify: bool | None


def run(options: ArtifactPullOptions, engine: Engine, out: Output) -> int:
    """Pull the artifact, and print the digest of its manifest."""
    from argosy.cli import progress
    from argosy.images import artifact_move, artifacts
    from argosy.images.convert import Form
    from argosy.images.copy import CopyOptions

    reference = artifacts.named(options.operands[0].removeprefix("docker://"))
    registry = _registry_flags.options(options, engine)
    form = Form()
    if options.decryption_key:
        from argosy.encryption import jwe
        from argosy.encryption.layers import Keys

        form = Form(keys=Keys(private=tuple(map(jwe.private, options.decryption_key))))
    guard = engine.doors.pull_guard(reference, registry)
    source = engine.open_source(reference, registry)
    try:
        with progress.shown(quiet=options.quiet) as shown:
            digest = artifact_move.pull(engine.store, source, reference, CopyOptions(form=form), shown, guard)
    finally:
        source.close()
    out.line(digest.partition(":")[2])
    return 0


COMMAND = Command(
    path="artifact pull",
    summary="Pull an OCI artifact",
    description="Copies an artifact from a registry into the local store.",
    usage="ARTIFACT",
    options=ArtifactPullOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        *_registry_flags.FLAGS,
        Flag("decryption-key", kind="csv", help="Private key, FILE[:PASSPHRASE], needed to decrypt the artifact"),
    ),
    examples=("argosy artifact pull registry.example.com/me/model:1",),
)
