"""The text of flags, one function for each kind of flag, into the values of `spec.options`.

Pure: what a flag refers to (a file, a device, the environment) is looked at elsewhere or handed in.  Every function
raises BadOption, which says in podman's words what is wrong with which value.  Mounts are read by `spec.mountflags` and
`spec.mountfields`, which are imported only when one is given.
"""

from __future__ import annotations

from argosy.oci.runtimespec import CAPABILITIES, RLIMITS
from argosy.spec.options import BadOption, Device, NamespaceMode, NetworkMode, RestartPolicy, SecurityOptions, Ulimit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from argosy.spec.options import Mount

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_MAX_SIZE = (1 << 63) - 1
_LONGEST_NUMBER = 40  # characters


def parse_size(text: str, what: str = "size") -> int:
    """Bytes for `64m`, `1.5g`, `512kb`, `1GiB` or a plain number; `what` is the flag's name."""
    lowered = text.lower()
    number = lowered.rstrip("bkmgtpi")
    unit = lowered[len(number) :]
    number = number.removesuffix(" ")
    if unit[1:] in ("b", "ib"):
        unit = unit[0]
    try:
        if unit not in _UNITS or not set(number) <= set("0123456789.") or len(number) > _LONGEST_NUMBER:
            raise ValueError
        size = int(number) * _UNITS[unit] if number.isdecimal() else int(float(number) * _UNITS[unit])
        if size > _MAX_SIZE:
            raise ValueError
    except ValueError:
        hint = "write a number and, behind it, one of the units b, k, m, g, t: 512m"
        raise BadOption(f"invalid value for {what}: invalid size: '{text}'", hint=hint) from None
    return size


def parse_swap(text: str) -> int:
    """--memory-swap: a size, or -1 for as much as there is."""
    return -1 if text == "-1" else parse_size(text, "memory")


def parse_cpus(text: str) -> int:
    """--cpus: billionths of a CPU.  The kernel's smallest quota is a hundredth; 0 is no limit."""
    try:
        cpus = float(text) if text.isascii() and not text.isspace() and text == text.strip() else -1.0
    except ValueError:
        cpus = -1.0
    if not (cpus == 0 or 0.01 <= cpus < 1e6):
        hint = "write a number of CPUs such as 1.5; 0.01 is the least, 0 is no limit"
        raise BadOption(f'invalid argument "{text}" for "--cpus" flag', hint=hint)
    return round(cpus * 1_000_000_000)


def parse_pids_limit(text: str) -> int:
    """--pids-limit: 0 and -1 are no limit."""
    from argosy import numbers

    hint = "write a number, or -1 for no limit"
    try:
        limit = numbers.integer(text)
    except ValueError as error:
        raise BadOption(f'invalid argument "{text}" for "--pids-limit" flag: {error}', hint=hint) from None
    if limit < -1:
        raise BadOption(f'invalid argument "{text}" for "--pids-limit" flag', hint=hint)
    return max(limit, 0)


