"""What the flags that `run` and `create` share mean: one frozen ContainerOptions, and the image's pull.

Read here is what most calls give.  The rest is in modules of its own, each imported when one of its flags was given.
"""

from __future__ import annotations

import os
import sys

from argosy.cli.podman._container_table import CreateFlags
from argosy.errors import ArgosyError
from argosy.spec import parse
from argosy.spec.options import BadOption, ContainerOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from argosy.cli.output import Output
    from argosy.containers.record import ContainerRecord
    from argosy.engine import Engine
    from argosy.images.resolve import Resolved
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.oci.platform import Platform
    from argosy.spec.options import Mount
    from argosy.storage.images import ImageRecord

_FILE_LIMIT = 4 << 20
_UNIT = "PODMAN_SYSTEMD_UNIT"

# Module with a function `read(flags)`, which gives fields of ContainerOptions -> the flags that it reads.
_RARE: dict[str, tuple[str, ...]] = {
    "_container_process": (
        *(
            "attach",
            "chrootdirs",
            "conmon_pidfile",
            "env_host",
            "env_merge",
            "group_add",
            "group_entry",
            "hostuser",
            "http_proxy",
        ),
        *("init_path", "log_driver", "log_opt", "passwd", "passwd_entry", "personality"),
        *("requires", "sdnotify", "seccomp_policy", "systemd", "timeout", "tz", "umask", "unsetenv", "unsetenv_all"),
    ),
    "_container_limits": (
        *("blkio_weight", "blkio_weight_device", "cgroup_conf", "cgroup_parent", "cgroups", "cpu_period", "cpu_quota"),
        *("cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpuset_cpus", "cpuset_mems", "device_cgroup_rule"),
        *("device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops", "memory_reservation"),
        *("memory_swap", "memory_swappiness", "oom_kill_disable", "oom_score_adj"),
    ),
    "_container_pod": ("init_ctr", "pod", "pod_id_file"),
    "_container_networks": (*("expose", "ip", "ip6", "mac_address", "network_alias", "publish", "publish_all"),),
    "_container_namespaces": (
        *("add_host", "cgroupns", "dns", "dns_option", "dns_search", "gidmap", "ipc", "no_hosts", "pid", "subgidname"),
        *("subuidname", "sysctl", "uidmap", "userns", "uts"),
    ),
    "_container_health": (
        *("health_cmd", "health_interval", "health_log_destination", "health_max_log_count", "health_max_log_size"),
        *("health_on_failure", "health_retries", "health_start_period", "health_startup_cmd"),
        *("health_startup_interval", "health_startup_retries", "health_startup_success", "health_startup_timeout"),
        *("health_timeout", "no_healthcheck"),
    ),
    "_container_docker": ("domainname", "isolation", "link", "link_local_ip", "use_api_socket", "volume_driver"),
    "_container_storage": ("image_volume", "rootfs", "secret", "volumes_from"),
}


def container_options(flags: CreateFlags) -> ContainerOptions:
    """The options as values.  Raises BadOption, which names the flag's value and what is wrong with it."""
    given: dict[str, Any] = {
        "image": "" if flags.rootfs else flags.operands[0],
        "name": flags.name or "",
        "command": flags.operands[1:] or None,
        "entrypoint": None if flags.entrypoint is None else entrypoint(flags.entrypoint),
        "hostname": flags.hostname or "",
        "user": flags.user or "",
        "workdir": flags.workdir or "",
        "cidfile": flags.cidfile or "",
        "pidfile": os.path.abspath(flags.pidfile) if flags.pidfile else "",
        "platform": flags.platform or "",
        "tty": flags.tty,
        "interactive": flags.interactive,
        "remove": bool(flags.rm),
        "init": flags.init,
        "privileged": flags.privileged,
        "read_only": flags.read_only,
        "read_only_tmpfs": flags.read_only_tmpfs,
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
        ("network", flags.network, parse.parse_network),
        ("security", flags.security_opt, parse.parse_security),
    ):
        if items:
            given[key] = collect(items)
    if flags.device or flags.gpus:
        given.update(_devices(flags))
    given["ulimits"] = tuple(map(parse.parse_ulimit, flags.ulimit))
    if flags.label or flags.label_file or _UNIT in os.environ:
        given["labels"] = _labels(flags)
    given["env"] = environment(flags.env, flags.env_file)
    given["mounts"] = _mounts(flags)
    for module, names in _RARE.items():
        if any(getattr(flags, name) not in (None, ()) for name in names):
            given.update(_reader(module)(flags))
    return ContainerOptions(**given)


