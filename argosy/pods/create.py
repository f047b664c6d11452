"""Making a pod: its infra container first, then the record of the pod, which makes it visible.

Whoever is killed between the two leaves an infra container without a pod, that runs nothing: `container prune` and
`system check` take it away.
"""

from __future__ import annotations

import os
import time

from argosy import jsontext
from argosy.containers import create as containers
from argosy.containers import facts, names
from argosy.containers import pod as pods
from argosy.containers.pod import PodRecord
from argosy.errors import ArgosyError, Exists, Invalid, NotFound
from argosy.oci.imageconfig import ContainerConfig
from argosy.spec import resources
from argosy.spec.options import BadOption, ContainerOptions, NamespaceMode
from argosy.undo import Undo
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.storage.images import ImageRecord

DEFAULT_SHARE = ("ipc", "net", "uts")
EXIT_POLICIES = ("continue", "stop")
_NAME_ATTEMPTS = 20
_HOSTNAME_LIMIT = 64  # sethostname(2)
_PROGRAM = ("/catatonit", "-P")
# Limits hold for the pod as a whole, and what members inherit one by one is not for the infra container.
_OF_THE_POD = (
    *("memory_bytes", "memory_swap_bytes", "memory_reservation_bytes", "nano_cpus", "cpu_shares", "cpu_period_us"),
    *("cpu_quota_us", "cpuset_cpus", "cpuset_mems", "blkio_weight", "blkio_weight_devices", "device_rates"),
    *("cgroup_parent", "restart"),
)


class Infra(Value):
    """How the infra container is made.  `image` None is a root without anything, in which catatonit waits."""

    name: str = ""
    image: ImageRecord | None = None
    image_name: str = ""
    config: ContainerConfig = ContainerConfig()
    command: tuple[str, ...] | None = None
    conmon_pidfile: str = ""


def create(
    site: Site,
    options: ContainerOptions,
    *,
    share: tuple[str, ...] = DEFAULT_SHARE,
    share_parent: bool = True,
    exit_policy: str = "continue",
    infra: Infra | None = None,
    create_container: Callable[..., ContainerRecord],
) -> PodRecord:
    """Write down a pod, and nothing of it runs.  `options` are for all of its containers, `infra` None is for none.

    `create_container` is `Containers.create`.
    Stable on disk when this returns.  Raises ArgosyError when the name is taken, BadOption for what contradicts itself.
    """
    _check(options, share, share_parent=share_parent, infra=infra)
    for use in options.network.networks if options.network is not None else ():
        _check_network(site, use.name)
    if resources.limited(options):
        from argosy.containers import admission

        admission.admit(site, ContainerOptions("", **{field: getattr(options, field) for field in _OF_THE_POD}))
    pod = PodRecord(
        id=os.urandom(32).hex(),
        name=options.name,
        created_at=time.time(),
        options=options.replace(pod="", name=""),
        share=share,
        share_parent=share_parent,
        exit_policy=exit_policy,
    )
    with Undo() as undo:
        pod = _named(site, pod)
        if infra is not None:
            wanted = _infra_options(site, pod, infra)
            record = create_container(wanted, infra.image, infra.image_name, infra.config, to_start=True)
            undo.push(_remove, site, record.id)
            pod = pod.replace(infra_id=record.id)
        _commit(site, pod)
        undo.commit()
    pods.tell(site, pod, "create")
    return pod


