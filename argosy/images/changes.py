"""`--change` of import and commit: single Dockerfile instructions applied to a container config.

The grammar is podman's: `KEY VALUE` or `KEY=VALUE`, and one variable or label to a change, whose value keeps its blanks
and quotes (`ENV A=b c` sets A to `b c`).  Where podman makes nonsense of what docker understands (`ENV A b`, a relative
WORKDIR, several ports), docker's meaning counts.
"""

from __future__ import annotations

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid
from argosy.linux import signals
from argosy.oci.imageconfig import ContainerConfig, port_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class BadChange(ArgosyError):
    """A `--change` that cannot be applied: shows the change and what is wrong with it."""

    def __init__(self, change: str, why: str) -> None:
        super().__init__(f'invalid change "{change}" - {why}')


def apply(config: ContainerConfig, changes: Iterable[str]) -> ContainerConfig:
    """`config` after all changes, in their order.  Raises BadChange."""
    for change in changes:
        key, value = _split(change)
        instruction = _INSTRUCTIONS.get(key)
        if instruction is None:
            raise BadChange(change, f"invalid instruction {key}")
        try:
            config = instruction(config, value)
        except ValueError as error:
            raise BadChange(change, str(error)) from None
    return config


def _split(change: str) -> tuple[str, str]:
    text = change.strip()
    end = next((at for at, char in enumerate(text) if char in " \t="), len(text))
    key, value = text[:end], text[end + 1 :].strip()
    if not key or not value:
        raise BadChange(change, "must be formatted as KEY VALUE")
    return key.upper(), value


def _array(value: str) -> tuple[str, ...] | None:
    """The strings of a JSON array; None when `value` is no such thing."""
    if not value.startswith("["):
        return None
    try:
        found = jsontext.decode(value)
    except Invalid:
        return None
    return tuple(found) if all(isinstance(item, str) for item in found) else None


def _words_to_run(value: str) -> tuple[str, ...]:
    array = _array(value)
    return ("/bin/sh", "-c", value) if array is None else array


def _cmd(config: ContainerConfig, value: str) -> ContainerConfig:
    return config.replace(cmd=_words_to_run(value))


def _entrypoint(config: ContainerConfig, value: str) -> ContainerConfig:
    return config.replace(entrypoint=_words_to_run(value))


def _env(config: ContainerConfig, value: str) -> ContainerConfig:
    name, equals, text = value.partition("=")
    if not equals:
        name, _, text = value.partition(" ")
        text = text.strip()
    if not name:
        raise ValueError("ENV must be formatted NAME=VALUE")
    kept = tuple(entry for entry in config.env if entry.partition("=")[0] != name)
    return config.replace(env=(*kept, f"{name}={text}"))


def _expose(config: ContainerConfig, value: str) -> ContainerConfig:
    ports = dict.fromkeys(config.exposed_ports)
    for word in value.split():
        port, _, protocol = word.partition("/")
        protocol = (protocol or "tcp").lower()
        why = port_fault(f"{port}/{protocol}")
        if why:
            raise ValueError(f"EXPOSE {word}: {why}")
        first, _, last = port.partition("-")
        ports.update(dict.fromkeys(f"{number}/{protocol}" for number in range(int(first), int(last or first) + 1)))
    return config.replace(exposed_ports=tuple(ports))


def _label(config: ContainerConfig, value: str) -> ContainerConfig:
    name, equals, text = value.partition("=")
    if not (equals and name):
        raise ValueError("LABEL must be formatted key=value")
    return config.replace(labels={**config.labels, name: text})


def _on_build(config: ContainerConfig, value: str) -> ContainerConfig:
    return config.replace(on_build=(*config.on_build, value))


def _stop_signal(config: ContainerConfig, value: str) -> ContainerConfig:
    try:
        return config.replace(stop_signal=str(signals.parse(value)))
    except Invalid as error:
        raise ValueError(f"STOPSIGNAL must be given a valid signal: {error.why}") from None


def _user(config: ContainerConfig, value: str) -> ContainerConfig:
    return config.replace(user=value)


def _volume(config: ContainerConfig, value: str) -> ContainerConfig:
    paths = _array(value)
    paths = tuple(value.split()) if paths is None else paths
    for path in paths:
        if not path.startswith("/") or not path.strip("/"):
            raise ValueError(f"VOLUME {path} is not an absolute path below the root")
    return config.replace(volumes=tuple(dict.fromkeys((*config.volumes, *paths))))


def _workdir(config: ContainerConfig, value: str) -> ContainerConfig:
    import posixpath

    path = posixpath.normpath(posixpath.join("/", config.working_dir, value))
    return config.replace(working_dir="/" + path.lstrip("/"))


_INSTRUCTIONS: dict[str, Callable[[ContainerConfig, str], ContainerConfig]] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "LABEL": _label,
    "ONBUILD": _on_build,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