def parse_env(items: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """-e: `NAME=value`; `NAME` takes the value from `environ` and is left out when unset there; `NAME*` takes all."""
    found: dict[str, str] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if equals and not name:
            raise BadOption(f'invalid environment variable: "{item}"', hint="write NAME=value")
        if equals:
            found[name] = value
        elif name.endswith("*"):
            found.update({key: value for key, value in environ.items() if key.startswith(name[:-1])})
        elif name in environ:
            found[name] = environ[name]
    return found


def parse_env_file(data: bytes, path: str, environ: Mapping[str, str]) -> dict[str, str]:
    """--env-file: a line is a comment (#), empty, or an -e argument, its value taken as it stands (no quotes)."""
    found: dict[str, str] = {}
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        where = f'parsing env file "{path}"'
        try:
            line = raw.decode().lstrip().removesuffix("\r")
        except UnicodeDecodeError:
            raise BadOption(f"{where}: line {number} is not UTF-8") from None
        if "\0" in line:
            raise BadOption(f"{where}: line {number} holds a NUL character")
        if not line or line[0] == "#":
            continue
        try:
            found.update(parse_env([line], environ))
        except BadOption as error:
            raise BadOption(f"{where}: {error.why}", hint=f"write NAME=value in line {number}") from None
    return found


def parse_labels(items: Iterable[str]) -> dict[str, str]:
    """--label: `key=value` or `key`."""
    found = {}
    for item in items:
        key, _, value = item.partition("=")
        if not key:
            raise BadOption(f'unable to process labels: invalid label format: "{item}"', hint="write KEY=VALUE")
        found[key] = value
    return found


def parse_annotations(items: Iterable[str]) -> dict[str, str]:
    """--annotation: `key=value`.  Whether a key may be set is `security.check_annotations`' business."""
    found = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not key or not equals:
            raise BadOption("annotations must be formatted KEY=VALUE", hint=f'"{item}" is not')
        found[key] = value
    return found


def parse_volume(text: str, directory: str = "/") -> Mount:
    """-v; `directory` is where relative host paths start."""
    from argosy.spec import mountflags

    return mountflags.parse_volume(text, directory)


def parse_mount(text: str, directory: str = "/") -> Mount:
    """--mount."""
    from argosy.spec import mountfields

    return mountfields.parse_mount(text, directory)


def parse_tmpfs(text: str) -> Mount:
    """--tmpfs."""
    from argosy.spec import mountflags

    return mountflags.parse_tmpfs(text)


def parse_ulimit(text: str) -> Ulimit:
    """--ulimit: `name=soft[:hard]`, or `host`; -1 is unlimited."""
    if text == "host":
        return Ulimit("host")
    name, equals, values = text.partition("=")
    soft, colon, hard = values.partition(":")
    why = ""
    limits = (0, 0)
    if not equals:
        why = f"invalid ulimit argument: {text}"
    elif name not in RLIMITS:
        why = f"invalid ulimit type: {name}"
    elif ":" in hard:
        why = f"too many limit value arguments - {values}, can only have up to two, `soft[:hard]`"
    else:
        try:
            limits = (_limit(soft), _limit(hard if colon else soft))
        except ValueError as error:
            why = str(error)
        if not why and min(limits) < -1:
            why = "a limit is -1 (unlimited) or a number"
        if not why and limits[1] != -1 and not 0 <= limits[0] <= limits[1]:
            why = "ulimit soft limit must be less than or equal to hard limit: "
            why += f"{limits[0]} > {limits[1]}" if limits[0] >= 0 else f"soft: -1 (unlimited), hard: {limits[1]}"
    if why:
        hint = f"the names are {', '.join(RLIMITS)}" if "type" in why else "write it as in nofile=1024:2048"
        raise BadOption(f'ulimit option "{text}" requires name=SOFT:HARD, failed to be parsed: {why}', hint=hint)
    return Ulimit(name, *limits)


def _limit(text: str) -> int:
    """The usual form at once: those of containers.conf are read by each `run`."""
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdecimal() and len(digits) < 19:
        return int(text)
    from argosy import numbers

    return numbers.integer(text)


def parse_device(text: str) -> Device:
    """--device: `host[:container][:permissions]`."""
    source, *rest = text.split(":")
    target, permissions = source, "rwm"
    if len(rest) > 2 or not source:
        raise BadOption(
            f"invalid device specification: {text}", hint="write HOST-DEVICE[:CONTAINER-DEVICE][:PERMISSIONS]"
        )
    if source[0] != "/":
        raise BadOption(f"stat {source}: no such file or directory", hint="write the absolute path of a device")
    if len(rest) == 2:
        target, permissions = rest
    elif rest and rest[0][:1] == "/":
        target = rest[0]
    elif rest:
        permissions = rest[0]
    if not permissions or set(permissions) - set("rwm") or len(set(permissions)) != len(permissions):
        raise BadOption(f"invalid device mode: {permissions}", hint='the permissions are some of the letters in "rwm"')
    if target[:1] != "/":
        raise BadOption(
            f"invalid device specification: {text}", hint="write the place in the container as an absolute path"
        )
    return Device(source, target, permissions)


def parse_restart(text: str) -> RestartPolicy:
    """--restart: no, always, unless-stopped, on-failure[:retries]."""
    name, colon, count = text.partition(":")
    name = {"": "no", "never": "no"}.get(name, name)
    if name not in ("no", "always", "unless-stopped", "on-failure"):
        hint = "use one of no, on-failure[:retries], always, unless-stopped"
        why = f'"{text}" is not a valid restart policy: invalid argument'
        raise BadOption(f"running container create option: {why}", hint=hint)
    if not colon:
        return RestartPolicy(name)
    if name != "on-failure":
        raise BadOption("restart policy retries can only be specified with on-failure restart policy")
    from argosy import numbers

    try:
        return RestartPolicy(name, numbers.integer(count, 0, (1 << 31) - 1, "Atoi"))
    except ValueError as error:
        raise BadOption(f"parsing restart policy retry count: {error}") from None


def parse_network(items: Iterable[str]) -> NetworkMode | None:
    """--network; None when not given."""
    given = tuple(items)
    if not given:
        return None
    kind, colon, rest = given[0].partition(":")
    if kind not in _SINGLE_MODES:
        from argosy.spec import parsenetworks

        return parsenetworks.parse_networks(given)
    if len(given) > 1:
        raise BadOption(
            f"cannot set multiple networks without bridge network mode, selected mode {given[0]}: invalid argument",
            hint="give --network once",
        )
    if kind in ("host", "none") and not colon:
        return NetworkMode(kind)
    if kind in ("", "default", "private") and not colon:
        return NetworkMode("private")
    if kind in ("container", "ns") and rest:
        return NetworkMode(kind, target=rest)
    if kind in ("pasta", "slirp4netns"):
        return NetworkMode(kind, options=tuple(option for option in rest.split(",") if option))
    raise BadOption(f'invalid network mode "{given[0]}"', hint="use host, none, container:NAME or ns:PATH")


_SINGLE_MODES = ("", "default", "private", "host", "none", "container", "ns", "pasta", "slirp4netns")
_NAMESPACE_KINDS = {"ipc": ("private", "host", "shareable", "none")}


def parse_namespace(text: str, flag: str) -> NamespaceMode:
    """--pid, --ipc, --uts, --cgroupns; `flag` is the name without dashes."""
    kind, colon, target = text.partition(":")
    if kind in ("container", "ns") and target:
        return NamespaceMode(kind, target)
    if kind in ("container", "ns") and colon:
        mode = "path" if kind == "ns" else kind
        raise BadOption(f"invalid config provided: namespace mode {mode} requires a value", hint=f"see --{flag}")
    if text == "pod":
        why = "cannot use pod namespace as container is not joining a pod or pod has no infra container"
        raise BadOption(f"{why}: invalid argument", hint=f"see --{flag}")
    if not colon and kind in _NAMESPACE_KINDS.get(flag, ("private", "host")):
        return NamespaceMode(kind)
    hint = f"use {', '.join(_NAMESPACE_KINDS.get(flag, ('private', 'host')))}, container:NAME or ns:PATH"
    raise BadOption(f"unrecognized namespace mode {text} passed", hint=f"--{flag}: {hint}")


def parse_capabilities(items: Iterable[str]) -> tuple[str, ...]:
    """--cap-add, --cap-drop: names in any case, with CAP_ or without, or ALL."""
    found = []
    for item in items:
        name = item.upper()
        if name not in ("ALL", "CAP_ALL"):
            name = name if name.startswith("CAP_") else f"CAP_{name}"
            if name not in CAPABILITIES:
                raise BadOption(f'"{name}": unknown capability', hint="see capabilities(7) for the names")
        found.append("ALL" if name == "CAP_ALL" else name)
    return tuple(dict.fromkeys(found))


def parse_security(items: Iterable[str]) -> SecurityOptions:
    """--security-opt, all of them; `key=value`, docker's `key:value`, and the bare no-new-privileges."""
    fields: dict[str, Any] = {}
    for position, item in enumerate(items, 1):
        key, value = _split_security(item)
        if key in ("seccomp", "apparmor") and value:
            fields[key] = value
        elif key == "no-new-privileges" and value in ("", "true", "false"):
            fields["no_new_privileges"] = value != "false"
        elif key == "label" and value:
            fields["label"] = (*fields.get("label", ()), _label(item, value))
        elif key in ("mask", "unmask") and value:
            fields[key] = (*fields.get(key, ()), *_paths(item, value))
        elif key == "proc-opts" and value:
            fields["proc_options"] = (*fields.get("proc_options", ()), *value.split(","))
        elif (key, value) == ("systempaths", "unconfined"):
            fields["unmask"] = ("ALL",)
        else:
            hint = "the options are seccomp, apparmor, label, no-new-privileges, mask, unmask, proc-opts, systempaths"
            raise BadOption(f'invalid --security-opt {position}: "{item}"', hint=hint)
    return SecurityOptions(**fields)


def _split_security(item: str) -> tuple[str, str]:
    """The key and the value, at the first `=` or `:`."""
    ends = [end for end in (item.find("="), item.find(":")) if end >= 0]
    return (item[: min(ends)], item[min(ends) + 1 :]) if ends else (item, "")


def _label(item: str, value: str) -> str:
    if value in ("disable", "nested") or (
        value.split(":")[0] in ("user", "role", "type", "level", "filetype") and value.partition(":")[2]
    ):
        return value
    hint = "use label=disable, nested, user:U, role:R, type:T, level:L or filetype:T"
    raise BadOption(f'invalid --security-opt label: "{item}"', hint=hint)


def _paths(item: str, value: str) -> list[str]:
    """The colon-separated paths of mask and unmask."""
    paths = value.split(":")
    for path in paths:
        if path.upper() != "ALL" and path[:1] != "/":
            raise BadOption(f'invalid --security-opt "{item}": "{path}" is not an absolute path')
    return ["ALL" if path.upper() == "ALL" else path for path in paths]