def _devices(flags: CreateFlags) -> dict[str, Any]:
    """--device, apart by kind, and --gpus."""
    from argosy.spec import cdi, parselimits

    named = tuple(text for text in flags.device if cdi.is_qualified(text))
    gpus = parselimits.parse_gpus(flags.gpus) if flags.gpus else ()
    files = tuple(parse.parse_device(text) for text in flags.device if text not in named)
    return {"devices": files, "cdi_devices": (*named, *gpus)}


def _reader(module: str) -> Callable[[CreateFlags], dict[str, Any]]:
    name = f"argosy.cli.podman.{module}"
    __import__(name)
    reader: Callable[[CreateFlags], dict[str, Any]] = sys.modules[name].read
    return reader


def _labels(flags: CreateFlags) -> dict[str, str]:
    """--label over --label-file, and the systemd unit in which this runs: see `auto-update`."""
    found: dict[str, str] = {}
    if flags.label_file:
        from argosy.cli.podman import _container_process

        found = _container_process.labels_of_files(flags.label_file)
    found.update(parse.parse_labels(flags.label))
    if _UNIT in os.environ:
        found.setdefault(_UNIT, os.environ[_UNIT])
    if "io.containers.autoupdate" in found and not flags.rootfs:
        from argosy.containers import autoupdate

        autoupdate.check_image(found[autoupdate.LABEL], flags.operands[0])
    return found


def entrypoint(text: str) -> tuple[str, ...]:
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
            reason = f"open {path}: {str(error.strerror).lower()}"
            raise BadOption(f'parsing env file "{path}": {reason}', hint="see --env-file") from error
        found.update(parse.parse_env_file(data, path, os.environ))
    found.update(parse.parse_env(items, os.environ))
    return found


def _mounts(flags: CreateFlags) -> tuple[Mount, ...]:
    if not (flags.volume or flags.mount or flags.tmpfs):
        return ()
    from argosy.cli.podman import _container_mounts

    return _container_mounts.read(flags)


def as_docker(
    engine: Engine, wanted: ContainerOptions, flags: CreateFlags, config: ContainerConfig
) -> ContainerOptions:
    """What docker does otherwise: -v makes directories, its capabilities, and none of podman's own variables."""
    if flags.volume:
        from argosy.cli.podman import _container_mounts

        _container_mounts.make_sources(flags)
    if flags.link:
        from argosy.cli.podman import _container_docker

        wanted = wanted.replace(links=_container_docker.links(engine, flags.link))
    from argosy.spec.security import DOCKER_CAPABILITIES

    own = ("container",) if flags.tty else ("container", "TERM")
    of_image = {text.partition("=")[0] for text in config.env}
    unset = (*wanted.unset_env, *(name for name in own if name not in of_image))
    return wanted.replace(unset_env=unset, more_capabilities=DOCKER_CAPABILITIES)


def create(
    engine: Engine,
    flags: CreateFlags,
    wanted: ContainerOptions,
    image: tuple[ImageRecord | None, str, ContainerConfig],
    *,
    to_start: bool = False,
) -> ContainerRecord:
    """The container, written down; with --pod new:NAME its pod as well."""
    if wanted.pod:
        from argosy.cli.podman import _container_pod

        return _container_pod.create(engine, flags, wanted, image, to_start=to_start)
    return engine.containers.create(wanted, *image, to_start=to_start, replacing=flags.replacing)


def chosen_image(engine: Engine, flags: CreateFlags) -> tuple[ImageRecord | None, str, ContainerConfig]:
    """The image, the name that is shown of it, and its configuration; none and empty ones with --rootfs."""
    if flags.rootfs:
        from argosy.oci.imageconfig import ContainerConfig

        return None, "", ContainerConfig()
    from argosy.images import resolve

    image = resolve_image(engine, flags)
    return image.record, image.shown, resolve.config(engine.store, image.record).config


