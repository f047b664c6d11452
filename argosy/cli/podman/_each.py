"""Commands that do one thing to each of several containers: which ones, and what the exit status becomes."""

from __future__ import annotations

from argosy.cli.errors import report
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from argosy.cli.output import Output
    from argosy.engine import Engine


def chosen(
    engine: Engine,
    names: Sequence[str],
    *,
    all_: bool = False,
    latest: bool = False,
    cidfiles: Iterable[str] = (),
    ignore: bool = False,
) -> list[str]:
    """What was named, by operands or files, or all containers, or the one made last.

    With `ignore` files that are missing name nothing.  Raises ArgosyError when nothing was named at all, or both.
    """
    read = [_read(path, ignore=ignore) for path in cidfiles]
    named = [*names, *(text for text in read if text)]
    if (all_ or latest) and (names or read):
        raise ArgosyError("--all and --latest cannot be used with containers' names, ids or files")
    if all_ or latest:
        views = engine.containers.list().views
        return [view.id for view in (views[:1] if latest else views)]
    if not named and not read:
        raise ArgosyError("you must provide at least one name or id")
    return named


def _read(path: str, *, ignore: bool) -> str:
    try:
        return files.read(path, 4096).decode(errors="replace").split("\n")[0].strip()
    except FileNotFoundError:
        if ignore:
            return ""
        raise ArgosyError(f"reading CIDFile: open {path}: no such file or directory") from None


def for_each(
    engine: Engine,
    names: Iterable[str],
    out: Output,
    work: Callable[[str], bool | None],
    *,
    ignore: bool = False,
    show: bool = True,
    missing_status: int | None = None,
) -> int:
    """Do `work` with the id of each container and print the name it was given by, unless `work` returns False.

    Goes on after errors: the status is that of the last one.  With `ignore` a container that does not exist is passed
    over; `missing_status` is the status for one otherwise.
    """
    status = 0
    for name in names:
        try:
            done = work(engine.containers.find(name))
        except NotFound as error:
            if not ignore:
                found = report(no_such_container(name) if error.kind == "container" else error, out)
                status = found if missing_status is None else missing_status
            continue
        except ArgosyError as error:
            status = report(error, out)
            continue
        if show and done is not False:
            out.line(name)
    return status


def find(engine: Engine, name: str) -> str:
    """The id of the container that a command is about.  Raises NotFound in podman's words."""
    try:
        return engine.containers.find(name)
    except NotFound:
        raise no_such_container(name) from None


def no_such_container(name: str) -> NotFound:
    """The error for a name that no container has, in podman's words."""
    error = NotFound("container", name)
    error.brief = f'no container with name or ID "{name}" found: no such container'
    return error
