"""`run`: a program in a working container."""

from __future__ import annotations

import os

from argosy.cli.buildah import _containers, _mounts
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.build.containers.record import WorkingRecord
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.spec.options import ContainerOptions, Mount


class RunFlags(Value):
    """What was given on the command line; None where a flag was not."""

    operands: tuple[str, ...]
    add_history: bool
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    cgroupns: str | None
    contextdir: str | None
    env: tuple[str, ...]
    hostname: str | None
    ipc: str | None
    isolation: str | None
    mount: tuple[str, ...]
    network: tuple[str, ...]
    no_hosts: bool
    no_pivot: bool
    pid: str | None
    runtime: str | None
    runtime_flag: tuple[str, ...]
    terminal: bool | None
    user: str | None
    uts: str | None
    volume: tuple[str, ...]
    workingdir: str | None


def run(flags: RunFlags, engine: Engine, out: Output) -> int:
    """Run it to its end; its exit status is the command's."""
    if not flags.operands:
        raise ArgosyError(_containers.MISSING)
    name, *words = flags.operands
    runtime = flags.runtime or os.environ.get("BUILDAH_RUNTIME", "")
    no_pivot = flags.no_pivot or os.environ.get("BUILDAH_NOPIVOT", "") != ""
    build = engine.build(stdin=0, no_pivot=no_pivot, runtime=runtime, runtime_flags=flags.runtime_flag)
    containers = build.containers
    found = _containers.find(containers, name)
    if words[:1] == ["--"]:
        words = words[1:]
    if not words:
        raise ArgosyError("command must be specified")
    host_mounts, extra = _mounts.read(flags.mount, flags.contextdir or "")
    options = _options(flags, found, tuple(words), host_mounts)

    def configured(config: ContainerConfig) -> ContainerConfig:
        return config.replace(user=flags.user) if flags.user else config

    out.flush()
    status = containers.run(found.id, options, configured, extra)
    if status:
        raise ArgosyError(f"while running runtime: exit status {status}", exit_code=status)
    if _containers.tells_history(flags.add_history):
        _containers.tell(containers, found.id, f"/bin/sh -c {' '.join(words)}")
    return 0


def _options(
    flags: RunFlags, found: WorkingRecord, words: tuple[str, ...], mounts: tuple[Mount, ...]
) -> ContainerOptions:
    """Those of the container, with what was given for this one run over them."""
    from argosy.cli.podman import _build_isolation, _build_options
    from argosy.spec import parse

    options = _build_isolation.isolated(found.options, _build_isolation.wanted(flags.isolation, os.environ))
    given: dict[str, Any] = {}
    for key in ("ipc", "pid", "uts", "cgroupns"):
        text = getattr(flags, key)
        if text:
            given[key] = _build_options.namespace(text, key)
    if flags.network:
        given["network"] = parse.parse_network(flags.network)
    if flags.no_hosts:
        given["no_hosts"] = True
    added = (*mounts, *(_build_options.volume(text) for text in flags.volume))
    targets = {mount.target for mount in added}
    dropped = parse.parse_capabilities(flags.cap_drop)
    wanted = parse.parse_capabilities(flags.cap_add)
    return options.replace(
        **given,
        command=words,
        entrypoint=(),
        tty=os.isatty(0) if flags.terminal is None else flags.terminal,
        env=_build_options.pairs("env", flags.env, os.environ),
        hostname=flags.hostname or found.hostname,
        domainname=found.domainname,
        workdir=flags.workingdir or "",
        mounts=(*(mount for mount in options.mounts if mount.target not in targets), *added),
        cap_add=(*(name for name in options.cap_add if name not in dropped), *wanted),
        cap_drop=(*(name for name in options.cap_drop if name not in wanted), *dropped),
    )


COMMAND = Command(
    path="run",
    summary="Run a command inside of the working container",
    description=(
        "Runs a program in a working container, confined, limited and connected as `from` was told. What it changes "
        "stays in the container; its exit status is that of the command."
    ),
    usage="CONTAINER COMMAND [ARG...]",
    options=RunFlags,
    run=run,
    interspersed=False,
    flags=(
        _containers.ADD_HISTORY,
        Flag("cap-add", kind="csv", help="Add the specified capability"),
        Flag("cap-drop", kind="csv", help="Drop the specified capability"),
        Flag("cgroupns", kind="string", help="The cgroup namespace: private or host"),
        Flag("contextdir", kind="string", help="Directory in which the sources of bind mounts are"),
        Flag("env", short="e", kind="list", help="Add an environment variable for this run (name=value)"),
        Flag("hostname", kind="string", help="Set the hostname inside of the container"),
        Flag("ipc", kind="string", help="The IPC namespace: private, host, or the path of one"),
        Flag("isolation", kind="string", help="How it is isolated: oci, chroot, or rootless for oci without root"),
        Flag("mount", kind="list", help="Mount a bind, cache or tmpfs for this run (type=TYPE,target=DIR[,...])"),
        Flag("network", kind="list", aliases=("net",), help="Connect it to a network: none, host, private, ns:PATH"),
        Flag("no-hosts", help="Do not override the /etc/hosts file within the container"),
        Flag("no-pivot", help="Do not use pivot_root to enter the tree, which a ramdisk does not have"),
        Flag("pid", kind="string", help="The PID namespace: private, host, or the path of one"),
        Flag("runtime", kind="string", help="The OCI runtime, by name or path"),
        Flag("runtime-flag", kind="list", help="Add global flags for the runtime, without their dashes"),
        Flag(
            "terminal",
            short="t",
            kind="optbool",
            aliases=("tty",),
            help="Give it a terminal (as is done when standard input is one)",
        ),
        Flag("user", short="u", kind="string", help="The user and group to run the command as (user[:group])"),
        Flag("uts", kind="string", help="The UTS namespace: private, host, or the path of one"),
        Flag("volume", short="v", kind="list", help="Bind a directory of the host into the container for this run"),
        Flag("workingdir", kind="string", help="The working directory of the command"),
    ),
    examples=(
        "argosy run web -- apt-get install -y nginx",
        "argosy run --user 1000 web id",
        "argosy run --mount type=cache,target=/var/cache/apt web -- apt-get install -y nginx",
    ),
)
