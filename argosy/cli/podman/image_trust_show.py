"""`image trust show`: the rules by which images are accepted."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.config.policy import Policy
    from argosy.images.trusttable import Row

_RAW_DEFAULT = {"default": [{"type": "insecureAcceptAnything"}]}


class TrustShowOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    json: bool
    noheading: bool
    policypath: str | None
    raw: bool
    registrypath: str | None


def run(options: TrustShowOptions, _opener: Opener, out: Output) -> int:
    """Print the rules of the policy that holds, or those for one registry."""
    from argosy.config import policy, registriesd
    from argosy.images import trusttable
    from argosy.linux import userns

    found = policy.load(os.environ, options.policypath or "")
    if options.raw:
        _show_raw(found, out)
        return 0
    places = registriesd.load(os.environ, rootless=userns.needed(), given=options.registrypath or "")
    if options.operands:
        rows = trusttable.effective(found, places, options.operands[0])
    else:
        rows = trusttable.rows(found, places)
    if options.json:
        from argosy.cli.documents import indented

        out.line(indented([_document(row) for row in rows], 2))
        return 0
    cells = [[row.transport, row.name, row.kind, row.ids, row.store] for row in rows]
    out.table(() if options.noheading else ("TRANSPORT", "NAME", "TYPE", "ID", "STORE"), cells)
    if not found.path:
        out.notice(f"there is neither {policy.user_file(os.environ)} nor {policy.SYSTEM_FILE}: images are accepted")
    return 0


def _show_raw(found: Policy, out: Output) -> None:
    from argosy.cli.documents import indented
    from argosy.linux import files

    if found.path:
        out.write_bytes(files.read_regular(found.path, 16 << 20))
    else:
        out.line(indented(_RAW_DEFAULT, 4))


def _document(row: Row) -> dict[str, str]:
    """A row in podman's JSON, whose members that are empty are left out."""
    fields = {
        "transport": row.transport,
        "name": "* (default)" if row.name == "default" else row.name,
        "repo_name": row.name,
        "sigstore": row.store,
        "type": row.kind,
        "gpg_id": row.ids,
    }
    return {name: text for name, text in fields.items() if text}


COMMAND = Command(
    path="image trust show",
    summary="Display trust policy for the system",
    description=(
        "Shows the rules of policy.json: the user's own file if there is one, else the system's. With REGISTRY, those "
        "that hold for its images."
    ),
    usage="[REGISTRY]",
    options=TrustShowOptions,
    run=run,
    max_operands=1,
    flags=(
        Flag("json", short="j", help="Output as json"),
        Flag("noheading", short="n", help="Do not print column headings"),
        Flag("policypath", kind="string", hidden=True, help="Path of a policy.json in place of the usual one"),
        Flag("raw", help="Output raw policy file"),
        Flag("registrypath", kind="string", hidden=True, help="Directory in place of the usual registries.d"),
    ),
    examples=("argosy image trust show", "argosy image trust show quay.io/podman"),
)
