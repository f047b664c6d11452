"""`generate systemd` of a pod: its unit, and those of its containers."""

from __future__ import annotations

from argosy.containers import unit
from argosy.errors import ArgosyError
from argosy.pods import listing
from argosy.pods import unit as pod_unit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.containers.unit import Wishes
    from argosy.engine import Engine


def units(
    engine: Engine, pod_id: str, wishes: Wishes, prefix: str, subject_of: Callable[[str], unit.Subject]
) -> dict[str, str]:
    """The units by their names, the pod's first.  Raises ArgosyError, in podman's words, where there can be none."""
    view = listing.view(engine.site, pod_id)
    pod = view.record
    if wishes.template:
        raise ArgosyError("--template is not supported for pods")
    if view.infra is None:
        raise ArgosyError(f'generating systemd unit files: Pod "{pod.name}" has no infra container')
    infra = subject_of(view.infra.id)
    service = wishes.separator.join(part for part in (prefix, pod.name if wishes.by_name else pod.id) if part)
    flags, operands = _made_by(pod.options.create_command) if wishes.new else ((), ())
    subject = pod_unit.Subject(
        service=service,
        infra=infra.name if wishes.by_name else infra.id,
        program=infra.program,
        run_directory=infra.run_directory,
        pidfile=infra.pidfile,
        stop_timeout_s=engine.conf.stop_timeout,
        flags=flags,
        operands=operands,
    )
    members = [subject_of(one.id).replace(pod=service) for one in sorted(view.members, key=lambda one: one.created_at)]
    lacking = [member.id for member in members if wishes.new and not member.operands]
    if lacking:
        raise ArgosyError(
            f"cannot use --new on container {lacking[0]}: no create command found",
            hint="it was not made by a command line",
        )
    names = [unit.name(member, wishes) for member in members]
    texts = [unit.text(member, wishes) for member in members]
    return {service: pod_unit.text(subject, wishes, names), **dict(zip(names, texts, strict=True))}


def _made_by(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Flags and operands of the `pod create` that made the pod; none for one that was made for a container."""
    from argosy.cli import flags as grammar
    from argosy.cli import main
    from argosy.cli.podman.pod_create import COMMAND

    program = words[0] if words else ""
    globals_ = main.root_flags(program)
    rest = list(grammar.parse(globals_, words[1:], interspersed=False).operands)
    if rest[:2] != ["pod", "create"]:
        raise ArgosyError(
            "the pod was not made by `pod create`, of which a unit could be made", hint="leave out --new, or clone it"
        )
    operands = grammar.parse((*COMMAND.flags_of(program), *globals_), rest[2:], interspersed=False).operands
    return tuple(rest[2 : len(rest) - len(operands)]), operands
