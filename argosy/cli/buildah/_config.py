"""What the flags of `config` make of a working container's record; pure."""

from __future__ import annotations

import shlex

from argosy import jsontext
from argosy.build import configure
from argosy.build.containers.record import told
from argosy.build.dockerfile.scopes import Scope
from argosy.errors import ArgosyError, Invalid
from argosy.linux import signals
from argosy.oci.imageconfig import ContainerConfig, Healthcheck, port_fault
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from argosy.build.containers.record import WorkingRecord

_NOTHING = "/bin/sh -c #(nop) "
_SECOND_NS = 1_000_000_000
_HEALTH = Healthcheck(interval_ns=30 * _SECOND_NS, timeout_ns=30 * _SECOND_NS, retries=3)


class ConfigFlags(Value):
    """What was given on the command line; None where a flag was not."""

    operands: tuple[str, ...]
    add_history: bool
    annotation: tuple[str, ...]
    arch: str | None
    author: str | None
    cmd: str | None
    comment: str | None
    created_by: str | None
    domainname: str | None
    entrypoint: str | None
    env: tuple[str, ...]
    healthcheck: str | None
    healthcheck_interval: float | None
    healthcheck_retries: int | None
    healthcheck_start_period: float | None
    healthcheck_timeout: float | None
    history_comment: str | None
    hostname: str | None
    label: tuple[str, ...]
    onbuild: tuple[str, ...]
    os: str | None
    os_feature: str | None
    os_version: str | None
    port: tuple[str, ...]
    shell: str | None
    stop_signal: str | None
    user: str | None
    variant: str | None
    volume: tuple[str, ...]
    workingdir: str | None


def changed(record: WorkingRecord, flags: ConfigFlags, *, tells: bool) -> WorkingRecord:
    """The record with all that was given.  Raises Invalid, which names the flag.  `tells` adds it to the history."""
    plain = ("author", "comment", "created_by", "domainname", "history_comment", "hostname")
    given = {key: getattr(flags, key) for key in plain if getattr(flags, key) is not None}
    features = _listed(record.os_features, (flags.os_feature,) if flags.os_feature is not None else ())
    platform = record.platform.replace(
        **{
            key: value
            for key, value in (
                ("os", flags.os),
                ("architecture", flags.arch),
                ("variant", flags.variant),
                ("os_version", flags.os_version),
            )
            if value is not None
        }
    )
    record = record.replace(
        **given,
        platform=platform,
        os_features=features,
        annotations=_paired("annotation", record.annotations, flags.annotation),
        config=_container(record.config, flags),
    )
    if tells:
        for words in _history(flags):
            record = told(record, f"{_NOTHING}{words}")
    return record


def _container(config: ContainerConfig, flags: ConfigFlags) -> ContainerConfig:
    given: dict[str, Any] = {}
    if flags.cmd is not None:
        given["cmd"] = words(flags.cmd, "cmd")
    if flags.entrypoint is not None:
        given["entrypoint"] = _entrypoint(flags.entrypoint)
    if flags.shell is not None:
        given["shell"] = words(flags.shell, "shell")
    if flags.user is not None:
        given["user"] = flags.user
    if flags.stop_signal is not None:
        signals.parse(flags.stop_signal)
        given["stop_signal"] = flags.stop_signal
    if flags.workingdir is not None:
        given["working_dir"] = configure.directory(config, flags.workingdir)
    return config.replace(
        **given,
        env=_environment(config.env, flags.env),
        labels=_paired("label", config.labels, flags.label),
        exposed_ports=_listed(config.exposed_ports, map(_port, flags.port)),
        volumes=_listed(config.volumes, map(_volume, flags.volume)),
        on_build=(*config.on_build, *flags.onbuild),
        healthcheck=_healthcheck(config.healthcheck, flags),
    )


def words(text: str, flag: str) -> tuple[str, ...]:
    """A JSON array of strings, or a line that is split as a shell splits it."""
    found = _array(text)
    if found is not None:
        return found
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise Invalid(f"--{flag}", text, str(error)) from None


def _array(text: str) -> tuple[str, ...] | None:
    if not text.strip().startswith("["):
        return None
    try:
        found = jsontext.decode(text.encode())
    except Invalid:
        return None
    if isinstance(found, list) and all(isinstance(one, str) for one in found):
        return tuple(found)
    return None


def _entrypoint(text: str) -> tuple[str, ...]:
    """A JSON array, or a line for the shell; nothing for an empty one."""
    if not text.strip():
        return ()
    found = _array(text)
    return ("/bin/sh", "-c", text) if found is None else found


