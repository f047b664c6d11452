"""What an instruction makes of the image's configuration, as pure functions."""

from __future__ import annotations

import posixpath

from argosy.build.dockerfile import instructions as tree
from argosy.build.dockerfile.errors import DockerfileError
from argosy.errors import Invalid
from argosy.linux import signals
from argosy.oci.imageconfig import ContainerConfig, Healthcheck, port_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from argosy.build.dockerfile.instructions import Assignment, CommandLine, Instruction
    from argosy.build.dockerfile.scopes import Scope

DEFAULT_SHELL = ("/bin/sh", "-c")
DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def configured(config: ContainerConfig, instruction: Instruction, scope: Scope) -> ContainerConfig:
    """The configuration after an instruction that changes nothing but it.  Raises DockerfileError, without place."""
    for kind, change in _CHANGES.items():
        if isinstance(instruction, kind):
            return change(config, instruction, scope)
    return config


def with_env(config: ContainerConfig, pairs: Iterable[tuple[str, str]]) -> ContainerConfig:
    """A variable that is there keeps its place."""
    found = dict(entry.partition("=")[::2] for entry in config.env)
    found.update(pairs)
    return config.replace(env=tuple(f"{name}={value}" for name, value in found.items()))


def expanded(assignments: Iterable[Assignment], scope: Scope) -> list[tuple[str, str]]:
    """Names and values; all see the variables as they were before the instruction."""
    return [(scope.expand(one.name).text, scope.expand(one.value or "").text) for one in assignments]


def shell_words(config: ContainerConfig, command: CommandLine) -> tuple[str, ...]:
    """The words that are run: those that were given, or the shell's with the line behind them."""
    return (*(config.shell or DEFAULT_SHELL), *command.words) if command.shell_form else command.words


def directory(config: ContainerConfig, path: str) -> str:
    """An absolute path, seen from the working directory."""
    joined = posixpath.normpath(posixpath.join("/", config.working_dir, path))
    return "/" + joined.lstrip("/")


def _env(config: ContainerConfig, instruction: tree.Env, scope: Scope) -> ContainerConfig:
    pairs = expanded(instruction.assignments, scope)
    if any(not name for name, _ in pairs):
        raise DockerfileError("ENV names can not be blank")
    return with_env(config, pairs)


def _label(config: ContainerConfig, instruction: tree.Label, scope: Scope) -> ContainerConfig:
    return config.replace(labels={**config.labels, **dict(expanded(instruction.assignments, scope))})


def _workdir(config: ContainerConfig, instruction: tree.Workdir, scope: Scope) -> ContainerConfig:
    return config.replace(working_dir=directory(config, scope.expand(instruction.path).text))


def _user(config: ContainerConfig, instruction: tree.User, scope: Scope) -> ContainerConfig:
    return config.replace(user=scope.expand(instruction.user).text)


def _expose(config: ContainerConfig, instruction: tree.Expose, scope: Scope) -> ContainerConfig:
    ports = dict.fromkeys(config.exposed_ports)
    for word in (word for text in instruction.ports for word in scope.expand(text).words):
        port, _, protocol = word.rpartition(":")[2].partition("/")
        protocol = (protocol or "tcp").lower()
        why = port_fault(f"{port}/{protocol}")
        if why:
            raise DockerfileError(f"invalid containerPort: {word}: {why}")
        first, _, last = port.partition("-")
        ports.update(dict.fromkeys(f"{number}/{protocol}" for number in range(int(first), int(last or first) + 1)))
    return config.replace(exposed_ports=tuple(ports))


def _volume(config: ContainerConfig, instruction: tree.Volume, scope: Scope) -> ContainerConfig:
    paths = [scope.expand(path).text for path in instruction.paths]
    for path in paths:
        if not path.strip("/ "):
            raise DockerfileError(f"VOLUME {path or '(empty)'} is not a path below the root")
    return config.replace(volumes=tuple(dict.fromkeys((*config.volumes, *(directory(config, p) for p in paths)))))


def _cmd(config: ContainerConfig, instruction: tree.Cmd, _scope: Scope) -> ContainerConfig:
    return config.replace(cmd=shell_words(config, instruction.command) if instruction.command.words else ())


def _entrypoint(config: ContainerConfig, instruction: tree.Entrypoint, _scope: Scope) -> ContainerConfig:
    """A new entrypoint makes the base image's CMD void, but not one of this stage (see `Stage`)."""
    words = shell_words(config, instruction.command) if instruction.command.words else ()
    return config.replace(entrypoint=words)


def _shell(config: ContainerConfig, instruction: tree.Shell, _scope: Scope) -> ContainerConfig:
    return config.replace(shell=instruction.words)


def _stop_signal(config: ContainerConfig, instruction: tree.StopSignal, scope: Scope) -> ContainerConfig:
    text = scope.expand(instruction.signal).text
    try:
        signals.parse(text)
    except Invalid as error:
        raise DockerfileError(f"invalid signal {text}: {error.why}") from None
    return config.replace(stop_signal=text)


def _healthcheck(config: ContainerConfig, instruction: tree.Healthcheck, _scope: Scope) -> ContainerConfig:
    command = instruction.command
    if command is None:
        return config.replace(healthcheck=Healthcheck(("NONE",)))
    kind = "CMD-SHELL" if command.shell_form else "CMD"
    return config.replace(
        healthcheck=Healthcheck(
            (kind, *command.words),
            interval_ns=instruction.interval_ns,
            timeout_ns=instruction.timeout_ns,
            start_period_ns=instruction.start_period_ns,
            start_interval_ns=instruction.start_interval_ns,
            retries=instruction.retries,
        )
    )


def _on_build(config: ContainerConfig, instruction: tree.OnBuild, _scope: Scope) -> ContainerConfig:
    return config.replace(on_build=(*config.on_build, instruction.trigger))


_CHANGES: dict[type[Instruction], Callable[..., ContainerConfig]] = {
    tree.Env: _env,
    tree.Label: _label,
    tree.Workdir: _workdir,
    tree.User: _user,
    tree.Expose: _expose,
    tree.Volume: _volume,
    tree.Cmd: _cmd,
    tree.Entrypoint: _entrypoint,
    tree.Shell: _shell,
    tree.StopSignal: _stop_signal,
    tree.Healthcheck: _healthcheck,
    tree.OnBuild: _on_build,
}
