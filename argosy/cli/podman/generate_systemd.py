"""`generate systemd`: systemd units for containers and pods."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag, UsageError
from argosy.containers import unit
from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.containers.record import ContainerRecord
    from argosy.engine import Engine


class GenerateSystemdOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    after: tuple[str, ...]
    container_prefix: str
    env: tuple[str, ...]
    files: bool
    format: str | None
    name: bool
    new: bool
    no_header: bool
    pod_prefix: str
    requires: tuple[str, ...]
    restart_policy: str | None
    restart_sec: int | None
    separator: str
    start_timeout: int | None
    stop_timeout: int | None
    template: bool
    wants: tuple[str, ...]


def run(options: GenerateSystemdOptions, engine: Engine, out: Output) -> int:
    """Print the unit, or write it here and print its path."""
    if options.restart_policy is not None and options.restart_policy not in unit.RESTART_POLICIES:
        raise ArgosyError(
            f"{options.restart_policy} is not a valid restart policy", hint=f"{', '.join(unit.RESTART_POLICIES)}"
        )
    if options.format not in (None, "json"):
        raise UsageError(f'invalid --format option: "{options.format}": there is json')
    wishes = _wishes(options)
    texts = _units(options, engine, wishes)
    if options.files:
        texts = {name: _write(f"{name}{'@' if wishes.template else ''}.service", text) for name, text in texts.items()}
    if options.format:
        from argosy.cli.documents import indented

        out.line(indented(texts, 1))
        return 0
    for text in texts.values():
        out.write(f"{text}\n" if options.files else text)
    return 0


def _units(options: GenerateSystemdOptions, engine: Engine, wishes: unit.Wishes) -> dict[str, str]:
    """The units by their names: that of a container, or that of a pod and of its containers."""
    name = options.operands[0]
    try:
        container_id = engine.containers.find(name)
    except NotFound as error:
        try:
            pod_id = engine.store.pods.find(name)
        except NotFound:
            error.brief = f"{name} does not refer to a container or pod: {error.brief}"
            raise error from None
        from argosy.cli.podman import _systemd_pods

        return _systemd_pods.units(engine, pod_id, wishes, options.pod_prefix, lambda one: _subject(engine, one))
    subject = _subject(engine, container_id)
    if wishes.new and not subject.operands:
        raise ArgosyError(
            f"cannot use --new on container {container_id}: no create command found",
            hint="it was not made by a command line",
        )
    return {unit.name(subject, wishes): unit.text(subject, wishes)}


def _subject(engine: Engine, container_id: str) -> unit.Subject:
    record = engine.containers.record(container_id)
    options = record.options
    shown = engine.containers.inspect(container_id)
    stop_s = engine.conf.stop_timeout if options.stop_timeout_s is None else options.stop_timeout_s
    flags, operands = _made_by(record)
    return unit.Subject(
        id=container_id,
        name=shown["Name"].lstrip("/"),
        program=tuple(_program(engine)),
        run_directory=engine.store.run,
        pidfile=shown["ConmonPidFile"],
        stop_timeout_s=stop_s,
        restart=options.restart.name,
        flags=flags,
        operands=operands,
        sdnotify=options.sdnotify,
    )


def _program(engine: Engine) -> list[str]:
    """How this program is called for this store."""
    from argosy.linux import process

    return [*process.self_argv(), "--root", engine.store.root, "--runroot", engine.store.run]


def _made_by(record: ContainerRecord) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Flags and operands of the command line that made the container; none for one that a library made."""
    from argosy.cli import flags as grammar
    from argosy.cli import main
    from argosy.cli.podman.run import COMMAND

    words = record.options.create_command
    program = words[0] if words else ""
    globals_ = main.root_flags(program)
    rest = list(grammar.parse(globals_, words[1:], interspersed=False).operands)
    rest = rest[2 if rest[:1] == ["container"] else 1 :]
    operands = grammar.parse((*COMMAND.flags_of(program), *globals_), rest, interspersed=False).operands
    return tuple(rest[: len(rest) - len(operands)]), operands


