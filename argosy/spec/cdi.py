"""Container Device Interface: what a vendor's file says a device needs, put into a runtime specification.

Implements the CDI specification 0.3 to 0.8.  Pure: the files are read by `config.cdi`.
"""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset("0123456789")
_HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


class Edits(Value):
    """`containerEdits`, checked: each entry as the specification has it."""

    env: tuple[str, ...] = ()
    device_nodes: tuple[Mapping[str, Any], ...] = ()
    mounts: tuple[Mapping[str, Any], ...] = ()
    hooks: tuple[Mapping[str, Any], ...] = ()
    additional_gids: tuple[int, ...] = ()


class DeviceSpec(Value):
    """One file: the kind, the edits that go with any of its devices, and those of each device by name."""

    kind: str
    edits: Edits
    devices: Mapping[str, Edits]


def is_qualified(name: str) -> bool:
    """Whether `name` is VENDOR/CLASS=NAME with characters that the specification allows."""
    kind, equals, device = name.partition("=")
    return bool(equals) and _is_kind(kind) and _is_name(device, "_-.:", first=_LETTERS | _DIGITS)


def _is_kind(kind: str) -> bool:
    vendor, slash, cls = kind.partition("/")
    return bool(slash) and _is_name(vendor, "_-.") and _is_name(cls, "_-.")


def _is_name(text: str, extra: str, first: frozenset[str] = _LETTERS) -> bool:
    allowed = _LETTERS | _DIGITS | frozenset(extra)
    return bool(text) and text[0] in first and text[-1] in _LETTERS | _DIGITS and allowed.issuperset(text)


def parse(document: object, path: str) -> DeviceSpec:
    """The document of one file.  Raises Invalid, which names the file, when it is none."""
    top = _Reader(path)
    fields = top.mapping(document, "the file")
    kind = top.text(fields.get("kind"), "kind")
    if not str(fields.get("cdiVersion", "")).startswith("0."):
        raise top.error(f"cdiVersion {fields.get('cdiVersion')!r} is unknown")
    if not _is_kind(kind):
        raise top.error(f"kind {kind!r} is not VENDOR/CLASS")
    devices = {}
    for item in top.sequence(fields.get("devices"), "devices"):
        device = top.mapping(item, "an entry of devices")
        name = top.text(device.get("name"), "name")
        if not is_qualified(f"{kind}={name}") or name in devices:
            raise top.error(f"device name {name!r} is not allowed, or comes twice")
        devices[name] = top.edits(device.get("containerEdits"))
    return DeviceSpec(kind, top.edits(fields.get("containerEdits")), devices)


