"""What a program changes in the configuration of a working container, as values; pure."""

from __future__ import annotations

from argosy.build import configure
from argosy.errors import Invalid
from argosy.oci.imageconfig import Healthcheck, port_fault
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from argosy.build.containers.record import WorkingRecord

    Pairs = Mapping[str, str | None]
_NONE: Pairs = {}
_PLAIN = ("user", "stop_signal", "cmd", "entrypoint", "shell", "healthcheck")
_OF_RECORD = ("author", "created_by", "comment", "hostname", "domainname")


class Changes(Value):
    """None leaves a field as it is; in pairs, None takes the entry out.  `ports` and the like are added."""

    env: Pairs = _NONE
    labels: Pairs = _NONE
    annotations: Pairs = _NONE
    cmd: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    shell: tuple[str, ...] | None = None
    user: str | None = None
    workdir: str | None = None
    stop_signal: str | None = None
    healthcheck: Healthcheck | None = None
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    on_build: tuple[str, ...] = ()
    author: str | None = None
    created_by: str | None = None
    comment: str | None = None
    hostname: str | None = None
    domainname: str | None = None

    _nested = {"healthcheck": Healthcheck}  # noqa: RUF012 -- as Value asks for


def apply(record: WorkingRecord, changes: Changes) -> WorkingRecord:
    """The record with the changes.  Raises Invalid for what no configuration can hold."""
    _check(changes)
    config = record.config
    given: dict[str, Any] = {key: getattr(changes, key) for key in _PLAIN if getattr(changes, key) is not None}
    if changes.workdir is not None:
        given["working_dir"] = configure.directory(config, changes.workdir)
    env = _paired(dict(entry.partition("=")[::2] for entry in config.env), changes.env)
    config = config.replace(
        **given,
        env=tuple(f"{name}={value}" for name, value in env.items()),
        labels=_paired(config.labels, changes.labels),
        exposed_ports=_added(config.exposed_ports, changes.ports),
        volumes=_added(config.volumes, changes.volumes),
        on_build=(*config.on_build, *changes.on_build),
    )
    own = {key: getattr(changes, key) for key in _OF_RECORD if getattr(changes, key) is not None}
    return record.replace(**own, config=config, annotations=_paired(record.annotations, changes.annotations))


def _check(changes: Changes) -> None:
    for name in changes.env:
        if not name or "=" in name or "\0" in name:
            raise Invalid("variable", name, "a name is not empty and holds no =")
    for port in changes.ports:
        why = port_fault(port)
        if why:
            raise Invalid("port", port, why)
    for volume in changes.volumes:
        if not volume.startswith("/") or not volume.strip("/"):
            raise Invalid("volume", volume, "it must be an absolute path below the root")
    if changes.stop_signal:
        from argosy.linux import signals

        signals.parse(changes.stop_signal)


def _paired(known: Mapping[str, str], changes: Pairs) -> dict[str, str]:
    found = dict(known)
    for name, value in changes.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = value
    return found


def _added(known: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))
