"""`exec`: one more process in a running container."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


# podman's status when the container is there, but no session in it came about; a detached one fails with 125 alone.
_NO_SESSION = 255


class ExecOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    detach: bool
    detach_keys: str | None
    env: tuple[str, ...]
    env_file: tuple[str, ...]
    interactive: bool
    latest: bool
    preserve_fds: int
    privileged: bool
    tty: bool
    user: str | None
    workdir: str | None


def run(options: ExecOptions, engine: Engine, out: Output) -> int:
    """Run the process; the exit status is its own.  Detached, the id of its session is printed."""
    from argosy.containers import exec as execs

    if not options.operands and not options.latest:
        raise ArgosyError("exec requires the name or ID of a container or the --latest flag")
    if options.preserve_fds:
        from argosy.cli.podman import _container_process

        _container_process.check_descriptors(options.preserve_fds)
    env = {}
    if options.env or options.env_file:
        from argosy.cli.podman import _container_flags

        env = _container_flags.environment(options.env, options.env_file)
    wanted = execs.ExecOptions(
        command=options.operands if options.latest else options.operands[1:],
        env=env,
        user=options.user or "",
        workdir=options.workdir or "",
        tty=options.tty,
        privileged=options.privileged,
        preserve_fds=options.preserve_fds,
        stdin=0 if options.interactive else None,
        detach_keys=engine.conf.detach_keys if options.detach_keys is None else options.detach_keys,
    )
    try:
        container_id = _newest(engine) if options.latest else engine.containers.find(options.operands[0])
    except NotFound:
        from argosy.cli.podman import _each

        raise _each.no_such_container(options.operands[0]) from None
    try:
        if options.detach:
            session = engine.containers.execute_detached(container_id, wanted)
            if out.program != "docker":
                out.line(session)
            return 0
        return engine.containers.execute(container_id, wanted)
    except ArgosyError as error:
        if options.detach:
            error.exit_code = ArgosyError.default_exit_code
        elif error.exit_code == ArgosyError.default_exit_code:
            error.exit_code = _NO_SESSION
        raise


def _newest(engine: Engine) -> str:
    from argosy.cli.podman import _each

    return _each.newest(engine)


COMMAND = Command(
    path="exec",
    summary="Run a process in a running container",
    description="Runs a process in a running container, with the container's environment, limits and capabilities.",
    options=ExecOptions,
    run=run,
    usage="CONTAINER COMMAND [ARG...]",
    flags=(
        Flag("detach", short="d", help="Run the exec session in detached mode (backgrounded)"),
        Flag("detach-keys", kind="string", help="Select the key sequence for detaching a container"),
        Flag("env", short="e", kind="list", help="Set environment variables"),
        Flag("env-file", kind="list", help="Read in a file of environment variables"),
        Flag("interactive", short="i", help="Make STDIN available to the contained process"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("preserve-fds", kind="uint", default=0, help="Pass N additional file descriptors to the container"),
        Flag("privileged", help="Give the process extended Linux capabilities inside the container"),
        Flag("tty", short="t", help="Allocate a pseudo-TTY"),
        Flag(
            "user", short="u", kind="string", help="Sets the username or UID used and optionally the groupname or GID"
        ),
        Flag("workdir", short="w", kind="string", help="Working directory inside the container"),
    ),
    interspersed=False,
    examples=("argosy exec -it web sh", "argosy exec -e DEBUG=1 -u nobody web env"),
)
