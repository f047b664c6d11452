"""`diff`: what changed in the tree of a container or an image."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, NotFound, escaped
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.storage.changes import Change, Stack

    Find = Callable[[Engine, str], Stack]

_LETTERS = {"changed": "C", "added": "A", "deleted": "D"}


class DiffOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str
    latest: bool = False


def run(options: DiffOptions, engine: Engine, out: Output) -> int:
    """Compare a container or an image with its parent or with another one."""
    return show(options, engine, out, anything, "diff")


def show(options: DiffOptions, engine: Engine, out: Output, find: Find, words: str) -> int:
    """Compare the object, as `find` finds it, with its parent or with the second one."""
    from argosy.storage.changes import changes

    if options.format not in ("", "json"):
        raise ArgosyError("only supported value for '--format' is 'json'")
    first, *second = names(options, engine, f"{out.program} {words}")
    newer = found(engine, find, first)
    other = found(engine, find, second[0]) if second else None
    older = newer.parent if other is None else other.directories
    id_maps = {stack.directories[0]: stack.id_map for stack in (newer, other) if stack is not None and stack.id_map}
    marked = engine.store.driver == "fuse_overlay"
    listed = list(changes(newer.directories, older, engine.store.xattrs, newer.ignored, id_maps, marked=marked))
    if options.format:
        from argosy.cli.documents import indented

        out.line(indented(_document(listed), 5))
        return 0
    for change in _as_docker(listed) if out.program == "docker" else listed:
        out.line(f"{_LETTERS[change.kind]} {escaped(change.path)}")
    return 0


def _as_docker(listed: list[Change]) -> list[Change]:
    """Without /etc where nothing in it is changed: docker puts the files that it mounts there into a layer below."""
    inside = any(change.path.startswith("/etc/") for change in listed)
    return [change for change in listed if inside or change.path != "/etc"]


def names(options: DiffOptions, engine: Engine, shown: str) -> list[str]:
    """The one or two objects that were named, or the container made last."""
    if options.latest and options.operands:
        raise ArgosyError("--latest and containers cannot be used together")
    if not options.latest:
        if not options.operands:
            raise ArgosyError(f'"{shown}" requires a name, id, or the "--latest" flag')
        return list(options.operands)
    from argosy.cli.podman import _each

    latest = _each.chosen(engine, (), latest=True)
    if not latest:
        raise ArgosyError("there are no containers")
    return latest


def found(engine: Engine, find: Find, name: str) -> Stack:
    """The object.  What is not there is told in podman's words."""
    try:
        return find(engine, name)
    except NotFound as error:
        error.brief = f"{name} not found: {error.brief}"
        raise


def anything(engine: Engine, name: str) -> Stack:
    """The container, else the image with this name."""
    try:
        return container(engine, name)
    except NotFound:
        return image(engine, name)


def container(engine: Engine, name: str) -> Stack:
    """The tree of a container."""
    return engine.containers.stack(engine.containers.find(name))


def image(engine: Engine, name: str) -> Stack:
    """The tree of an image."""
    from argosy.images import diff, resolve

    return diff.stack(engine.store, resolve.resolve(engine.store, engine.load_registries, name).record)


def _document(listed: list[Change]) -> dict[str, list[str]]:
    document: dict[str, list[str]] = {}
    for kind in _LETTERS:
        paths = [change.path for change in listed if change.kind == kind]
        if paths:
            document[kind] = paths
    return document


FORMAT = Flag("format", kind="string", default="", help="Change the output format (json)")
LATEST = Flag("latest", short="l", help="Act on the latest container argosy is aware of")

COMMAND = Command(
    path="diff",
    summary="Display the changes to the object's file system",
    description="Displays what was added (A), changed (C) and deleted (D) in the tree of a container or an image since "
    "its parent, or in comparison with a second one.",
    options=DiffOptions,
    run=run,
    usage="{CONTAINER|IMAGE} [{CONTAINER|IMAGE}]",
    max_operands=2,
    flags=(FORMAT, LATEST),
    examples=("argosy diff web", "argosy diff --format json alpine"),
)