def resolve_image(engine: Engine, flags: CreateFlags) -> Resolved:
    """The image, pulled when the policy says so; its progress goes to standard error unless --quiet."""
    from argosy.images import resolve

    wanted = _platform(flags)
    policy = _policy(flags.pull or engine.conf.pull_policy)

    def pull(text: str) -> Resolved:
        from argosy.cli import layerkeys, progress
        from argosy.images import pull as pulls
        from argosy.transports.access import RegistryOptions

        keys = layerkeys.read(private=flags.decryption_key)
        options = RegistryOptions(authfile=flags.authfile or "", tls_verify=flags.tls_verify)
        docker = engine.registries.home != "localhost"
        with progress.shown(quiet=flags.quiet or docker) as shown:
            signatures = flags.signature_policy or ""
            puller = engine.puller(
                options=options, platform=wanted, progress=shown, signature_policy=signatures, keys=keys
            )
            if docker and not flags.quiet:
                from argosy.cli.podman import _pull_docker

                missing = text if policy == "missing" else ""
                told = _pull_docker.for_container(engine.store, text, progress.Lines().line, missing=missing)
                found = pulls.pull_text(puller, text)
                told.ended(found)
                return found
            return pulls.pull_text(puller, text)

    return resolve.ensure(
        engine.store,
        engine.load_registries,
        flags.operands[0],
        pull=pull,
        policy=policy,
        platform=wanted,
    )


def _policy(text: str) -> str:
    """--pull as podman reads it: true and false are older spellings."""
    return {"true": "always", "false": "missing", "ifnotpresent": "missing"}.get(text.lower(), text.lower())


def _platform(flags: CreateFlags) -> Platform | None:
    """--platform, or --os, --arch and --variant over those of the host; None where none was given."""
    if not (flags.platform or flags.arch or flags.os or flags.variant):
        return None
    from argosy.oci import platform
    from argosy.spec import processflags

    processflags.check_platform(flags.platform, flags.arch, flags.os, flags.variant)
    if flags.platform:
        return platform.normalized(platform.parse(flags.platform).replace(**_given(variant=flags.variant)))
    host = platform.host()
    variant = flags.variant or ("" if flags.arch else host.variant)
    return platform.normalized(host.replace(**_given(os=flags.os, architecture=flags.arch)).replace(variant=variant))


def _given(**fields: str | None) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def tell_what_does_nothing(flags: CreateFlags, out: Output) -> None:
    """Say it of what is taken for the sake of scripts that give it, and has no effect."""
    if flags.kernel_memory is not None:
        out.notice("The --kernel-memory flag is no longer supported. This flag is a noop.")
    if flags.log_opt:
        from argosy.spec import processflags

        names = {item.partition("=")[0] for item in flags.log_opt} & processflags.LOG_OPTIONS_OF_DOCKER
        for name in sorted(names):
            out.notice(f"the log option {name} is docker's and has no effect: a container's log is one file")


def check_first(flags: CreateFlags) -> None:
    """Raise ArgosyError for what keeps a container from being made, before an image is pulled for it.

    A --cidfile that is there already is such: the id in it may be in use by somebody's script.
    """
    if flags.replacing and not flags.name:
        raise BadOption("cannot replace container without --name being set")
    path = flags.cidfile
    if path and os.path.exists(path):
        raise ArgosyError(f"container id file exists. Ensure another container is not using it or delete {path}")


def write_cidfile(engine: Engine, path: str | None, container_id: str) -> None:
    """Write the id, without a newline, as the peers do.  A container whose id cannot be told is removed again."""
    if not path:
        return
    from argosy.linux import files

    try:
        files.write_named(os.path.abspath(path), container_id.encode())
    except OSError as error:
        engine.containers.remove(container_id, force=True, volumes=True)
        raise BadOption(
            f"cannot write the container id file {path}: {str(error.strerror).lower()}", hint="see --cidfile"
        ) from error
