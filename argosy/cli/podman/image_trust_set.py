"""`image trust set`: the rules for one registry, or for all else."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class TrustSetOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    policypath: str | None
    pubkeysfile: tuple[str, ...]
    type: str


def run(options: TrustSetOptions, _opener: Opener, _out: Output) -> int:
    """Change the file."""
    from argosy.config import policyedit
    from argosy.linux import userns

    rules = policyedit.requirements(options.type, options.pubkeysfile)
    if options.policypath:
        path, start = os.path.abspath(options.policypath), ""
    else:
        path, start = policyedit.place(os.environ, uid=userns.outer_uid())
    policyedit.write(path, options.operands[0], rules, start)
    return 0


COMMAND = Command(
    path="image trust set",
    summary="Set default trust policy or a new trust policy for a registry",
    description=(
        "Changes policy.json: the rules for images of REGISTRY (a host, perhaps with a namespace or repository behind "
        "it), or with `default` those for all images that no other rule is for. An ordinary user changes the file "
        "~/.config/containers/policy.json, which begins as a copy of the system's; root that one itself, unless there "
        "is a file of root's own."
    ),
    usage="REGISTRY",
    options=TrustSetOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        Flag("policypath", kind="string", hidden=True, help="Path of a policy.json in place of the usual one"),
        Flag(
            "pubkeysfile",
            short="f",
            kind="csv",
            help="Path of installed public key(s) to trust for TARGET; of several, all must have signed",
        ),
        Flag(
            "type",
            short="t",
            kind="string",
            default="signedBy",
            help="Trust type, accept values: signedBy, sigstoreSigned, accept, reject",
        ),
    ),
    examples=(
        "argosy image trust set --type reject default",
        "argosy image trust set -f /etc/pki/containers/me.gpg registry.example.com/me",
    ),
)
