"""`pod create`: a pod, ready to have containers added."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _container_flags
from argosy.cli.podman._container_table import FLAGS, CreateFlags
from argosy.errors import ArgosyError, NotFound
from argosy.spec.options import BadOption
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.pods.create import Infra

# Those of `run` that a pod has as well, under the same names.
SHARED = (
    *("blkio-weight", "blkio-weight-device", "cgroup-parent", "cpu-shares", "cpus", "cpuset-cpus", "cpuset-mems"),
    *("device", "device-read-bps", "device-write-bps", "gidmap", "hostname", "label", "label-file", "memory"),
    *("memory-swap", "pid", "security-opt", "shm-size", "subgidname", "subuidname", "sysctl", "uidmap", "userns"),
    *("uts", "volume", "volumes-from"),
)
NETWORK = (
    *("add-host", "dns", "dns-option", "dns-search", "ip", "ip6", "mac-address", "network", "network-alias"),
    *("no-hosts", "publish", "restart"),
)
_NAMESPACES = ("cgroup", "ipc", "net", "pid", "uts")


class InfraFlags(Value):
    """What `pod create` and `pod clone` are told about the infra container."""

    infra_command: str | None
    infra_conmon_pidfile: str | None
    infra_name: str | None


class PodFlags(InfraFlags):
    """What both are told about the pod."""

    operands: tuple[str, ...]
    blkio_weight: str | None
    blkio_weight_device: tuple[str, ...]
    cgroup_parent: str | None
    cpu_shares: int | None
    cpus: str | None
    cpuset_cpus: str | None
    cpuset_mems: str | None
    device: tuple[str, ...]
    device_read_bps: tuple[str, ...]
    device_write_bps: tuple[str, ...]
    gidmap: tuple[str, ...]
    hostname: str | None
    label: tuple[str, ...]
    label_file: tuple[str, ...]
    memory: str | None
    memory_swap: str | None
    name: str | None
    pid: str | None
    security_opt: tuple[str, ...]
    shm_size: str | None
    subgidname: str | None
    subuidname: str | None
    sysctl: tuple[str, ...]
    uidmap: tuple[str, ...]
    userns: str | None
    uts: str | None
    volume: tuple[str, ...]
    volumes_from: tuple[str, ...]


class PodCreateOptions(PodFlags):
    """What `pod create` is asked for."""

    add_host: tuple[str, ...]
    dns: tuple[str, ...]
    dns_option: tuple[str, ...]
    dns_search: tuple[str, ...]
    exit_policy: str | None
    infra: bool
    infra_image: str | None
    ip: str | None
    ip6: str | None
    mac_address: str | None
    network: tuple[str, ...]
    network_alias: tuple[str, ...]
    no_hosts: bool | None
    pod_id_file: str | None
    publish: tuple[str, ...]
    replacing: bool
    restart: str | None
    share: str | None
    share_parent: bool


def run(options: PodCreateOptions, engine: Engine, out: Output) -> int:
    """Make the pod and print its id."""
    from argosy.pods import create

    name = _name(options)
    exit_policy = engine.conf.pod_exit_policy if options.exit_policy is None else options.exit_policy
    if exit_policy not in create.EXIT_POLICIES:
        raise BadOption(f'running pod create option: invalid pod exit policy: "{exit_policy}"')
    share, with_infra = shared_namespaces(options.share, infra=options.infra)
    if options.pod_id_file and os.path.lexists(options.pod_id_file):
        why = f"Ensure another pod is not using it or delete {options.pod_id_file}"
        raise ArgosyError(f"pod id file exists. {why}")
    wanted = _container_flags.container_options(create_flags(options))
    infra = infra_of(engine, options, options.infra_image) if with_infra else None
    if options.replacing:
        _remove_holder(engine, name)
    pod = create.create(
        engine.site,
        wanted.replace(name=name, create_command=out.command_line),
        share=share,
        share_parent=options.share_parent,
        exit_policy=exit_policy,
        infra=infra,
        create_container=engine.containers.create,
    )
    if options.pod_id_file:
        write_id(engine, options.pod_id_file, pod.id)
    out.line(pod.id)
    return 0


def create_flags(options: Value) -> CreateFlags:
    """The flags as `run` would have been given them."""
    own = {flag.key for flag in FLAGS} & set(options._fields) - {"name", "replacing", "pod_id_file"}
    initial = {flag.key: flag.initial for flag in FLAGS}
    return CreateFlags(operands=("",), **{**initial, **{key: getattr(options, key) for key in own}})


def _name(options: PodCreateOptions) -> str:
    if options.operands and options.name:
        raise ArgosyError("cannot specify --name and NAME at the same time")
    name = options.name or (options.operands[0] if options.operands else "")
    if options.replacing and not name:
        raise BadOption("cannot replace pod without --name being set")
    return name


def shared_namespaces(text: str | None, *, infra: bool) -> tuple[tuple[str, ...], bool]:
    """The namespaces that --share names, and whether there is an infra container to hold any."""
    from argosy.pods.create import DEFAULT_SHARE

    if text is None:
        return (DEFAULT_SHARE, True) if infra else ((), False)
    words = [word for word in text.split(",") if word]
    added = [word.removeprefix("+") for word in words]
    for word in added:
        if word == "mnt":
            raise BadOption("mount sharing functionality not supported on pod level")
        if word not in (*_NAMESPACES, "none"):
            raise BadOption(
                f"invalid kernel namespace to share: {word}. Options are: cgroup, ipc, net, pid, uts or none"
            )
    found = set(added) - {"none"}
    if any(word.startswith("+") for word in words):
        found |= set(DEFAULT_SHARE)
    share = tuple(name for name in _NAMESPACES if name in found)
    return share, infra and bool(share)


def asked_infra(options: InfraFlags) -> Infra:
    """What the flags say of the infra container, but for its image."""
    from argosy.pods.create import Infra

    return Infra(
        name=options.infra_name or "",
        command=_container_flags.entrypoint(options.infra_command) if options.infra_command else None,
        conmon_pidfile=os.path.abspath(options.infra_conmon_pidfile) if options.infra_conmon_pidfile else "",
    )


def infra_of(engine: Engine, options: InfraFlags, image: str | None = None) -> Infra:
    """How the infra container is to be, with the configured image and command where flags name none.

    The image is pulled where it is not there.  A configured command counts with an image alone.
    """
    from argosy.images import pull, resolve

    infra = asked_infra(options)
    image = image or engine.conf.infra_image
    if not image:
        return infra
    found = pull.pull_text(engine.puller(), image, "missing")
    config = resolve.config(engine.store, found.record).config
    if infra.command is None and engine.conf.infra_command:
        infra = infra.replace(command=_container_flags.entrypoint(engine.conf.infra_command))
    return infra.replace(image=found.record, image_name=found.shown, config=config)


def _remove_holder(engine: Engine, name: str) -> None:
    """Remove the pod whose name --replace takes."""
    from argosy.pods import remove

    try:
        remove.remove(engine.site, engine.store.pods.find(name), force=True)
    except NotFound:
        return


def write_id(engine: Engine, path: str, pod_id: str) -> None:
    """Write the id, without a newline.  A pod whose id cannot be told is removed again."""
    from argosy.linux import files
    from argosy.pods import remove

    try:
        files.write_named(os.path.abspath(path), pod_id.encode())
    except OSError as error:
        remove.remove(engine.site, pod_id, force=True)
        raise BadOption(
            f"cannot write the pod id file {path}: {str(error.strerror).lower()}", hint="see --pod-id-file"
        ) from error


INFRA_FLAGS = (
    Flag("infra-command", kind="string", help="Command of the infra container, in place of its image's"),
    Flag(
        "infra-conmon-pidfile", kind="string", help="Write the process ID of the infra container's conmon to the file"
    ),
    Flag("infra-name", kind="string", help="Name of the infra container"),
)

COMMAND = Command(
    path="pod create",
    summary="Create a new empty pod",
    description=(
        "Makes a pod and prints its id; `create --pod` and `run --pod` add containers to it. Unless it is made without "
        "one, an infra container holds the namespaces that they share, and has their network and ports."
    ),
    options=PodCreateOptions,
    run=run,
    usage="[NAME]",
    max_operands=1,
    interspersed=False,
    flags=(
        *(flag for flag in FLAGS if flag.name in (*SHARED, *NETWORK)),
        *INFRA_FLAGS,
        Flag(
            "exit-policy",
            kind="string",
            help='What becomes of the pod when its last container has ended ("continue"|"stop")',
        ),
        Flag("infra", default=True, help="Create an infra container that holds the shared namespaces"),
        Flag("infra-image", kind="string", help="Image of the infra container; without one it holds catatonit alone"),
        Flag("name", short="n", kind="string", help="Assign a name to the pod"),
        Flag("pod-id-file", kind="string", help="Write the pod ID to the file"),
        Flag("replace", field="replacing", help="Remove a pod that has the same name"),
        Flag("share", kind="string", help='Namespaces to share ("cgroup", "ipc", "net", "pid", "uts", or "none")'),
        Flag("share-parent", default=True, help="Make the pod's cgroup the parent of its containers'"),
    ),
    examples=("argosy pod create --name web -p 8080:80", "argosy pod create --share +pid --memory 1g backend"),
)
