"""How a step is told in the image's history, in the words of podman and of docker's classic builder."""

from __future__ import annotations

from argosy.build.dockerfile import instructions as tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.dockerfile.instructions import Instruction

_NOTHING = "/bin/sh -c #(nop) "


def plain(instruction: Instruction) -> str:
    """An instruction that runs and copies nothing: its text, for ARG without the values."""
    if isinstance(instruction, tree.Arg):
        return f"{_NOTHING}ARG {' '.join(one.name for one in instruction.assignments)}"
    _, _, rest = instruction.text.partition(instruction.written)
    return f"{_NOTHING}{instruction.keyword} {rest.strip()}"


def transfer(instruction: tree.Transfer, kind: str, digest: str) -> str:
    """COPY and ADD: a digest in place of the sources."""
    return f"{_NOTHING}{instruction.keyword} {kind}:{digest} in {instruction.destination} "


def run(instruction: tree.Run, arguments: dict[str, str]) -> str:
    """RUN: the line as it is written, heredocs behind it, and the arguments that were set in front."""
    _, _, rest = instruction.text.partition(instruction.written)
    heredocs = "".join(f"\n{one.content}{one.name}" for one in instruction.command.heredocs)
    given = [f"{name}={value}" for name, value in sorted(arguments.items())]
    front = f"|{len(given)} {' '.join(given)} " if given else ""
    return f"{front}/bin/sh -c {rest.strip()}{heredocs}"