class _Reader:
    """Checks the types of a document; its errors name the file."""

    def __init__(self, path: str) -> None:
        self._path = path

    def error(self, why: str) -> Invalid:
        return Invalid("CDI specification", self._path, why)

    def mapping(self, value: object, what: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.error(f"{what} must be an object")
        return value

    def sequence(self, value: object, what: str) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(f"{what} must be a list")
        return value

    def text(self, value: object, what: str) -> str:
        if not isinstance(value, str) or not value or "\0" in value:
            raise self.error(f"{what} must be a text")
        return value

    def texts(self, value: object, what: str) -> list[str]:
        return [self.text(item, what) for item in self.sequence(value, what)]

    def number(self, value: object, what: str) -> None:
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise self.error(f"{what} must be a number")

    def edits(self, value: object) -> Edits:
        if value is None:
            return Edits()
        fields = self.mapping(value, "containerEdits")
        env = self.texts(fields.get("env"), "env")
        if any(not entry.partition("=")[0] or "=" not in entry for entry in env):
            raise self.error("env must hold NAME=VALUE")
        gids = self.sequence(fields.get("additionalGids"), "additionalGids")
        for gid in gids:
            self.number(gid, "additionalGids")
        return Edits(
            env=tuple(env),
            device_nodes=tuple(map(self._node, self.sequence(fields.get("deviceNodes"), "deviceNodes"))),
            mounts=tuple(map(self._mount, self.sequence(fields.get("mounts"), "mounts"))),
            hooks=tuple(map(self._hook, self.sequence(fields.get("hooks"), "hooks"))),
            additional_gids=tuple(gid for gid in gids if gid),  # 0 is to be ignored
        )

    def _node(self, value: object) -> Mapping[str, Any]:
        fields = self.mapping(value, "an entry of deviceNodes")
        self._absolute(fields.get("path"), "path")
        if fields.get("hostPath") is not None:
            self._absolute(fields["hostPath"], "hostPath")
        if fields.get("type", "") not in ("", "b", "c", "u", "p"):
            raise self.error(f"device type {fields['type']!r} is unknown")
        if set(fields.get("permissions") or "") - set("rwm"):
            raise self.error(f"device permissions {fields['permissions']!r} are unknown")
        for key in ("major", "minor", "fileMode", "uid", "gid"):
            self.number(fields.get(key), key)
        return fields

    def _mount(self, value: object) -> Mapping[str, Any]:
        fields = self.mapping(value, "an entry of mounts")
        self.text(fields.get("hostPath"), "hostPath")
        self._absolute(fields.get("containerPath"), "containerPath")
        self.texts(fields.get("options"), "options")
        return fields

    def _hook(self, value: object) -> Mapping[str, Any]:
        fields = self.mapping(value, "an entry of hooks")
        if fields.get("hookName") not in _HOOKS:
            raise self.error(f"hook name {fields.get('hookName')!r} is unknown")
        self._absolute(fields.get("path"), "path")
        self.texts(fields.get("args"), "args")
        self.texts(fields.get("env"), "env")
        self.number(fields.get("timeout"), "timeout")
        return fields

    def _absolute(self, value: object, what: str) -> None:
        if self.text(value, what)[0] != "/":
            raise self.error(f"{what} {value!r} must be an absolute path")


def edits_of(specs: Mapping[str, tuple[DeviceSpec, ...]], names: tuple[str, ...]) -> tuple[list[Edits], list[str]]:
    """What the named devices ask for, the common edits of a file once; and the names that no file (or two) know.

    `specs` has, for each kind, the files of the strongest directory that names it first.
    """
    found: list[Edits] = []
    used: list[DeviceSpec] = []
    unknown: list[str] = []
    for name in names:
        kind, _, device = name.partition("=")
        holders = [spec for spec in specs.get(kind, ()) if device in spec.devices]
        if not holders:
            unknown.append(name)
            continue
        if not any(spec is holders[0] for spec in used):
            used.append(holders[0])
            found.append(holders[0].edits)
        found.append(holders[0].devices[device])
    return found, unknown


def apply(spec: dict[str, Any], edits: tuple[Edits, ...]) -> None:
    """Put the edits, their nodes `completed`, into a runtime specification.

    One without device rules is a rootless container's, which gets a device as a bind mount.
    """
    process, linux, mounts = spec["process"], spec["linux"], spec["mounts"]
    rules = linux["resources"].get("devices")
    for edit in edits:
        names = {entry.partition("=")[0] for entry in edit.env}
        process["env"] = [entry for entry in process["env"] if entry.partition("=")[0] not in names]
        process["env"] += edit.env
        for node in edit.device_nodes:
            _replace(mounts, "destination", _bound(node)) if rules is None else _add_node(linux, rules, node)
        for mount in edit.mounts:
            _replace(mounts, "destination", _mount(mount))
        for hook in edit.hooks:
            spec.setdefault("hooks", {}).setdefault(hook["hookName"], []).append(dict(_hook(hook)))
        if edit.additional_gids:
            gids = process["user"].setdefault("additionalGids", [])
            gids += [gid for gid in edit.additional_gids if gid not in gids]
    mounts.sort(key=lambda mount: str(mount["destination"]).count("/"))


def _replace(entries: list[dict[str, Any]], key: str, entry: dict[str, Any]) -> None:
    """Add the entry, in place of one with the same key."""
    entries[:] = [other for other in entries if other[key] != entry[key]]
    entries.append(entry)


def completed(edits: Edits, look: Callable[[str], tuple[str, int, int]]) -> Edits:
    """The edits, in which nodes have what they leave out: `look` tells type and numbers of a device of the host."""
    nodes = []
    for node in edits.device_nodes:
        kind, major, minor = node.get("type") or "", node.get("major") or 0, node.get("minor") or 0
        if not kind or (kind != "p" and not major):
            kind, major, minor = look(node.get("hostPath") or node["path"])
        nodes.append({**node, "type": kind, "major": major, "minor": minor})
    return edits.replace(device_nodes=tuple(nodes))


def _add_node(linux: dict[str, Any], rules: list[dict[str, Any]], node: Mapping[str, Any]) -> None:
    made = {key: node[key] for key in ("path", "type", "major", "minor")}
    made.update((key, node[key]) for key in ("fileMode", "uid", "gid") if node.get(key) is not None)
    _replace(linux.setdefault("devices", []), "path", made)
    if node["type"] in ("b", "c"):
        access = node.get("permissions") or "rwm"
        numbers = {"major": node["major"], "minor": node["minor"]}
        rules.append({"allow": True, "type": node["type"], **numbers, "access": access})


def _bound(node: Mapping[str, Any]) -> dict[str, Any]:
    source = node.get("hostPath") or node["path"]
    options = ["slave", "nosuid", "noexec", "rw", "rbind"]
    return {"destination": node["path"], "type": "bind", "source": source, "options": options}


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    options = list(mount.get("options") or ())
    kind = mount.get("type") or "bind"
    if kind == "bind" and not {"bind", "rbind"}.intersection(options):
        options.append("bind")
    return {"destination": mount["containerPath"], "type": kind, "source": mount["hostPath"], "options": options}


def _hook(hook: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in ("path", "args", "env", "timeout"):
        if hook.get(key):
            yield key, hook[key]
