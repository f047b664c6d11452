"""The text of the rarer flags about a container's process, into values: pure, as `spec.parse` is, in podman's words."""

from __future__ import annotations

from argosy.spec.generate import KEEP_GROUPS
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LOG_DRIVERS = ("k8s-file", "json-file", "journald", "none", "passthrough")
_CREATE = "running container create option"  # how podman begins what its engine, and not its command line, finds
_LONGEST_NUMBER = 40  # characters
_LOG_OPTIONS = ("path", "max-size", "tag")
# What drivers of docker take as well: conmon keeps one file,
LOG_OPTIONS_OF_DOCKER = frozenset(("compress", "max-buffer-size", "max-file", "mode"))
# and writes nothing but the output in it: these are for `docker logs --details`.
_DETAILS = ("env", "env-regex", "labels", "labels-regex")
_PLATFORM_PART = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_PERSONALITIES = ("LINUX", "LINUX32")
_LONGEST_TIMEOUT_S = 2**31 - 1


def parse_umask(text: str) -> str:
    """--umask: up to four octal digits."""
    if not 1 <= len(text) <= 4 or set(text) - set("01234567"):
        raise BadOption(
            f"{_CREATE}: invalid umask string {text}: invalid argument", hint="write an octal number such as 0022"
        )
    return text


def parse_personality(text: str) -> str:
    """--personality: what personality(2) calls PER_LINUX and PER_LINUX32."""
    if text not in _PERSONALITIES:
        raise BadOption(f"unknown persona specified `{text}`", hint=f"use {' or '.join(_PERSONALITIES)}")
    return text


def parse_seccomp_policy(text: str) -> str:
    """--seccomp-policy."""
    if text not in ("default", "image"):
        raise BadOption(f'invalid seccomp policy "{text}": valid policies are ["default" "image"]')
    return text


def parse_sdnotify(text: str) -> str:
    """--sdnotify."""
    if text not in ("container", "conmon", "ignore"):
        raise BadOption(
            "invalid config provided: invalid argument: "
            f'invalid sdnotify value "{text}": must be container, conmon or ignore'
        )
    return text


def parse_systemd(text: str) -> str:
    """--systemd, in any case."""
    if text.lower() not in ("true", "false", "always"):
        raise BadOption(
            'invalid config provided: --systemd values must be one of "true, false, always": invalid configuration'
        )
    return text.lower()


def parse_groups(items: Iterable[str]) -> tuple[str, ...]:
    """--group-add: names and ids; `keep-groups` stands alone."""
    groups = tuple(dict.fromkeys(item for item in items if item))
    if KEEP_GROUPS in groups and len(groups) > 1:
        raise BadOption("the '--group-add keep-groups' option is not allowed with any other --group-add options")
    return groups


def parse_attach(items: Iterable[str]) -> frozenset[str]:
    """--attach: the streams that are named, in lower case."""
    wanted = frozenset(text.lower() for text in items)
    unknown = wanted - {"stdin", "stdout", "stderr"}
    if unknown:
        raise BadOption(
            f'invalid stream "{min(unknown)}" for --attach - must be one of stdin, stdout, or stderr: invalid argument'
        )
    return wanted


def parse_log_driver(text: str) -> str:
    """--log-driver."""
    if text not in LOG_DRIVERS:
        raise BadOption(
            f"{_CREATE}: invalid log driver: invalid argument", hint=f"the drivers are {', '.join(LOG_DRIVERS)}"
        )
    return text


def parse_timeout(seconds: int) -> int:
    """--timeout: as far as conmon counts."""
    if seconds > _LONGEST_TIMEOUT_S:
        raise BadOption(f"--timeout {seconds}: at most {_LONGEST_TIMEOUT_S} seconds can be waited for")
    return seconds


