"""The text of the rarer resource flags into the values of `spec.options`; see `spec.parse`."""

from __future__ import annotations

from argosy import numbers
from argosy.spec import parse
from argosy.spec.options import BadOption, DeviceRate, DeviceRule, DeviceWeight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_CPU = (1 << 16) - 1
_WEIGHTS = range(10, 1001)  # of block I/O: blkio.bfq.weight takes these
_CPU_PERIODS_US = range(1000, 1_000_001)
_CGROUPS = ("enabled", "disabled", "no-conmon", "split")


def parse_swappiness(number: int) -> int | None:
    """--memory-swappiness; None for -1, the kernel's default."""
    if not -1 <= number <= 100:
        raise BadOption(f"invalid value: {number}, valid memory swappiness range is 0-100")
    return None if number == -1 else number


def parse_oom_score_adj(number: int) -> int:
    """--oom-score-adj, within proc(5)'s bounds."""
    if not -1000 <= number <= 1000:
        raise BadOption(f"invalid value: {number}, valid oom-score-adj range is -1000 to 1000")
    return number


def parse_period(number: int) -> int:
    """--cpu-period; 0 is the default."""
    if number and number not in _CPU_PERIODS_US:
        raise BadOption("CPU cfs period cannot be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)")
    return number


def parse_quota(number: int) -> int:
    """--cpu-quota; 0 and -1 are no limit."""
    if 0 < number < 1000:
        raise BadOption("CPU cfs quota cannot be less than 1ms (i.e. 1000)")
    return max(number, 0)


def parse_cpuset(text: str, what: str) -> str:
    """--cpuset-cpus and --cpuset-mems (`what`: "cpus" or "mems"): a list of numbers and ranges."""
    try:
        cpuset(text)
    except ValueError:
        raise BadOption(f"invalid value {text} for cpuset {what}", hint="write numbers and ranges: 0-3,7") from None
    return text


def cpuset(text: str) -> set[int]:
    """The numbers that a list such as `0-3,7` names.  Raises ValueError."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        start = numbers.natural(first, _MAX_CPU)
        end = numbers.natural(last, _MAX_CPU) if dash else start
        if start > end:
            raise ValueError(text)
        found.update(range(start, end + 1))
    return found


def parse_blkio_weight(text: str) -> int:
    """--blkio-weight; 0 is none."""
    try:
        weight = numbers.natural(text)
    except ValueError as error:
        raise BadOption(f"invalid value for blkio-weight: {error}") from None
    if weight and weight not in _WEIGHTS:
        raise BadOption("range of blkio weight is from 10 to 1000", hint=f"--blkio-weight {text} is not")
    return weight


def parse_weight_device(text: str) -> DeviceWeight:
    """--blkio-weight-device: DEVICE:WEIGHT."""
    path, weight = _split_device(text)
    try:
        number = numbers.natural(weight)
    except ValueError:
        number = -1
    if number not in (0, *_WEIGHTS):
        raise BadOption(f"invalid weight for device: {text}", hint="a weight is a number from 10 to 1000")
    return DeviceWeight(path, number)


def parse_rate(text: str, flag: str) -> DeviceRate:
    """--device-read-bps and its like (`flag`): DEVICE:RATE, the rate of bytes with a unit."""
    path, number = _split_device(text)
    in_bytes = flag.endswith("bps")
    try:
        rate = parse.parse_size(number) if in_bytes else numbers.natural(number)
    except (BadOption, ValueError):
        form = "<device-path>:<number>"
        if in_bytes:
            form += "[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb"
        else:
            form += ". Number must be a positive integer"
        raise BadOption(f"invalid rate for device: {text}. The correct format is {form}") from None
    return DeviceRate(flag, path, rate)


def _split_device(text: str) -> tuple[str, str]:
    path, colon, value = text.partition(":")
    if not colon or not path or ":" in value:
        raise BadOption(f"bad format: {text}", hint="write DEVICE:VALUE")
    if not path.startswith("/dev/"):
        raise BadOption(f"bad format for device path: {text}", hint="write the device's path in /dev")
    return path, value


def parse_device_rule(text: str) -> DeviceRule:
    """--device-cgroup-rule: `TYPE MAJOR:MINOR ACCESS`, * for any number."""
    parts = text.split(" ")
    if len(parts) != 3:
        why = "invalid device cgroup rule requires type, major:Minor, and access rules"
        raise BadOption(f'{why}: "{text}"', hint='as in "c 89:* rwm"')
    kind, numbers, access = parts
    if kind not in ("a", "b", "c"):
        raise BadOption(f"invalid device type in device-access-add: {kind}", hint="a (all), b (block) or c (character)")
    if set(access) - set("rwm"):
        raise BadOption(f"invalid device access in device-access-add: {access}", hint='some of the letters in "rwm"')
    major, _, minor = numbers.partition(":")
    return DeviceRule(kind, _number(major), _number(minor or "*"), "".join(dict.fromkeys(access)))


def _number(text: str) -> int | None:
    if text == "*":
        return None
    try:
        return numbers.natural(text, (1 << 32) - 1)
    except ValueError as error:
        raise BadOption(str(error), hint="see --device-cgroup-rule") from None


def parse_cgroups(text: str) -> str:
    """--cgroups."""
    if text not in _CGROUPS:
        hint = f"use one of {', '.join(_CGROUPS)}"
        raise BadOption(f'running container create option: invalid cgroup mode "{text}": invalid argument', hint=hint)
    return text


def parse_cgroup_conf(items: Iterable[str]) -> dict[str, str]:
    """--cgroup-conf: FILE=VALUE.  The file is one of the container's own group."""
    found = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not name or not equals:
            raise BadOption("--cgroup-conf must be formatted KEY=VALUE", hint=f'"{item}" is not')
        if "/" in name or name in (".", ".."):
            raise BadOption(
                f'--cgroup-conf: "{name}" is no file of a control group', hint="as in memory.high=1073741824"
            )
        found[name] = value
    return found


def parse_gpus(text: str) -> tuple[str, ...]:
    """--gpus: names of CDI devices, `all` or numbers, with a comma between them."""
    from argosy.spec import cdi

    names = [f"nvidia.com/gpu={part.strip()}" for part in text.split(",")]
    for name in names:
        if not cdi.is_qualified(name):
            raise BadOption(f'invalid value "{text}" for --gpus', hint='"all", or numbers: 0,1')
    return tuple(names)
