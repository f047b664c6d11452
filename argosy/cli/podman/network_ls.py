"""`network ls`: the networks of the store."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.network.model import Network

_SHORT_ID = 12


class NetworkListOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    filter: tuple[str, ...]
    format: str | None
    no_trunc: bool
    noheading: bool
    quiet: bool


def run(options: NetworkListOptions, engine: Engine, out: Output) -> int:
    """List the networks that the filters accept, by name."""
    from argosy.containers import network_filters, networks

    docker = out.program == "docker"
    listing = networks.of(engine.site).listing()
    accepts = network_filters.compiled(engine.site, options.filter, docker=docker)
    there = listing.networks
    if docker:
        from argosy.containers import inspect_networks

        there = inspect_networks.listed_by_docker(engine.site, there)
    found = [network for network in there if accepts(network)]
    for network_id, error in listing.damaged:
        out.notice(f"network {network_id[:_SHORT_ID]}: {error}")
    length = None if options.no_trunc else _SHORT_ID
    if options.quiet:
        for network in found:
            out.line(network.id[:length] if docker else network.name)
    elif docker:
        from argosy.cli.podman import _network_docker

        _network_docker.show(engine.site, found, length, options.format, out)
    elif options.format:
        _formatted(options.format, found, length, out)
    else:
        headings = () if options.noheading or not found else ("NETWORK ID", "NAME", "DRIVER")
        out.table(headings, [[network.id[:length], network.name, network.driver] for network in found])
    return 0


def _formatted(format_: str, found: list[Network], length: int | None, out: Output) -> None:
    from argosy.cli import templates
    from argosy.network import inspect

    documents = [inspect.inspect(network) for network in found]
    if templates.is_json(format_):
        from argosy.cli.documents import indented

        out.line(indented(documents, 2))
        return
    rows = [_row(document, length) for document in documents]
    templates.render(out, format_, rows, name="list", type_name="*networks.ListPrintReports", ranging=True)


def _row(document: dict[str, Any], length: int | None) -> dict[str, Any]:
    """The fields of a template, by podman's names."""
    labels = document.get("labels", {})
    return {
        "Name": document["name"],
        "ID": document["id"][:length],
        "Driver": document["driver"],
        "NetworkInterface": document.get("network_interface", ""),
        "Created": document["created"],
        "Subnets": document.get("subnets", []),
        "IPv6Enabled": document["ipv6_enabled"],
        "Internal": document["internal"],
        "DNSEnabled": document["dns_enabled"],
        "Labels": ",".join(f"{key}={value}" for key, value in labels.items()),
        "Options": document.get("options", {}),
        "IPAMOptions": document["ipam_options"],
    }


COMMAND = Command(
    path="network ls",
    summary="List networks",
    description="Lists all networks, or those that the filters accept.",
    options=NetworkListOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("filter", short="f", kind="list", help="Filter networks (dangling, driver, id, label, name, until)"),
        Flag("format", kind="string", help="Pretty-print networks to JSON or using a Go template"),
        Flag("no-trunc", help="Do not truncate the network ID"),
        Flag("noheading", help="Do not print headers"),
        Flag("quiet", short="q", help="Display only names (docker: ids)"),
    ),
    examples=("argosy network ls", "argosy network ls --quiet --filter driver=bridge"),
)
