"""`info`: what Argosy is working with on this host."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value
from argosy.version import OCI_RUNTIME_SPEC, STORE_FORMAT, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.linux.host import HostFacts

_PLAIN_FIRST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_")
_NOT_PLAIN = ("true", "false", "null", "yes", "no", "on", "off", "~", "")


class InfoOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str | None


def run(options: InfoOptions, engine: Engine, out: Output) -> int:
    """Show the facts as YAML, as JSON, or through a template."""
    document = _document(engine)
    if options.format is None:
        for line in yaml_lines(document):
            out.line(line)
        return 0
    from argosy.cli import templates

    if templates.is_json(options.format):
        import json

        out.line(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    templates.render(out, options.format, [templates.with_maps(document)], name="info", type_name="*define.Info")
    return 0


def _document(engine: Engine) -> dict[str, Any]:
    """The facts under the names that podman gives them."""
    from argosy.linux import host

    facts = host.facts(rootless=engine.namespace.rootless, uid=engine.namespace.uid)
    return {
        "host": _host(engine, facts),
        "registries": _registries(engine),
        "store": _store(engine),
        "version": {
            "APIVersion": VERSION,
            "Version": VERSION,
            "OsArch": f"linux/{_architecture()}",
            "RuntimeSpec": OCI_RUNTIME_SPEC,
            "StoreFormat": STORE_FORMAT,
        },
    }


def _host(engine: Engine, facts: HostFacts) -> dict[str, Any]:
    groups = facts.cgroups
    id_map = engine.namespace.id_map
    return {
        "arch": _architecture(),
        "cgroupControllers": list(groups.controllers),
        "cgroupManager": engine.site.cgroup_manager or engine.conf.cgroup_manager or groups.manager,
        "cgroupVersion": "v2" if groups.mode == "v2" else "v1",
        "cgroupMode": groups.mode,
        "conmon": _conmon(engine),
        "cpus": facts.cpus,
        "distribution": {"distribution": facts.distribution, "version": facts.version},
        "hostname": facts.hostname,
        "idMappings": {
            "uidmap": _ranges(id_map.uids) if engine.namespace.rootless else None,
            "gidmap": _ranges(id_map.gids) if engine.namespace.rootless else None,
        },
        "kernel": facts.kernel,
        "memFree": facts.memory_free_bytes,
        "memTotal": facts.memory_bytes,
        "ociRuntime": _runtime(engine),
        "os": "linux",
        "programs": {name: path or "missing" for name, path in facts.programs.items()},
        "security": {
            "apparmorEnabled": facts.apparmor,
            "capabilities": ",".join(engine.conf.default_capabilities),
            "rootless": engine.namespace.rootless,
            "seccompEnabled": facts.seccomp,
            "seccompProfilePath": engine.conf.seccomp_profile,
            "selinuxEnabled": facts.selinux,
            "userNamespaces": facts.user_namespaces,
        },
        "swapFree": facts.swap_free_bytes,
        "swapTotal": facts.swap_bytes,
        "uptime": _duration(facts.uptime_s),
    }


def _architecture() -> str:
    from argosy.oci import platform

    return platform.host().architecture


def _ranges(ranges: Iterable[Any]) -> list[dict[str, int]]:
    return [{"container_id": r.container_id, "host_id": r.host_id, "size": r.size} for r in ranges]


def _runtime(engine: Engine) -> dict[str, str]:
    from argosy.runtime.oci_runtime import version_words

    try:
        runtime = engine.site.choose_runtime()
    except ArgosyError as error:
        return {"name": "", "path": "", "version": str(error)}
    words = version_words(runtime.root)
    return {"name": runtime.name, "path": runtime.path, "version": _version(runtime.path, *words)}


def _conmon(engine: Engine) -> dict[str, str]:
    from argosy.containers import prepare

    try:
        path = prepare.conmon_program(engine.site)
    except ArgosyError as error:
        return {"path": "", "version": str(error)}
    return {"path": path, "version": _version(path, "--version")}


def _version(path: str, *words: str) -> str:
    from argosy.linux import process

    try:
        return process.run([path, *words], timeout_s=10).stdout.decode(errors="replace").strip()
    except ArgosyError as error:
        return str(error)


def _registries(engine: Engine) -> dict[str, Any]:
    try:
        registries = engine.registries
    except ArgosyError as error:
        return {"error": str(error)}
    return {"search": list(registries.search)} if registries.search else {}


def _store(engine: Engine) -> dict[str, Any]:
    from argosy.containers import state

    listing = engine.containers.list()
    by_status = [view.run.status for view in listing.views]
    running, paused = by_status.count(state.RUNNING), by_status.count(state.PAUSED)
    return {
        "containerStore": {
            "number": len(by_status) + len(listing.damaged),
            "paused": paused,
            "running": running,
            "stopped": len(by_status) - running - paused,
            "damaged": len(listing.damaged),
        },
        "graphDriverName": engine.store.driver,
        "graphRoot": engine.store.root,
        "graphRootAllocated": _space(engine.store.root)[0],
        "graphRootUsed": _space(engine.store.root)[1],
        "imageStore": {"number": len({record.config_digest for record in engine.store.images.all().records})},
        "runRoot": engine.store.run,
        "volumePath": f"{engine.store.root}/volumes",
    }


def _space(path: str) -> tuple[int, int]:
    import os

    found = os.statvfs(path)
    return found.f_blocks * found.f_frsize, (found.f_blocks - found.f_bfree) * found.f_frsize


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m {rest}.00s"


def yaml_lines(value: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """A document of mappings, lists of scalars and scalars as YAML."""
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield f"{indent}{key}:"
            yield from yaml_lines(item, indent + "  ")
        elif isinstance(item, list) and item:
            yield f"{indent}{key}:"
            for one in item:
                if isinstance(one, dict):
                    first, *more = yaml_lines(one, indent + "  ")
                    yield f"{indent}- {first.strip()}"
                    yield from more
                else:
                    yield f"{indent}- {yaml_scalar(one)}"
        elif isinstance(item, str) and "\n" in item:
            yield f"{indent}{key}: |-"
            yield from (f"{indent}  {line}" for line in item.splitlines())
        else:
            yield f"{indent}{key}: {yaml_scalar(item)}"


def yaml_scalar(value: object) -> str:
    """One value; a string is quoted where YAML would read it as something else."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return "[]" if isinstance(value, list) else "{}"
    if not isinstance(value, str):
        return str(value)
    numeric = value.replace(".", "").replace("e", "").replace("_", "").isdigit()
    plain = value[:1] in _PLAIN_FIRST and not numeric and value.isprintable() and not value.endswith((" ", ":"))
    if value.lower() in _NOT_PLAIN or not plain or ": " in value or " #" in value:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


COMMAND = Command(
    path="info",
    summary="Display system information",
    description="Shows the host, the programs that Argosy drives, the registries and the store.",
    options=InfoOptions,
    run=run,
    max_operands=0,
    flags=(Flag("format", short="f", kind="string", help="Change the output format to JSON or a Go template"),),
    examples=("argosy info", "argosy info --format '{{.Host.OCIRuntime.Name}}'"),
)
