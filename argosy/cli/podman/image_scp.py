"""`image scp`: an image from one host or user to another."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class ImageScpOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    quiet: bool


def run(options: ImageScpOptions, opener: Opener, out: Output) -> int:
    """Copy the image; the end that loads it prints its name."""
    from argosy.config import connections, containers
    from argosy.images import scp
    from argosy.linux import userns

    conf = containers.load("", os.environ, rootless=userns.needed(), modules=tuple(opener.settings["modules"]))
    source, target = scp.sides(options.operands, connections.load(conf, os.environ).entries)
    own = _own(opener)
    save = ["save", "--quiet", "--format", "oci-archive", source.image]
    load = ["load", *(["--quiet"] if options.quiet else [])]
    out.flush()
    scp.copy(
        scp.command(source, save, out.program, own, os.environ, conf.ssh_config),
        scp.command(target, load, out.program, own, os.environ, conf.ssh_config),
    )
    return 0


def _own(opener: Opener) -> list[str]:
    """How this program is started once more, on the same store."""
    from argosy.linux import process

    words = process.self_argv()
    for flag in ("root", "runroot", "storage-driver"):
        value = opener.settings.get(flag.replace("-", "_"))
        words += [f"--{flag}", value] if value else []
    return [*words, *(f"--module={module}" for module in opener.settings["modules"])]


COMMAND = Command(
    path="image scp",
    summary="Securely copy images",
    description=(
        "Copies an image to another host over ssh, where the program of the same name loads it (HOST::), from another "
        "host (HOST::IMAGE), or between two; to or from another user of this host (USER@localhost::), which root does "
        "by runuser and others by sudo. A HOST is [USER@]NAME[:PORT], or a connection (`system connection`)."
    ),
    usage="IMAGE [HOST::]",
    options=ImageScpOptions,
    run=run,
    min_operands=1,
    max_operands=2,
    flags=(Flag("quiet", short="q", help="Suppress the output"),),
    examples=(
        "argosy image scp app:1 otherhost::",
        "argosy image scp me@otherhost:2222::app:1",
        "sudo argosy image scp app:1 me@localhost::",
    ),
)
