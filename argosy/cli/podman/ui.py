"""`ui`: a full-screen view of the store."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class UiOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    interval: int


def run(options: UiOptions, opener: Opener, out: Output) -> int:
    """Show the view until the user leaves it."""
    if options.interval < 1:
        raise Invalid("interval", str(options.interval), "it is at least a second")
    if not os.isatty(0) or not os.isatty(1):
        raise ArgosyError("argosy ui needs a terminal", hint="over ssh: ssh -t HOST argosy ui")
    return opener.serve("ui", out.notice, interval_s=options.interval)


COMMAND = Command(
    path="ui",
    summary="Show containers, pods, images, volumes and networks on the whole screen",
    description=(
        "Lists containers and pods with what they use of the processor and of memory, images, volumes and networks,\n"
        "and keeps the lists as they are now.  Keys start, stop, restart and remove what is chosen, follow its log,\n"
        "open a shell in it; ? shows them all.  It needs a terminal, of 80 columns by 24 or more, and no mouse.\n"
        "It needs the Python package textual too: `pip install 'argosy[ui]'`; a checkout has it after `make setup`."
    ),
    options=UiOptions,
    run=run,
    max_operands=0,
    flags=(Flag("interval", short="i", kind="int", default=2, help="Time in seconds between two looks"),),
    examples=("argosy ui", "ssh -t server argosy ui"),
)
