"""`search`: repositories at registries, or the tags of one."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _registry
from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.config.registries import Registries
    from argosy.images.search import Result
    from argosy.oci.reference import Reference
    from argosy.registry.session import Session
    from argosy.transports.access import RegistryOptions
    from argosy.transports.source import ImageSource

_DESCRIPTION_WIDTH = 44
_TABLE = "table {{.Name}}\t{{.Description}}"
_COMPATIBLE_TABLE = _TABLE + "\t{{.Stars}}\t{{.Official}}\t{{.Automated}}"
_TAGS_TABLE = "table {{.Name}}\t{{.Tag}}"
_DOCKER_HUB = ("docker.io", "index.docker.io")


class SearchOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    authfile: str | None
    cert_dir: str | None
    compatible: bool
    creds: str | None
    filter: tuple[str, ...]
    format: str | None
    limit: int | None
    list_tags: bool
    no_trunc: bool
    tls_verify: bool | None


def run(options: SearchOptions, opener: Opener, out: Output) -> int:
    """Print what the registries found."""
    from argosy.images import search

    text = options.operands[0].removeprefix("docker://")
    if not text:
        raise Invalid("search term", text, "it is empty")
    if options.limit is not None and options.limit < 0:
        raise Invalid("limit", str(options.limit), "it is a number of results, 0 for as many as usual")
    registries = _registry.load(opener)
    if options.list_tags:
        if options.filter:
            raise ArgosyError("filters are not applicable to list tags result")
        _show_tags(options, text, registries, out)
        return 0
    wanted = search.filters(options.filter)
    asked, term = search.places(text, registries.search)
    if not asked:
        out.notice("no registry to search: name one before the term, or set unqualified-search-registries")
        return 0
    limit = options.limit or search.DEFAULT_LIMIT
    results = search.search(asked, term, limit, wanted, lambda name: _session(name, options, registries))
    if out.program == "docker":
        from argosy.cli.podman import _search_docker

        _search_docker.show(results, options, out)
    else:
        _show([_fields(result, options) for result in results], options, out)
    return 0


def _registry_options(options: SearchOptions) -> RegistryOptions:
    from argosy.registry.retry import Backoff
    from argosy.transports.access import RegistryOptions

    return RegistryOptions(
        backoff=Backoff(retries=0),  # as with podman: there are other registries to ask
        authfile=options.authfile or "",
        cert_dir=options.cert_dir or "",
        creds=options.creds or "",
        tls_verify=options.tls_verify,
    )


def _session(name: str, options: SearchOptions, registries: Registries) -> Session:
    """A conversation with a registry; Docker Hub's search is at its old address and takes no credentials."""
    from argosy.config import auth
    from argosy.transports import docker

    settings = _registry_options(options)
    credentials = None
    if name in _DOCKER_HUB:
        name = _DOCKER_HUB[1]
    elif options.creds:
        credentials = auth.parse(options.creds)
    else:
        credentials = auth.lookup(
            name, os.environ, uid=_registry.uid(), authfile=settings.authfile, helpers=registries.credential_helpers
        )
    return docker.open_session(name, credentials, registries=registries, environ=os.environ, options=settings)


def _show_tags(options: SearchOptions, text: str, registries: Registries, out: Output) -> None:
    from argosy.cli import templates
    from argosy.images import search
    from argosy.transports import docker

    def open_source(reference: Reference) -> ImageSource:
        return docker.open_source(
            reference,
            registries=registries,
            environ=os.environ,
            uid=_registry.uid(),
            options=_registry_options(options),
        )

    candidates = [reference.replace(tag="", digest="") for reference in registries.candidates(text)]
    found = search.tags(candidates, options.limit, open_source)
    if templates.is_json(options.format or ""):
        from argosy.cli.documents import indented

        out.line(indented([{"Name": name, "Tags": tags} for name, tags in found], 4))
        return
    rows = [{**_EMPTY, "Name": name, "Tag": tag} for name, tags in found for tag in tags]
    _render(rows, options.format or _TAGS_TABLE, out)


_EMPTY: dict[str, Any] = {
    "Index": "",
    "Name": "",
    "Description": "",
    "Stars": 0,
    "Official": "",
    "Automated": "",
    "Tag": "",
}


def _fields(result: Result, options: SearchOptions) -> dict[str, Any]:
    description = result.description
    if not options.no_trunc and len(description) > _DESCRIPTION_WIDTH:
        description = f"{description[:_DESCRIPTION_WIDTH]}..."
    return {
        "Index": result.index,
        "Name": result.name,
        "Description": description,
        "Stars": result.stars,
        "Official": "[OK]" if result.official else "",
        "Automated": "[OK]" if result.automated else "",
        "Tag": "",
    }


def _show(rows: list[dict[str, Any]], options: SearchOptions, out: Output) -> None:
    from argosy.cli import templates

    if templates.is_json(options.format or ""):
        from argosy.cli.documents import html_safe, indented

        out.line(html_safe(indented(rows, 4)))
        return
    _render(rows, options.format or (_COMPATIBLE_TABLE if options.compatible else _TABLE), out)


def _render(rows: list[dict[str, Any]], text: str, out: Output) -> None:
    from argosy.cli import templates

    if rows:
        templates.render(out, text, rows, name="search", type_name="entities.ImageSearchReport", ranging=True)


COMMAND = Command(
    path="search",
    summary="Search registry for image",
    description=(
        "Searches for repositories whose names have to do with TERM, at the registry that stands before its first "
        "slash, else at the unqualified-search registries of registries.conf: by the v1 API where the registry has it "
        "(Docker Hub), else in its catalog. REGISTRY/ alone lists the catalog. With --list-tags, TERM is a repository, "
        "whose tags are listed."
    ),
    usage="TERM",
    options=SearchOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        Flag("authfile", kind="string", help="Path of the authentication file"),
        Flag("cert-dir", kind="string", help="Pathname of a directory containing TLS certificates and keys"),
        Flag("compatible", help="List stars, official and automated columns (Docker compatibility)"),
        Flag("creds", kind="string", help="Credentials (USERNAME:PASSWORD) to use for authenticating to a registry"),
        Flag(
            "filter",
            short="f",
            kind="csv",
            help="Filter output based on conditions provided (stars=N, is-official, is-automated)",
        ),
        Flag("format", kind="string", help="Change the output format to JSON or a Go template"),
        Flag("limit", kind="int", help="Limit the number of results (25)"),
        Flag("list-tags", help="List the tags of the input registry"),
        Flag("no-trunc", help="Do not truncate the output"),
        Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when contacting registries"),
    ),
    examples=(
        "argosy search --filter=is-official --limit 3 alpine",
        "argosy search registry.example.com/",
        "argosy search --list-tags registry.example.com/me/app",
    ),
)
