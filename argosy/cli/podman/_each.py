"""Commands that do one thing to each of several containers: which ones, and what the exit status becomes."""

from __future__ import annotations

from argosy.cli.errors import report
from argosy.cli.flags import OperandsError
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from argosy.cli.output import Output
    from argosy.engine import Engine

NOTHING_NAMED = "you must provide at least one name or id"


def chosen(
    engine: Engine,
    names: Sequence[str],
    *,
    all_: bool = False,
    latest: bool = False,
    cidfiles: Iterable[str] = (),
    filters: Sequence[str] = (),
    ignore: bool = False,
    nothing: str = NOTHING_NAMED,
) -> list[str]:
    """What was named, by operands or files, or all containers that `filters` accept, or the one made last.

    Filters take the place of names, and narrow `all_` down.  With `ignore` files that are missing name nothing.  Raises
    ArgosyError when nothing was named at all (in the words of `nothing`), or in two ways.
    """
    check(names, all_=all_, latest=latest, filters=filters)
    read = [_read(path, ignore=ignore) for path in cidfiles]
    named = [*names, *(text for text in read if text)]
    if (all_ or latest or filters) and read:
        raise ArgosyError("--cidfile cannot be used together with --all, --filter or --latest")
    if latest:
        return [newest(engine)]
    if all_ or filters:
        return matching(engine, filters)
    if not named and not read:
        raise OperandsError(nothing, 1)
    return named


def check(names: Sequence[str], *, all_: bool, latest: bool, filters: Sequence[str] = ()) -> None:
    """Raise ArgosyError, in podman's words, where containers are chosen in two ways at once."""
    if all_ and latest:
        raise ArgosyError("--all and --latest cannot be used together")
    if all_ and names:
        raise ArgosyError("no arguments are needed with --all")
    if latest and names:
        raise ArgosyError("--latest and containers cannot be used together")
    if filters and names:
        raise ArgosyError("--filter takes no arguments")
    if filters and latest:
        raise ArgosyError("--filter and --latest cannot be used together")


def newest(engine: Engine) -> str:
    """The id of the container that was made last.  Raises NotFound when there is none."""
    views = engine.containers.list().views
    if not views:
        error = NotFound("container", "--latest", hint="there are no containers")
        error.brief = "no such container"
        raise error
    return views[0].id


def matching(engine: Engine, filters: Sequence[str] = ()) -> list[str]:
    """The ids of all containers that the filters accept, newest first."""
    if not filters:
        return [view.id for view in engine.containers.list().views]
    from argosy.containers.filters import Filters

    accepted = Filters(engine.site, engine.load_registries, filters)
    return [view.id for view in engine.containers.list().views if accepted.accepts(view)]


def _read(path: str, *, ignore: bool) -> str:
    try:
        return files.read(path, 4096).decode(errors="replace").split("\n")[0].strip()
    except FileNotFoundError:
        if ignore:
            return ""
        raise ArgosyError(f"reading CIDFile: open {path}: no such file or directory") from None


def signal_number(text: str | None) -> int | None:
    """The signal that a flag names; None where it was not given.  Raises Invalid."""
    if text is None:
        return None
    from argosy.linux import signals

    return signals.parse(text)


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
            elif out.program == "docker":
                report(error, out)
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
