"""The `--flags` of one instruction, read against the table of those it knows."""

from __future__ import annotations

from argosy.build.dockerfile.errors import DockerfileError, near

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT, TEXTS, SWITCH = "text", "texts", "switch"


class Flags:
    """The flags given.  Raises DockerfileError for one that is unknown, given twice or without its value."""

    def __init__(self, given: Sequence[str], known: Mapping[str, str]) -> None:
        self._values: dict[str, list[str]] = {}
        for word in given:
            name, equals, value = word.removeprefix("--").partition("=")
            kind = known.get(name)
            if kind is None:
                raise DockerfileError(f"unknown flag: --{name}{near(name, known)}")
            if name in self._values and kind != TEXTS:
                raise DockerfileError(f"duplicate flag specified: --{name}")
            self._values.setdefault(name, []).append(_value(name, kind, value, equals=bool(equals)))

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name, [default])[0]

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(self._values.get(name, ()))

    def switch(self, name: str) -> bool:
        return self._values.get(name) == ["true"]

    def optional_switch(self, name: str) -> bool | None:
        """None where it is not given."""
        return self.switch(name) if name in self._values else None


def _value(name: str, kind: str, value: str, *, equals: bool) -> str:
    if kind == SWITCH:
        if not equals:
            return "true"
        if value.lower() in ("true", "false"):
            return value.lower()
        if value:
            raise DockerfileError(f"expecting boolean value for flag --{name}, not: {value}")
    if not equals or kind == SWITCH:
        raise DockerfileError(f"missing a value on flag: --{name}")
    return value
