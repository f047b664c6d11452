"""Running one more process in a running container.

The process is the container's own, as its config.json has it, with what the caller asked for in place of it: so limits,
labels, masks and the capability bounds are those of the container, whatever has changed since it was started.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.containers import accounts, happened, state
from argosy.containers import record as records
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files
from argosy.records import shelf
from argosy.runtime import exec as runtime_exec
from argosy.runtime import executable
from argosy.runtime.oci_runtime import OciRuntime
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    from argosy.containers.site import Site

    Result = TypeVar("Result", int, str)

_DEATH_S = 0.5  # at most, from the kill of a container's processes until the first of them begins to end
NO_ENV: Mapping[str, str] = {}


class ExecOptions(Value):
    """What to run.  `env` is added to the container's; `user` and `workdir` replace its own unless empty.

    `stdin`, `stdout` and `stderr` are the caller's descriptors, None where a stream is not connected.
    """

    command: tuple[str, ...]
    env: Mapping[str, str] = NO_ENV
    user: str = ""
    workdir: str = ""
    tty: bool = False
    privileged: bool = False
    preserve_fds: int = 0
    stdin: int | None = None
    stdout: int | None = 1
    stderr: int | None = 2
    detach_keys: str = ""


def execute(site: Site, container_id: str, options: ExecOptions) -> int:
    """Run the process and stay with it: its exit status, 0 when the user detached.

    Raises ArgosyError when the container does not run, or ends before the process has begun; with exit status 126 or
    127 when the program cannot be run.
    """
    return _in_running(site, container_id, options, _execute)


def execute_detached(site: Site, container_id: str, options: ExecOptions) -> str:
    """Start the process and leave it alone: the id of its session.  Raises as `execute` does."""
    return _in_running(site, container_id, options, _execute_detached)


def _in_running(
    site: Site, container_id: str, options: ExecOptions, execute: Callable[[Site, str, ExecOptions], Result]
) -> Result:
    """What `execute` gives.  Whatever it runs into because the container ends under its hands is said as just that."""
    run = state.derive(site, container_id)
    if run.status != state.RUNNING:
        records.read_text(site.store, container_id)  # NotFound comes first
        raise _not_running(container_id, f"is {run.status}")
    if not options.command or not options.command[0]:
        raise ArgosyError("must provide a non-empty command to start an exec session: invalid argument")
    try:
        return execute(site, container_id, options)
    except (ArgosyError, FileNotFoundError) as error:
        if _has_ended(site, container_id, error):
            raise _not_running(container_id, "has ended meanwhile") from error
        raise


def _execute(site: Site, container_id: str, options: ExecOptions) -> int:
    request = runtime_exec.ExecRequest(
        runtime=runtime_of(site, container_id),
        id=container_id,
        process=jsontext.encode(process_of(site, container_id, options)),
        program=options.command[0],
        tty=options.tty,
        stdin=options.stdin,
        stdout=options.stdout,
        stderr=options.stderr,
        detach_keys=options.detach_keys,
        preserve_fds=options.preserve_fds,
        directory=site.run_directory(container_id),
    )
    happened.tell_of(site, container_id, "exec")
    code = runtime_exec.run(request)
    happened.tell_of(site, container_id, "exec_died", exit_code=code)
    return code


def _execute_detached(site: Site, container_id: str, options: ExecOptions) -> str:
    from argosy.containers import groups as cgroups
    from argosy.containers import prepare
    from argosy.runtime import conmon

    process = process_of(site, container_id, options)
    runtime = runtime_of(site, container_id)
    groups = cgroups.detect(site)
    exec_id = os.urandom(32).hex()
    directory = f"{site.run_directory(container_id)}/exec-{exec_id[:12]}"
    os.mkdir(directory, 0o700)
    files.write_atomic(f"{directory}/process.json", jsontext.encode(process))
    request = conmon.ExecRequest(
        program=prepare.conmon_program(site),
        id=container_id,
        exec_id=exec_id,
        runtime=runtime,
        directory=directory,
        process_path=f"{directory}/process.json",
        pidfile=f"{directory}/pid",
        conmon_pidfile=f"{directory}/conmon.pid",
        tty=options.tty,
        stdin=options.stdin is not None,
        preserve_fds=options.preserve_fds,
        exit_command=("/bin/rm", "-rf", directory),
        cgroup_paths=cgroups.conmon_group(groups, runtime.cgroup_manager),
        scope=cgroups.conmon_scope(groups, runtime.cgroup_manager, exec_id),
        env=site.conf.conmon_env_vars,
    )
    try:
        conmon.exec_detached(request)
    except BaseException:
        files.remove_tree(directory)
        raise
    happened.tell_of(site, container_id, "exec")
    return exec_id


def cleanup_session(site: Site, container_id: str, session: str) -> None:
    """Remove what a detached session that has ended left; its own exit command may have been killed.

    Raises NotFound when there is no such session, ArgosyError when it runs.
    """
    from argosy.linux import process
    from argosy.runtime import conmon

    directory = f"{site.run_directory(container_id)}/exec-{session[:12]}"
    if len(session) < 12 or not session.isalnum() or not os.path.isdir(directory):
        error = NotFound("exec session", session)
        error.brief = f"container {container_id} has no exec session with ID {session}: no such exec session"
        raise error
    if any(process.start_time(conmon.read_pid(f"{directory}/{name}") or 0) for name in ("pid", "conmon.pid")):
        raise ArgosyError(
            f"cannot clean up container {container_id} exec session {session} as it is running: "
            "container state improper"
        )
    files.remove_tree(directory)


def runtime_of(site: Site, container_id: str) -> OciRuntime:
    """The runtime that made the container, whichever would be chosen now."""
    text = shelf.read_sealed(f"{site.run_directory(container_id)}/{records.PREPARED}", records.PREPARED)
    plan = jsontext.decode(text, records.PREPARED)
    runtime = OciRuntime.from_json(plan["runtime"])
    if plan.get("entrance") and not runtime.is_crun:
        from argosy.containers import entrance

        entrance.restore(plan["entrance"])
    return runtime


def process_of(site: Site, container_id: str, options: ExecOptions) -> dict[str, Any]:
    config = records.read_bundle(site.run_directory(container_id))
    process: dict[str, Any] = dict(config["process"])
    process["args"] = list(options.command)
    process["terminal"] = options.tty
    process.pop("consoleSize", None)
    if options.workdir:
        from argosy.spec import generate

        process["cwd"] = generate.working_directory(options.workdir)
    process["env"] = _environment(process["env"], options)
    if options.user:
        _become(site, container_id, process, options)
    if options.privileged:
        _privilege(process)
    merged = f"{site.state_directory(container_id)}/merged"
    executable.check(merged, process, config["mounts"], os.uname().machine)
    return process


def _has_ended(site: Site, container_id: str, error: ArgosyError | FileNotFoundError) -> bool:
    """Whether the container ended under what failed.  One that is being killed is given time to go."""
    import time

    from argosy.linux import procfs

    run = state.derive(site, container_id)
    if run.status != state.RUNNING:
        return True
    unclear = not isinstance(error, ArgosyError) or error.exit_code == ArgosyError.default_exit_code
    deadline = time.monotonic() + _DEATH_S
    while unclear and time.monotonic() < deadline:
        if procfs.is_exiting(run.pid):
            return True
        time.sleep(0.005)
    return False


def _not_running(container_id: str, what: str) -> ArgosyError:
    return ArgosyError(
        "can only create exec sessions on running containers: container state improper",
        details=f"container {container_id[:12]} {what}",
    )


def _environment(before: list[str], options: ExecOptions) -> list[str]:
    """The container's environment with the caller's in place of it; TERM belongs to a terminal."""
    env = dict(entry.partition("=")[::2] for entry in before)
    if options.tty:
        env.setdefault("TERM", "xterm")
    env.update(options.env)
    return [f"{name}={value}" for name, value in env.items()]


def _become(site: Site, container_id: str, process: dict[str, Any], options: ExecOptions) -> None:
    """Another user: ids and groups from the container's own account files, and its HOME."""
    from argosy.spec import users

    tree, ours = f"{site.state_directory(container_id)}/merged", site.run_directory(container_id)
    passwd, group = accounts.of_running(tree, ours)
    try:
        user = users.resolve(options.user, passwd, group)
    except ArgosyError as error:
        error.exit_code = ArgosyError.default_exit_code  # no session came about; `run` gives 126
        raise
    ids = {"uid": user.uid, "gid": user.gid, "additionalGids": list(user.additional_gids)}
    process["user"] = {**process["user"], **ids}
    if "HOME" not in options.env:
        process["env"] = [entry for entry in process["env"] if not entry.startswith("HOME=")] + [f"HOME={user.home}"]
    bounding = (process.get("capabilities") or {}).get("bounding", [])
    process["capabilities"] = {"bounding": bounding}
    if user.uid == 0:
        process["capabilities"].update(effective=bounding, permitted=bounding)


def _privilege(process: dict[str, Any]) -> None:
    """All the capabilities that this process may hand out; an unprivileged user gets them as a bound only."""
    from argosy.linux import host
    from argosy.spec import security

    names = list(security.capability_names(host.bounding_capabilities()))
    root = process["user"]["uid"] == 0
    process["capabilities"] = {
        "bounding": names,
        **({"effective": names, "permitted": names} if root else {}),
    }
    process["noNewPrivileges"] = False
