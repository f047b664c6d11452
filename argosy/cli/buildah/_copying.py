"""`copy` and `add`, which differ in what they make of archives and URLs."""

from __future__ import annotations

import os

from argosy.cli.buildah import _containers
from argosy.cli.flags import Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.transports.access import RegistryOptions


class CopyFlags(Value):
    """What was given on the command line; None where a flag was not."""

    operands: tuple[str, ...]
    add_history: bool
    chmod: str | None
    chown: str | None
    contextdir: str | None
    from_: str | None
    ignorefile: str | None
    quiet: bool
    retry: int | None
    retry_delay: float | None


FLAGS = (
    _containers.ADD_HISTORY,
    Flag("chmod", kind="string", help="Set the access permissions of the destination content"),
    Flag("chown", kind="string", help="Set the user and group ownership of the destination content"),
    Flag("contextdir", kind="string", help="The directory that sources are seen from, and cannot leave"),
    Flag("from", kind="string", help="Take the sources from this container or image"),
    Flag("ignorefile", kind="string", help="Path of a .containerignore file, for sources below --contextdir"),
    Flag("quiet", short="q", help="Do not output the digest of the content"),
    Flag("retry", kind="uint", help="How often to try again when the pull of --from fails"),
    Flag("retry-delay", kind="duration", help="How long to wait between these tries"),
)


def run(flags: CopyFlags, engine: Engine, out: Output, *, adds: bool) -> int:
    """Copy the sources to the last operand, a lone one to the working directory; print the digest."""
    from argosy.build.containers.content import Transfer

    if not flags.operands:
        raise ArgosyError(_containers.MISSING)
    name, *sources = flags.operands
    if not sources:
        raise ArgosyError("src must be specified")
    destination = sources.pop() if len(sources) > 1 else ""
    containers = engine.build(registry=_registry(flags)).containers
    found = _containers.find(containers, name)
    wanted = Transfer(
        tuple(sources),
        destination=destination,
        adds=adds,
        source_from=flags.from_ or "",
        context=os.path.abspath(flags.contextdir) if flags.contextdir else "",
        ignore=_ignored(flags),
        chown=flags.chown or "",
        chmod=flags.chmod or "",
        told=_containers.tells_history(flags.add_history),
    )
    digest = containers.transfer(found.id, wanted)
    if not flags.quiet:
        out.line(digest)
    return 0


def _registry(flags: CopyFlags) -> RegistryOptions:
    from argosy.registry import retry
    from argosy.transports.access import RegistryOptions

    if flags.retry is None and flags.retry_delay is None:
        return RegistryOptions()
    return RegistryOptions(backoff=retry.backoff(3 if flags.retry is None else flags.retry, flags.retry_delay))


def _ignored(flags: CopyFlags) -> tuple[str, ...]:
    if not flags.ignorefile:
        return ()
    if not flags.contextdir:
        raise ArgosyError("--ignorefile option requires that you specify a context dir using --contextdir")
    from argosy.build.dockerfile import ignore

    try:
        with open(flags.ignorefile, "rb") as file:
            return tuple(ignore.read(file.read()))
    except OSError as error:
        raise ArgosyError(f"cannot read {flags.ignorefile}: {error.strerror}") from error
