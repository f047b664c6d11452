"""A systemd unit for a container: one that starts and stops it, or that makes it anew at each start.

Pure: text from values.  systemd.unit(5), systemd.service(5); the shape is that of podman-generate-systemd(1).
"""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RESTART_POLICIES = ("no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always")
_STOP_RESERVE_S = 60  # what systemd waits for beyond the container's own time
_CIDFILE = "%t/%n.ctr-id"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-=+:,@%$")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
# Flags of the command that made the container, which the unit gives itself: alone, or with a value.
_OWN_BOOLS = ("--rm", "--replace", "--detach", "-d")
_OF_PODS = ("--pod", "--pod-id-file")
_OWN_VALUES = ("--cidfile", "--cgroups", "--conmon-pidfile", "--pidfile", "--restart", "--sdnotify")


class Wishes(Value):
    """What the user asks of the unit; times are in seconds, None where systemd's own counts."""

    header: tuple[str, ...] = ()
    prefix: str = "container"
    separator: str = "-"
    by_name: bool = False
    new: bool = False
    template: bool = False
    wants: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    restart: str = ""
    restart_s: int | None = None
    start_timeout_s: int | None = None
    stop_timeout_s: int | None = None


class Subject(Value):
    """The container, and how this program is called for its store."""

    id: str
    name: str
    program: tuple[str, ...]
    run_directory: str
    pidfile: str  # conmon's
    stop_timeout_s: int
    restart: str  # its own policy
    flags: tuple[str, ...]  # of the command that made it
    operands: tuple[str, ...]
    sdnotify: str
    pod: str = ""  # the unit of the pod that it is started with, without its suffix


def name(subject: Subject, wishes: Wishes) -> str:
    """The unit's name without its suffix."""
    own = subject.name if wishes.by_name else subject.id
    return wishes.separator.join(part for part in (wishes.prefix, own) if part)


def text(subject: Subject, wishes: Wishes) -> str:
    """The unit."""
    service = f"{name(subject, wishes)}.service"
    file = f"{name(subject, wishes)}@.service" if wishes.template else service
    stop_s = subject.stop_timeout_s if wishes.stop_timeout_s is None else wishes.stop_timeout_s
    return "\n".join(
        [
            f"# {file}",
            *(f"# {line}" for line in wishes.header),
            "",
            "[Unit]",
            f"Description=Argosy {service}{' for %I' if wishes.template else ''}",
            "Documentation=man:argosy-generate-systemd(1)",
            "Wants=network-online.target",
            "After=network-online.target",
            f"RequiresMountsFor={'%t/argosy' if wishes.new else quoted(subject.run_directory)}",
            *([f"BindsTo={subject.pod}.service", f"After={subject.pod}.service"] if subject.pod else ()),
            *dependencies(wishes),
            "",
            "[Service]",
            f"Environment=PODMAN_SYSTEMD_UNIT=%n{'-%i' if wishes.template else ''}",
            *(f"Environment={quoted(pair)}" for pair in wishes.environment),
            f"Restart={wishes.restart or _restart(subject.restart)}",
            *number("RestartSec", wishes.restart_s),
            *number("TimeoutStartSec", wishes.start_timeout_s),
            f"TimeoutStopSec={stop_s + _STOP_RESERVE_S}",
            *(_anew(subject, wishes, stop_s) if wishes.new else _as_it_is(subject, wishes, stop_s)),
            "",
            "[Install]",
            "WantedBy=default.target",
            "",
        ]
    )


def dependencies(wishes: Wishes) -> list[str]:
    kinds = (("Wants", wishes.wants), ("After", wishes.after), ("Requires", wishes.requires))
    found = [f"{kind}={' '.join(units)}" for kind, units in kinds if units]
    return ["", "# User-defined dependencies", *found] if found else []


def number(key: str, seconds: int | None) -> list[str]:
    return [] if seconds is None else [f"{key}={seconds}"]


def _restart(policy: str) -> str:
    """A container's policy in systemd's words."""
    return {"always": "always", "unless-stopped": "always"}.get(policy, "on-failure")


