"""Data as templates see it: Go's notions of kind, truth and text for Python values.

A `dict` is a struct: its fields are known, another one is an error.  A `Map` is a Go map: any key may be asked for.
"""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

# The fields of the documents that the peers' commands show whose keys are the user's, not ours.
MAP_FIELDS = frozenset(
    {
        "Annotations",
        *("ipam_options", "labels", "options"),  # of networks
        "registries",
        "graphOptions",
        "graphStatus",
        "BuildArgs",
        "CgroupConf",
        "Data",
        "DriverOpts",
        "ExposedPorts",
        "GraphOptions",
        "GraphStatus",
        "IPAMOptions",
        "Labels",
        "LogConfigOptions",
        "ManifestAnnotations",
        "NetworkOptions",
        "Networks",
        "Options",
        "PortBindings",
        "Ports",
        "Storage",
        "StorageOpt",
        "Sysctls",
        "Tmpfs",
        "Volumes",
    }
)


# Those that are lists, and null in JSON where they are empty.
_LIST_FIELDS = frozenset(
    {
        *("Authorization", "Binds", "BlkioDeviceReadBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteBps"),
        *("BlkioDeviceWriteIOps", "BlkioWeightDevice", "CapAdd", "CapDrop", "Cmd", "Devices", "Dns", "DnsOptions"),
        *("DnsSearch", "Entrypoint", "Env", "ExtraHosts", "GroupAdd", "Links", "Log", "MaskedPaths", "ReadonlyPaths"),
        *("SecurityOpt", "Ulimits", "VolumesFrom"),
    }
)


class Map(dict[str, object]):
    """A dictionary whose keys are data: an absent one is no error."""


class NilMap(Map):
    """A map that was never made: empty, and null in JSON."""


class NilList(list[object]):
    """A slice that was never made: empty, and null in JSON."""


class Method(Value):
    """A method of a struct that takes one string, as docker's `.Label "name"`."""

    call: Callable[[str], object]


class Struct(dict[str, object]):
    """A dictionary with a Go type's name, whose empty fields JSON leaves out, those in `kept` excepted.

    `methods` are asked for like fields, and are in no JSON.
    """

    def __init__(
        self,
        fields: Mapping[str, object],
        *,
        type_name: str = "struct",
        kept: Iterable[str] = frozenset(),
        methods: Mapping[str, Method] | None = None,
    ) -> None:
        super().__init__(fields)
        self.type_name = type_name
        self.kept = frozenset(kept)
        self.methods = methods or {}


class _Nil:
    """A nil pointer: it prints as `<nil>` where a value that is absent prints as `<no value>`."""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "<nil>"


NIL = _Nil()


def with_maps(value: Any, map_fields: Iterable[str] = MAP_FIELDS) -> Any:
    """`value` with the dictionaries in the fields of these names made Maps, at any depth; null is nil of their kind."""
    names = frozenset(map_fields)
    if isinstance(value, (list, tuple)):
        return [with_maps(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    done = {}
    for key, item in value.items():
        inner = _nil(key, names) if item is None else with_maps(item, names)
        done[key] = Map(inner) if key in names and type(inner) is dict else inner
    return Map(done) if isinstance(value, Map) else done


def _nil(field: str, map_fields: frozenset[str]) -> object:
    """What null is in Go, by the field that holds it."""
    if field in map_fields or field == "Config":  # of LogConfig
        return NilMap()
    if field in _LIST_FIELDS:
        return NilList()
    return NIL if field == "OnBuild" else None


def kind(value: object) -> str:
    """The basic kind, for comparisons: bool, int, float, string, or "" for what cannot be compared."""
    if isinstance(value, bool):
        return "bool"
    return {int: "int", float: "float"}.get(type(value), "string" if isinstance(value, str) else "")


def type_name(value: object) -> str:
    """The Go type that stands in messages."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, Map):
        return (
            "map[string]string" if all(isinstance(item, str) for item in value.values()) else "map[string]interface {}"
        )
    if isinstance(value, dict):
        return value.type_name if isinstance(value, Struct) else "struct"
    if isinstance(value, (list, tuple)):
        return "[]string" if value and all(isinstance(item, str) for item in value) else "[]interface {}"
    if isinstance(value, str):
        return str(getattr(value, "type_name", "string"))
    return {int: "int", float: "float64", type(None): "<nil>"}.get(type(value), "string")


def truth(value: object) -> bool:
    """Go's truth: zero and empty values are false, structs are true."""
    if isinstance(value, dict) and not isinstance(value, Map):
        return True
    return bool(value)


def text(value: object, *, top: bool = True) -> str:
    """`value` as %v prints it; what is absent is `<no value>` at the top of an action and `<nil>` inside."""
    if value is None:
        return "<no value>" if top else "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Map):
        return "map[" + " ".join(f"{key}:{text(value[key], top=False)}" for key in sorted(value)) + "]"
    if isinstance(value, dict):
        return "{" + " ".join(text(item, top=False) for item in value.values()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + " ".join(text(item, top=False) for item in value) + "]"
    return text(value(), top=False) if callable(value) else str(value)


def _exponent(shortest: str) -> int:
    """The decimal exponent of what `repr` gave for a float."""
    digits, _, shift = shortest.lstrip("-").partition("e")
    whole, _, fraction = digits.partition(".")
    if whole.strip("0"):
        return len(whole) - 1 + int(shift or 0)
    behind = fraction.lstrip("0")
    return int(shift or 0) - (len(fraction) - len(behind) + 1) if behind else 0


def named(value: object) -> str:
    """`value` as %+v prints it: with the names of a struct's fields."""
    if isinstance(value, Map):
        return "map[" + " ".join(f"{key}:{named(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, dict):
        return "{" + " ".join(f"{key[:1].upper()}{key[1:]}:{named(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + " ".join(map(named, value)) + "]"
    return text(value, top=False)


def float_text(value: float) -> str:
    """The shortest text that gives `value` back, with an exponent below 1e-4 and from 1e6 on, as Go's %v has it."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"inf": "+Inf", "-inf": "-Inf"}.get(repr(value), "NaN")
    shortest = repr(value)
    exponent = _exponent(shortest)
    if -4 <= exponent < 6:
        return shortest.removesuffix(".0")
    digits = shortest.partition("e")[0].replace(".", "").lstrip("-0").rstrip("0") or "0"
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{'-' if value < 0 else ''}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02}"