def _environment(env: tuple[str, ...], items: Iterable[str]) -> tuple[str, ...]:
    found = dict(entry.partition("=")[::2] for entry in env)
    for item in items:
        name, equals, value = item.partition("=")
        if item == "-":
            found.clear()
        elif equals and name:
            found[name] = Scope(dict(found), {}, {}, {}).expand(value, quotes_are_text=True).text
        elif item.endswith("-"):
            found.pop(item[:-1], None)
        else:
            raise ArgosyError(f'setting env "{item}": no value given')
    return tuple(f"{name}={value}" for name, value in found.items())


def _paired(flag: str, pairs: dict[str, str], items: Iterable[str]) -> dict[str, str]:
    """Pairs with more of them; `name-` takes one out, `-` all."""
    found = dict(pairs)
    for item in items:
        name, equals, value = item.partition("=")
        if item == "-":
            found.clear()
        elif not equals and item.endswith("-"):
            found.pop(item[:-1], None)
        elif name:
            found[name] = value
        else:
            raise Invalid(f"--{flag}", item, "it must be NAME=VALUE")
    return found


def _listed(values: tuple[str, ...], items: Iterable[str]) -> tuple[str, ...]:
    """Values with more of them, in the same way."""
    found = dict.fromkeys(values)
    for item in items:
        if item == "-":
            found.clear()
        elif item.endswith("-"):
            found.pop(item[:-1], None)
        else:
            found[item] = None
    return tuple(found)


def _port(text: str) -> str:
    why = port_fault(text.removesuffix("-")) if text != "-" else ""
    if why:
        raise Invalid("--port", text, why)
    return text


def _volume(text: str) -> str:
    if text != "-" and (not text.startswith("/") or not text.strip("/-")):
        raise Invalid("--volume", text, "it must be an absolute path below the root")
    return text


def _healthcheck(known: Healthcheck | None, flags: ConfigFlags) -> Healthcheck | None:
    times = {
        "interval_ns": flags.healthcheck_interval,
        "timeout_ns": flags.healthcheck_timeout,
        "start_period_ns": flags.healthcheck_start_period,
    }
    given: dict[str, Any] = {key: round(value * _SECOND_NS) for key, value in times.items() if value is not None}
    if flags.healthcheck_retries is not None:
        given["retries"] = flags.healthcheck_retries
    if any(value < 0 for value in given.values()):
        raise ArgosyError("the times and retries of a health check cannot be negative")
    if flags.healthcheck is not None:
        kind, *rest = words(flags.healthcheck, "healthcheck") or ("NONE",)
        given["test"] = (kind, " ".join(rest)) if kind == "CMD-SHELL" else (kind, *rest)
    return (known or _HEALTH).replace(**given) if given else known


def _history(flags: ConfigFlags) -> Iterator[str]:
    """The instructions of a Dockerfile that would do the same, in buildah's order."""
    yield from _singles(("USER", flags.user), ("SHELL", flags.shell), ("STOPSIGNAL", flags.stop_signal))
    if flags.port:
        yield f"EXPOSE {' '.join(flags.port)}"
    if flags.env:
        yield f"ENV {' '.join(flags.env)}"
    yield from _singles(("ENTRYPOINT", flags.entrypoint), ("CMD", flags.cmd))
    yield from (f"VOLUME {path}" for path in flags.volume)
    if flags.label:
        yield f"LABEL {' '.join(flags.label)}"
    yield from _singles(("WORKDIR", flags.workingdir), ("HEALTHCHECK", flags.healthcheck))
    yield from (f"ONBUILD {one}" for one in flags.onbuild)


def _singles(*pairs: tuple[str, str | None]) -> Iterator[str]:
    yield from (f"{keyword} {value}" for keyword, value in pairs if value is not None)


def warnings(record: WorkingRecord, flags: ConfigFlags) -> Iterator[str]:
    """What was given and will not be in the image, or not count."""
    if flags.entrypoint and flags.cmd is None and record.config.cmd:
        shown = " ".join(record.config.cmd)
        yield f'cmd "{shown}" exists but will be ignored because of entrypoint settings'
    if record.format == "docker":
        return
    for flag in ("shell", "healthcheck", "comment", "domainname", "hostname", "onbuild"):
        if getattr(flags, flag):
            yield f"{flag.upper()} is not supported for OCI image format and will be ignored. Must use `docker` format"