def _wishes(options: GenerateSystemdOptions) -> unit.Wishes:
    given = (("prefix", options.container_prefix), ("prefix", options.pod_prefix), ("separator", options.separator))
    for what, text in given:
        if any(not (char.isalnum() or char in ":-_.\\@") for char in text):
            raise Invalid(what, text, "the name of a unit has letters, digits, and :-_.\\@ (systemd.unit(5))")
    for name in (*options.wants, *options.after, *options.requires):
        if not name or not name.isprintable() or " " in name:
            raise Invalid("dependency", name, "it is not the name of a unit (systemd.unit(5))")
    return unit.Wishes(
        header=() if options.no_header else _header(),
        prefix=options.container_prefix,
        separator=options.separator,
        by_name=options.name,
        new=options.new or options.template,
        template=options.template,
        wants=options.wants,
        after=options.after,
        requires=options.requires,
        environment=tuple(f"{key}={value}" for key, value in _environment(options.env).items()),
        restart=options.restart_policy or "",
        restart_s=options.restart_sec,
        start_timeout_s=options.start_timeout,
        stop_timeout_s=options.stop_timeout,
    )


def _header() -> tuple[str, ...]:
    import time

    from argosy.version import VERSION

    return f"autogenerated by Argosy {VERSION}", time.strftime("%a %b %e %H:%M:%S %Z %Y")


def _environment(given: tuple[str, ...]) -> dict[str, str]:
    from argosy.cli.podman import _container_flags

    return dict(_container_flags.environment(given, ()))


def _write(name: str, text: str) -> str:
    from argosy.linux import files

    path = os.path.join(os.getcwd(), name)
    try:
        files.write_named(path, text.encode())
    except OSError as error:
        raise ArgosyError(f"cannot write {path}", details=str(error.strerror)) from error
    return path


COMMAND = Command(
    path="generate systemd",
    summary="Generate systemd units",
    description=(
        "Prints a systemd unit that starts and stops a container, or with --new one that makes it anew at each start, "
        "by the command line that made it. With --template the unit has instances, each with a container of its own. "
        "Of a pod there is a unit, and one for each of its containers, bound to it."
    ),
    usage="{CONTAINER|POD}",
    options=GenerateSystemdOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        Flag("after", kind="list", help="Add dependencies order to the generated unit file"),
        Flag("container-prefix", kind="string", default="container", help="Systemd unit name prefix for containers"),
        Flag("env", short="e", kind="list", help="Set environment variables to the systemd unit files"),
        Flag("files", short="f", help="Generate .service files instead of printing to stdout"),
        Flag("format", kind="string", help="Print the created units in specified format (json)"),
        Flag("name", short="n", help="Use container names instead of IDs"),
        Flag("new", help="Create a new container instead of starting an existing one"),
        Flag("no-header", help="Skip header generation"),
        Flag("pod-prefix", kind="string", default="pod", help="Systemd unit name prefix for pods"),
        Flag("requires", kind="list", help="Similar to wants, but declares stronger requirement dependencies"),
        Flag("restart-policy", kind="string", help="Systemd restart-policy"),
        Flag("restart-sec", kind="uint", help="Systemd restart-sec"),
        Flag("separator", kind="string", default="-", help="Systemd unit name separator between name/id and prefix"),
        Flag("start-timeout", kind="uint", help="Start timeout override"),
        Flag("stop-timeout", kind="uint", help="Stop timeout override"),
        Flag("template", help="Make it a template file and use %i and %I specifiers"),
        Flag("wants", kind="list", help="Add (weak) requirement dependencies to the generated unit file"),
    ),
    examples=(
        "argosy generate systemd --new --name web",
        "argosy generate systemd --files --restart-policy always web",
    ),
)
