"""A systemd unit for a pod, which those of its containers are bound to (`containers.unit`).

Pure: text from values.  The shape is that of podman-generate-systemd(1): the unit starts and stops the infra container,
or makes the pod anew at each start.
"""

from __future__ import annotations

from argosy.containers import unit
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.containers.unit import Wishes

_STOP_RESERVE_S = 60  # what systemd waits for beyond the containers' own time
_OWN_BOOLS = ("--replace",)
_OWN_VALUES = ("--infra-conmon-pidfile", "--pod-id-file")


class Subject(Value):
    """The pod, and how this program is called for its store.  `infra` is the infra container's id, or its name."""

    service: str  # the unit's name without its suffix
    infra: str
    program: tuple[str, ...]
    run_directory: str
    pidfile: str  # of the infra container's conmon
    stop_timeout_s: int
    flags: tuple[str, ...]  # of the command that made it
    operands: tuple[str, ...]


def text(subject: Subject, wishes: Wishes, containers: Sequence[str]) -> str:
    """The unit; `containers` are the names of those of the pod's containers."""
    stop_s = subject.stop_timeout_s if wishes.stop_timeout_s is None else wishes.stop_timeout_s
    names = " ".join(f"{name}.service" for name in containers)
    return "\n".join(
        [
            f"# {subject.service}.service",
            *(f"# {line}" for line in wishes.header),
            "",
            "[Unit]",
            f"Description=Argosy {subject.service}.service",
            "Documentation=man:argosy-generate-systemd(1)",
            "Wants=network-online.target",
            "After=network-online.target",
            f"RequiresMountsFor={'%t/argosy' if wishes.new else unit.quoted(subject.run_directory)}",
            *([f"Wants={names}", f"Before={names}"] if containers else ()),
            *unit.dependencies(wishes),
            "",
            "[Service]",
            "Environment=PODMAN_SYSTEMD_UNIT=%n",
            *(f"Environment={unit.quoted(pair)}" for pair in wishes.environment),
            f"Restart={wishes.restart or 'on-failure'}",
            *unit.number("RestartSec", wishes.restart_s),
            *unit.number("TimeoutStartSec", wishes.start_timeout_s),
            f"TimeoutStopSec={stop_s + _STOP_RESERVE_S}",
            *(_anew(subject, stop_s) if wishes.new else _as_it_is(subject, stop_s)),
            "Type=forking",
            "",
            "[Install]",
            "WantedBy=default.target",
            "",
        ]
    )


def _as_it_is(subject: Subject, stop_s: int) -> list[str]:
    stop = unit.command(subject.program, "stop", "-t", str(stop_s), subject.infra)
    return [
        f"ExecStart={unit.command(subject.program, 'start', subject.infra)}",
        f"ExecStop={stop}",
        f"ExecStopPost={stop}",
        f"PIDFile={subject.pidfile.replace('%', '%%')}",
    ]


def _anew(subject: Subject, stop_s: int) -> list[str]:
    id_file, pidfile = f"%t/{subject.service}.pod-id", f"%t/{subject.service}.pid"
    flags = unit.others(subject.flags, _OWN_BOOLS, _OWN_VALUES)
    named = bool(subject.operands) or any(flag.partition("=")[0] in ("--name", "-n") for flag in flags)
    made = [f"--infra-conmon-pidfile={pidfile}", f"--pod-id-file={id_file}", "--exit-policy=stop"]
    made += ["--replace"] if named else []
    given = unit.joined([*made, *map(unit.word, (*flags, *subject.operands))])
    stop = unit.command(subject.program, "pod", "stop", "--ignore", "-t", str(stop_s))
    remove = unit.command(subject.program, "pod", "rm", "--ignore", "-f", "-t", str(stop_s))
    return [
        f"ExecStartPre=/bin/rm -f {pidfile} {id_file}",
        f"ExecStartPre={unit.command(subject.program, 'pod', 'create')} \\\n\t{given}",
        f"ExecStart={unit.command(subject.program, 'pod', 'start')} \\\n\t--pod-id-file={id_file}",
        f"ExecStop={stop} \\\n\t--pod-id-file={id_file}",
        f"ExecStopPost={remove} \\\n\t--pod-id-file={id_file}",
        f"PIDFile={pidfile}",
    ]
