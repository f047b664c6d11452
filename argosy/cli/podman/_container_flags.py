"""The flags that `run` and `create` share, and what they mean: one frozen ContainerOptions, and the image's pull."""

from __future__ import annotations

import os

from argosy.cli.flags import Flag
from argosy.errors import ArgosyError
from argosy.spec import parse
from argosy.spec.options import BadOption, ContainerOptions
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from argosy.engine import Engine
    from argosy.images.resolve import Resolved
    from argosy.oci.platform import Platform
    from argosy.spec.options import Mount

_FILE_LIMIT = 4 << 20

FLAGS = (
    Flag("annotation", kind="list", help="Add annotations to container (key=value)"),
    Flag("authfile", kind="string", help="Path of the authentication file"),
    Flag("cap-add", kind="csv", help="Add capabilities to the container"),
    Flag("cap-drop", kind="csv", help="Drop capabilities from the container"),
    Flag("cidfile", kind="string", help="Write the container ID to the file"),
    Flag("cpus", kind="string", help="Number of CPUs"),
    Flag("device", kind="list", help="Add a host device to the container"),
    Flag("entrypoint", kind="string", help="Overwrite the default ENTRYPOINT of the image"),
    Flag("env", short="e", kind="list", help="Set environment variables in container"),
    Flag("env-file", kind="list", help="Read in a file of environment variables"),
    Flag("hostname", short="h", kind="string", help="Set container hostname"),
    Flag("init", help="Run an init binary inside the container that forwards signals and reaps processes"),
    Flag("interactive", short="i", help="Keep STDIN open even if not attached"),
    Flag("label", short="l", kind="list", help="Set metadata on container"),
    Flag("memory", short="m", kind="string", help="Memory limit (<number>[<unit>], where unit = b, k, m, or g)"),
    Flag("mount", kind="list", help="Attach a filesystem mount to the container"),
    Flag("name", kind="string", help="Assign a name to the container"),
    Flag("network", kind="list", aliases=("net",), help="Connect a container to a network"),
    Flag("pidfile", kind="string", help="Write the container process ID to the file"),
    Flag("pids-limit", kind="string", help="Tune container pids limit (set -1 for unlimited)"),
    Flag("platform", kind="string", help="Specify the platform for selecting the image"),
    Flag("privileged", help="Give extended privileges to container"),
    Flag("pull", kind="string", help='Pull image policy ("always"|"missing"|"never"|"newer")'),
    Flag("quiet", short="q", help="Suppress output information when pulling images"),
    Flag("read-only", help="Make containers root filesystem read-only"),
    Flag("restart", kind="string", help="Restart policy to apply when a container exits"),
    Flag("rm", help="Remove container and any anonymous unnamed volume associated with it after exit"),
    Flag("security-opt", kind="list", help="Security Options"),
    Flag("shm-size", kind="string", help="Size of /dev/shm"),
    Flag("stop-signal", kind="string", help="Signal to stop a container"),
    Flag("stop-timeout", kind="uint", help="Timeout (in seconds) that containers stopped by user gracefully have"),
    Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when contacting registries"),
    Flag("tmpfs", kind="list", help="Mount a temporary filesystem (tmpfs) into a container"),
    Flag("tty", short="t", help="Allocate a pseudo-TTY for container"),
    Flag("ulimit", kind="list", help="Ulimit options"),
    Flag("user", short="u", kind="string", help="Username or UID (format: <name|uid>[:<group|gid>])"),
    Flag("volume", short="v", kind="list", help="Bind mount a volume into the container"),
    Flag("workdir", short="w", kind="string", help="Working directory inside the container"),
)


class CreateFlags(Value):
    """What the shared flags were given as; None where one was not."""

    operands: tuple[str, ...]
    annotation: tuple[str, ...]
    authfile: str | None
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    cidfile: str | None
    cpus: str | None
    device: tuple[str, ...]
    entrypoint: str | None
    env: tuple[str, ...]
    env_file: tuple[str, ...]
    hostname: str | None
    init: bool
    interactive: bool
    label: tuple[str, ...]
    memory: str | None
    mount: tuple[str, ...]
    name: str | None
    network: tuple[str, ...]
    pidfile: str | None
    pids_limit: str | None
    platform: str | None
    privileged: bool
    pull: str | None
    quiet: bool
    read_only: bool
    restart: str | None
    rm: bool
    security_opt: tuple[str, ...]
    shm_size: str | None
    stop_signal: str | None
    stop_timeout: int | None
    tls_verify: bool | None
    tmpfs: tuple[str, ...]
    tty: bool
    ulimit: tuple[str, ...]
    user: str | None
    volume: tuple[str, ...]
    workdir: str | None


