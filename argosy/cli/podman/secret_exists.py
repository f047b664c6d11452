"""`secret exists`: whether there is a secret, told by the exit status."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.errors import NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class SecretExistsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: SecretExistsOptions, engine: Engine, _out: Output) -> int:
    """0 when the secret is there, 1 when it is not."""
    from argosy.secrets import stored

    try:
        stored.find(engine.store, options.operands[0])
    except NotFound:
        return 1
    return 0


COMMAND = Command(
    path="secret exists",
    summary="Check if a secret exists",
    description="Ends with status 0 if there is a secret of this name or id, else with 1.",
    usage="SECRET",
    options=SecretExistsOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    examples=("argosy secret exists token || argosy secret create token token.txt",),
)