def parse_log_options(items: Iterable[str], directory: str = "/") -> dict[str, str]:
    """--log-opt: path (made absolute from `directory`), max-size and tag.

    podman takes any other name and does nothing with it.  Here those that docker knows are left out, for the caller to
    say so, and the rest are an error.
    """
    found = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals:
            raise BadOption(f'invalid log option "{item}"', hint="write NAME=VALUE")
        if name in LOG_OPTIONS_OF_DOCKER:
            continue
        if name not in (*_LOG_OPTIONS, *_DETAILS):
            raise BadOption(f'invalid log option "{item}"', hint=f"the names are {', '.join(_LOG_OPTIONS)}")
        if name == "max-size":
            parse_log_size(value)
        if name == "tag":
            tag_parts(value)
        if name == "path" and value[:1] != "/":
            value = f"{directory.rstrip('/')}/{value}"
        if name == "path" and ":" in value.rpartition("/")[2]:
            raise BadOption(f'invalid log option "{item}"', hint="the name of a log file cannot hold a colon")
        found[name] = value
    return found


def parse_log_size(text: str) -> int:
    """The max-size of --log-opt in bytes; its units are powers of a thousand."""
    number = text.lower().removesuffix("b").removesuffix("i")
    power = "kmgtp".find(number[-1:]) + 1 if number else 0
    try:
        digits = (number[:-1] if power else number).removesuffix(" ")
        if not set(digits) <= set("0123456789.") or len(digits) > _LONGEST_NUMBER:
            raise ValueError
        return int(float(digits) * 1000**power)
    except ValueError:
        hint = "write a number and, behind it, one of the units b, k, m, g, t: 10m"
        raise BadOption(f"invalid size: '{text}'", hint=hint) from None


def tag_parts(tag: str) -> list[tuple[str, bool]]:
    """The tag of --log-opt in pieces: text, and fields written as {{.Name}} (True).  Raises BadOption."""
    parts = []
    rest = tag
    while "{{" in rest:
        text, _, rest = rest.partition("{{")
        field, end, rest = rest.partition("}}")
        name = field.strip()
        if not end or name[:1] != "." or not all(part.isalnum() for part in name[1:].split(".")):
            raise BadOption(f'invalid log option "tag={tag}"', hint="a field is written as {{.Name}}")
        parts += [(text, False), (name[1:], True)]
    return [*parts, (rest, False)]


def parse_env_merge(items: Iterable[str]) -> tuple[str, ...]:
    """--env-merge: NAME=VALUE, the value's references still to be expanded."""
    found = tuple(items)
    for item in found:
        name, equals, _ = item.partition("=")
        if not name or not equals:
            raise BadOption(f'invalid --env-merge "{item}"', hint="write NAME=VALUE, as in PATH=${PATH}:/opt/bin")
    return found


def parse_label_file(data: bytes) -> dict[str, str]:
    """--label-file: a line is a comment (#), empty, or a --label argument."""
    what = "unable to process labels"
    found = {}
    for raw in data.split(b"\n"):
        try:
            line = raw.decode().lstrip().removesuffix("\r")
        except UnicodeDecodeError:
            raise BadOption(f"{what}: not UTF-8") from None
        if not line or line[0] == "#":
            continue
        key, _, value = line.partition("=")
        if not key:
            raise BadOption(f'{what}: invalid environment variable: "{line}"', hint="write KEY=VALUE")
        if any(character.isspace() for character in key):
            raise BadOption(f'{what}: name "{key}" has white spaces, poorly formatted name')
        found[key] = value
    return found


def parse_chroot_dirs(items: Iterable[str]) -> tuple[str, ...]:
    """--chrootdirs: absolute directories inside the container."""
    found = []
    for item in items:
        parts = [part for part in item.split("/") if part not in ("", ".")]
        if item[:1] != "/" or ".." in parts or not parts:
            raise BadOption(f'invalid --chrootdirs "{item}"', hint="name a directory inside by its absolute path")
        found.append("/" + "/".join(parts))
    return tuple(dict.fromkeys(found))


def check_platform(platform: str | None, arch: str | None, system: str | None, variant: str | None) -> None:
    """Raise BadOption where --platform comes together with the flags that say the same in parts."""
    if platform and (arch or system):
        raise BadOption("--platform option can not be specified with --arch or --os")
    if platform and variant and platform.count("/") > 1:
        raise BadOption("--variant cannot be given when --platform names a variant as well")
    for part in (arch, system, variant):
        if part and not _PLATFORM_PART.issuperset(part):
            why = f'"{part}" is an invalid component: platform specifier component must match "^[A-Za-z0-9_-]+$"'
            raise BadOption(f"parsing host platform: {why}: invalid argument")
