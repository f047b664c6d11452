"""`docker search`: docker's columns, and the fields of docker's templates."""

from __future__ import annotations

from argosy.cli.podman import _docker_lists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.cli.podman.search import SearchOptions
    from argosy.images.search import Result

_HEADINGS = {
    "Description": "DESCRIPTION",
    "IsAutomated": "AUTOMATED",
    "IsOfficial": "OFFICIAL",
    "Name": "NAME",
    "StarCount": "STARS",
}
_KIND = _docker_lists.Kind("*search.searchContext", _HEADINGS, ("Name", "Description", "StarCount", "IsOfficial"))
_DESCRIPTION_WIDTH = 45


def show(results: list[Result], options: SearchOptions, out: Output) -> None:
    """Print the results as docker does: a table, or what --format asks for."""
    json = (options.format or "").strip() == "json"
    rows = [_docker_lists.Row(_fields(result, options, json=json)) for result in results]
    _docker_lists.show(out, _KIND, rows, options.format)


def _fields(result: Result, options: SearchOptions, *, json: bool) -> dict[str, str]:
    description = result.description
    if not options.no_trunc and len(description) > _DESCRIPTION_WIDTH:
        description = f"{description[: _DESCRIPTION_WIDTH - 1]}…"
    return {
        "Description": description,
        "IsAutomated": _truth(result.automated, json=json),
        "IsOfficial": _truth(result.official, json=json),
        "Name": result.name.removeprefix("docker.io/").removeprefix("library/"),
        "StarCount": str(result.stars),
    }


def _truth(value: bool, *, json: bool) -> str:  # noqa: FBT001 -- what is shown
    if json:
        return str(value).lower()
    return "[OK]" if value else ""