def _as_it_is(subject: Subject, wishes: Wishes, stop_s: int) -> list[str]:
    own = subject.name if wishes.by_name else subject.id
    stop = command(subject.program, "stop", "-t", str(stop_s), own)
    return [
        f"ExecStart={command(subject.program, 'start', own)}",
        f"ExecStop={stop}",
        f"ExecStopPost={stop}",
        f"PIDFile={subject.pidfile.replace('%', '%%')}",
        "Type=forking",
    ]


def _anew(subject: Subject, wishes: Wishes, stop_s: int) -> list[str]:
    notify = subject.sdnotify if subject.sdnotify not in ("", "ignore") else "conmon"
    made = [f"--cidfile={_CIDFILE}", "--cgroups=no-conmon", "--rm", f"--sdnotify={notify}", "-d", "--replace"]
    flags = others(subject.flags, _OWN_BOOLS, (*_OWN_VALUES, *(_OF_PODS if subject.pod else ())))
    if subject.pod:
        made.insert(3, f"--pod-id-file=%t/{subject.pod}.pod-id")
    if not _names(flags):
        made.remove("--replace")
    given = joined(map(word, [*(_numbered(flags) if wishes.template else flags), *subject.operands]))
    stop = command(subject.program, "stop", "--ignore", "-t", str(stop_s))
    remove = command(subject.program, "rm", "-f", "--ignore", "-t", str(stop_s))
    return [
        f"ExecStartPre=/bin/rm -f {_CIDFILE}",
        f"ExecStart={command(subject.program, 'run')} \\\n\t{joined(made)} \\\n\t{given}",
        f"ExecStop={stop} \\\n\t--cidfile={_CIDFILE}",
        f"ExecStopPost={remove} \\\n\t--cidfile={_CIDFILE}",
        "Type=notify",
        "NotifyAccess=all",
    ]


def others(flags: Sequence[str], bools: Sequence[str], values: Sequence[str]) -> list[str]:
    """The flags without those that the unit gives itself: alone, or with a value."""
    kept, skip = [], False
    for flag in flags:
        key, equals, _ = flag.partition("=")
        if skip:
            skip = False
        elif key in values:
            skip = not equals
        elif key not in bools:
            kept.append(flag)
    return kept


def _names(flags: Sequence[str]) -> bool:
    return any(flag == "--name" or flag.startswith("--name=") for flag in flags)


def _numbered(flags: Sequence[str]) -> list[str]:
    """A container of each instance of a template has a name of its own: "%i" stands for the instance."""
    found = list(flags)
    for at, flag in enumerate(flags):
        if flag.startswith("--name="):
            found[at] = f"{flag}-\0"
        elif flag == "--name" and at + 1 < len(flags):
            found[at + 1] = f"{flags[at + 1]}-\0"
    return found


def command(program: Iterable[str], *words: str) -> str:
    """A command line of ours."""
    return f"{' '.join(map(word, program))} {joined(map(word, words))}"


def joined(words: Iterable[str]) -> str:
    """Words of a command line, each flag on a line of its own."""
    text = ""
    for one in words:
        separator = " \\\n\t" if one.startswith("-") else " "
        text += f"{separator}{one}" if text else one
    return text


def word(text: str) -> str:
    """A word of a command as systemd reads it back: no specifier, no variable, no escape of its own."""
    return quoted(text.replace("$", "$$"))


def quoted(text: str) -> str:
    """A word of another setting, where a dollar is one."""
    found = text.replace("%", "%%").replace("\0", "%i")
    if found and _PLAIN.issuperset(found):
        return found
    return f'"{"".join(map(_escaped, found))}"'


def _escaped(char: str) -> str:
    """A character between double quotes, as systemd.syntax(7) has it: a carriage return as it is would end the line."""
    if char in _ESCAPES:
        return _ESCAPES[char]
    return f"\\x{ord(char):02x}" if ord(char) < 0x20 or ord(char) == 0x7F else char