def container_options(flags: CreateFlags) -> ContainerOptions:
    """The options as values.  Raises BadOption, which names the flag's value and what is wrong with it."""
    given: dict[str, Any] = {
        "image": flags.operands[0],
        "name": flags.name or "",
        "command": flags.operands[1:] or None,
        "entrypoint": None if flags.entrypoint is None else _entrypoint(flags.entrypoint),
        "hostname": flags.hostname or "",
        "user": flags.user or "",
        "workdir": flags.workdir or "",
        "pidfile": os.path.abspath(flags.pidfile) if flags.pidfile else "",
        "platform": flags.platform or "",
        "tty": flags.tty,
        "interactive": flags.interactive,
        "remove": flags.rm,
        "init": flags.init,
        "privileged": flags.privileged,
        "read_only": flags.read_only,
        "stop_timeout_s": flags.stop_timeout,
    }
    for key, text, reader in (
        ("memory_bytes", flags.memory, lambda text: parse.parse_size(text, "memory")),
        ("nano_cpus", flags.cpus, parse.parse_cpus),
        ("pids_limit", flags.pids_limit, parse.parse_pids_limit),
        ("restart", flags.restart, parse.parse_restart),
        ("shm_size_bytes", flags.shm_size, lambda text: parse.parse_size(text, "shm-size")),
        ("stop_signal", flags.stop_signal, _signal),
    ):
        if text is not None:
            given[key] = reader(text)
    for key, items, collect in (
        ("annotations", flags.annotation, parse.parse_annotations),
        ("cap_add", flags.cap_add, parse.parse_capabilities),
        ("cap_drop", flags.cap_drop, parse.parse_capabilities),
        ("labels", flags.label, parse.parse_labels),
        ("network", flags.network, parse.parse_network),
        ("security", flags.security_opt, parse.parse_security),
    ):
        if items:
            given[key] = collect(items)
    given["devices"] = tuple(map(parse.parse_device, flags.device))
    given["ulimits"] = tuple(map(parse.parse_ulimit, flags.ulimit))
    given["env"] = environment(flags.env, flags.env_file)
    given["mounts"] = _mounts(flags)
    return ContainerOptions(**given)


def _entrypoint(text: str) -> tuple[str, ...]:
    """A JSON array of words, or one word; "" is no entrypoint at all."""
    if text.startswith("["):
        from argosy import jsontext

        try:
            words = jsontext.decode(text, "--entrypoint")
        except ArgosyError:
            return (text,)
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return tuple(words)
    return (text,) if text else ()


def _signal(text: str) -> str:
    from argosy.linux import signals

    return signals.name(signals.parse(text))


def environment(items: Iterable[str], paths: Iterable[str]) -> dict[str, str]:
    """--env over --env-file; a name alone takes the caller's value, `NAME*` those of all that begin so."""
    found: dict[str, str] = {}
    for path in paths:
        from argosy.linux import files

        try:
            data = files.read(path, _FILE_LIMIT)
        except OSError as error:
            raise BadOption(f"open {path}: {str(error.strerror).lower()}", hint="see --env-file") from error
        found.update(parse.parse_env_file(data, path, os.environ))
    found.update(parse.parse_env(items, os.environ))
    return found


def _mounts(flags: CreateFlags) -> tuple[Mount, ...]:
    """-v, --mount and --tmpfs together.  Two for one place are an error, as with podman."""
    if not (flags.volume or flags.mount or flags.tmpfs):
        return ()
    try:
        directory = os.getcwd()
    except FileNotFoundError:
        directory = ""  # it was removed: a relative path will say that it is not there
    found: dict[str, Mount] = {}
    for mount in (
        *(parse.parse_mount(text, directory) for text in flags.mount),
        *(parse.parse_volume(text, directory) for text in flags.volume),
        *(parse.parse_tmpfs(text) for text in flags.tmpfs),
    ):
        if mount.target in found and found[mount.target] != mount:
            raise BadOption(f"{mount.target}: duplicate mount destination", hint="one of --volume, --mount, --tmpfs")
        found[mount.target] = mount
    return tuple(found.values())


def resolve_image(engine: Engine, flags: CreateFlags) -> Resolved:
    """The image, pulled when the policy says so; its progress goes to standard error unless --quiet."""
    from argosy.images import resolve

    wanted = _platform(flags.platform)

    def pull(text: str) -> Resolved:
        from argosy.cli import progress
        from argosy.images import pull as pulls
        from argosy.transports.docker import RegistryOptions

        options = RegistryOptions(authfile=flags.authfile or "", tls_verify=flags.tls_verify)
        with progress.shown(quiet=flags.quiet) as shown:
            return pulls.pull_text(engine.puller(options=options, platform=wanted, progress=shown), text, "always")

    return resolve.ensure(
        engine.store,
        engine.load_registries,
        flags.operands[0],
        pull=pull,
        policy=_policy(flags.pull or engine.conf.pull_policy),
        platform=wanted,
    )


def _policy(text: str) -> str:
    """--pull as podman reads it: true and false are older spellings."""
    return {"true": "always", "false": "missing", "ifnotpresent": "missing"}.get(text.lower(), text.lower())


def _platform(text: str | None) -> Platform | None:
    if not text:
        return None
    from argosy.oci import platform

    return platform.parse(text)


def check_cidfile(path: str | None) -> None:
    """Raise ArgosyError when the file is there already: the id in it may be in use by somebody's script."""
    if path and os.path.exists(path):
        raise ArgosyError(f"container id file exists. Ensure another container is not using it or delete {path}")


def write_cidfile(engine: Engine, path: str | None, container_id: str) -> None:
    """Write the id, without a newline, as the peers do.  A container whose id cannot be told is removed again."""
    if not path:
        return
    from argosy.linux import files

    try:
        files.write_atomic(os.path.abspath(path), container_id.encode(), mode=0o644)
    except OSError as error:
        engine.containers.remove(container_id, force=True, volumes=True)
        raise BadOption(
            f"cannot write the container id file {path}: {str(error.strerror).lower()}", hint="see --cidfile"
        ) from error