def _check(options: ContainerOptions, share: tuple[str, ...], *, share_parent: bool, infra: Infra | None) -> None:
    if options.name:
        _check_name(options.name)
    if "cgroup" in share and share_parent:
        raise BadOption(
            "cannot define the pod as the cgroup parent at the same time as joining the infra container's cgroupNS: "
            "invalid argument",
            hint="--share-parent=false",
        )
    if infra is not None:
        return
    if options.ports:
        raise BadOption("you must have an infra container to publish port bindings to the host")
    if options.network is not None:
        raise BadOption("NoInfra and network modes cannot be used together")
    for given, name in (
        (options.dns, "DNSServer"),
        (options.dns_options, "DNSOption"),
        (options.dns_search, "DNSSearch"),
        (options.add_hosts, "HostAdd"),
        (options.no_hosts, "NoManageHosts"),
    ):
        if given:
            raise BadOption(f"NoInfra and {name} are mutually exclusive pod options: invalid pod spec")
    if share:
        raise BadOption(f"cannot set share({','.join(share)}) namespaces without an infra container")


def _check_network(site: Site, name: str) -> None:
    """Raise NotFound, in podman's words, for a network that is not there."""
    from argosy.containers import networks

    try:
        if name != networks.BRIDGE:
            networks.of(site).get(name)
    except NotFound as error:
        error.brief = f"unable to find network with name or ID {name}: network not found"
        raise


def _check_name(name: str) -> None:
    try:
        containers.check_name(name)
    except Invalid as error:
        raise BadOption(f"running pod create option: {error.why}") from error


def _named(site: Site, pod: PodRecord) -> PodRecord:
    """The pod with a name that no pod has, and no container.  Raises ArgosyError in podman's words."""
    for attempt in range(_NAME_ATTEMPTS):
        name = pod.name or names.suggest(attempt)
        holders = {"pod": site.store.pods, "container": site.store.containers}
        taken = [kind for kind, shelf in holders.items() if _exists(shelf.find, name)]
        if not taken:
            return pod.replace(name=name)
        if pod.name:
            raise _taken(name, taken[0])
    raise ArgosyError("cannot find a free name for the pod", hint="give one with --name")


def _exists(find: Callable[[str], str], name: str) -> bool:
    """Whether an object has just this name; that its id begins so does not count."""
    try:
        return not find(name).startswith(name)
    except ArgosyError:
        return False


def _taken(name: str, kind: str) -> ArgosyError:
    hint = f"argosy {kind} rm {name}, or give another name"
    return ArgosyError(f'adding pod to state: name "{name}" is in use: {kind} already exists', hint=hint)


def _infra_options(site: Site, pod: PodRecord, infra: Infra) -> ContainerOptions:
    """The options of the infra container, from those of the pod."""
    empty = ContainerOptions("")
    own: dict[str, Any] = {field: getattr(empty, field) for field in _OF_THE_POD}
    if pod.options.ipc is None and "ipc" in pod.share:
        own["ipc"] = NamespaceMode("shareable")
    if infra.image is None:
        own["mounts"] = (*pod.options.mounts, pods.program(facts.init_path(site, empty)))
        own["entrypoint"] = infra.command or _PROGRAM
    else:
        own["entrypoint"] = infra.command
    return pod.options.replace(
        **own,
        image=infra.image_name,
        name=infra.name or f"{pod.id[:12]}-infra",
        hostname=pod.options.hostname or ("" if _foreign(pod) else pod.name[:_HOSTNAME_LIMIT]),
        conmon_pidfile=infra.conmon_pidfile,
        pod=pod.id,
        infra=True,
    )


def _foreign(pod: PodRecord) -> bool:
    """Whether the infra container has no host name of its own."""
    uts, network = pod.options.uts, pod.options.network
    return (uts is not None and uts.kind != "private") or (
        uts is None and network is not None and network.kind == "host"
    )


def _commit(site: Site, pod: PodRecord) -> None:
    with site.store.pods.stage(pod.id) as staged:
        staged.write(pods.RECORD, jsontext.encode(pod.to_json()))
        try:
            staged.commit(pod.name, durable=True)
        except Exists:
            raise _taken(pod.name, "pod") from None


def _remove(site: Site, container_id: str) -> None:
    from argosy.containers import remove

    try:
        remove.remove(site, container_id, force=True, volumes=True, with_pod=True)
    except NotFound:
        return
