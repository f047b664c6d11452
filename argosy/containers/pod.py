"""What a container has to do with the pod that it belongs to.

    <root>/pods/<id>/pod.json    PodRecord, frozen when the pod is made
                     removing    somebody removes the pod: nobody joins it any more

A container names its pod, and a pod its infra container, whose namespaces the others join.  Who belongs to a pod stands
in the records of the containers alone.  What is done with whole pods is in the package `pods`, above this one.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.containers import record as records
from argosy.containers import state
from argosy.errors import ArgosyError, NotFound
from argosy.linux import locks
from argosy.spec.options import BadOption, ContainerOptions, Mount, NamespaceMode, NetworkMode, UserNamespace
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, ClassVar

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site

RECORD = "pod.json"
REMOVING = "removing"
NEW = "new:"  # before the name of a pod that is to be made for the container
# Namespace as --share names it -> the field of the options that chooses it.
FIELDS = {"cgroup": "cgroupns", "ipc": "ipc", "net": "network", "pid": "pid", "uts": "uts"}
_WRONG = "invalid config provided"
_SHARED_NETWORK = "network cannot be configured when it is shared with a pod"


class PodRecord(Value):
    """pod.json.  `options` is what `pod create` was told about the containers of the pod: limits, mounts, labels, ...

    `share` are the namespaces that they have in common, in the words of --share; `infra_id` is "" where there is no
    infra container.
    """

    id: str
    name: str
    created_at: float
    options: ContainerOptions
    share: tuple[str, ...] = ()
    share_parent: bool = True
    exit_policy: str = "continue"
    infra_id: str = ""
    version: int = 1

    _nested: ClassVar[dict[str, type[Value]]] = {"options": ContainerOptions}


def find(site: Site, text: str) -> str:
    """The id of the pod with this name, id, or unique beginning of an id.  Raises NotFound in podman's words."""
    try:
        return site.store.pods.find(text)
    except NotFound as error:
        error.brief = f"no pod with name or ID {text} found: no such pod"
        raise


def read(site: Site, pod_id: str) -> PodRecord:
    """The pod's record.  Raises NotFound, or Invalid when the file is damaged."""
    text = site.store.pods.read(pod_id, RECORD)
    return PodRecord.from_json(jsontext.decode(text, f"pod record {pod_id[:12]}"))


def name_of(site: Site, pod_id: str) -> str:
    """What the pod is called; "" for one that is gone or damaged."""
    try:
        return read(site, pod_id).name
    except ArgosyError:
        return ""


def network_options(site: Site, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options, in JSON form, of the container whose network this one of a pod is on: the infra container or itself.

    An infra container that is gone or damaged leads no ports anywhere.
    """
    mode = options.get("network") or {}
    try:
        infra_id = read(site, options["pod"]).infra_id
        if mode.get("kind") != "container" or mode.get("target") != infra_id:
            return options
        return state.view(site, infra_id).options
    except ArgosyError:
        return options


def members(site: Site, pod_id: str) -> Iterator[ContainerRecord]:
    """The records of all containers of the pod.  Those that cannot be read are passed over."""
    mark = pod_id.encode()
    for container_id in site.store.containers.ids():
        try:
            if mark in site.store.containers.read(container_id, records.RECORD):
                record = records.read_record(site.store, container_id)
                if record.options.pod == pod_id:
                    yield record
        except ArgosyError:
            continue


def adopt(site: Site, options: ContainerOptions) -> ContainerOptions:
    """The options of a new container with what the pod that it names gives to it, and that pod's id.

    Raises NotFound when there is no such pod, BadOption for what only the pod itself can have.
    """
    pod = read(site, find(site, options.pod))
    _check(pod, options)
    if options.init_ctr and _runs(site, pod.id):
        raise BadOption("cannot add init-ctr to a running pod", hint=f"argosy pod stop {pod.name}")
    return inherited(pod, options).replace(pod=pod.id)


def _runs(site: Site, pod_id: str) -> bool:
    return any(state.derive(site, member.id).status in state.ACTIVE for member in members(site, pod_id))


def detached(site: Site, options: ContainerOptions) -> ContainerOptions:
    """The options of a container of a pod without what the pod gave to it: to join that or another one.

    Raises BadOption for an infra container, NotFound when the pod is gone.
    """
    if options.infra:
        raise BadOption("an infra container belongs to its pod: it cannot be cloned", hint="argosy pod clone")
    pod = read(site, find(site, options.pod))
    found: dict[str, Any] = {"pod": ""}
    for field in (*FIELDS.values(), "userns"):
        mode = getattr(options, field)
        if mode is not None and mode.kind == "container" and mode.target == pod.infra_id:
            found[field] = None
    places = {mount.target for mount in pod.options.mounts}
    common = set(pod.options.devices)
    found["mounts"] = tuple(
        mount
        for mount in options.mounts
        if not (mount.target in places and (mount.origin == "container" or mount in pod.options.mounts))
    )
    found["devices"] = tuple(device for device in options.devices if device not in common)
    found["volumes_from"] = tuple(name for name in options.volumes_from if name != pod.infra_id)
    if options.restart == pod.options.restart:
        found["restart"] = ContainerOptions("").restart
    return options.replace(**found)


def inherited(pod: PodRecord, options: ContainerOptions) -> ContainerOptions:
    """The options with the namespaces, mounts, devices and rules of the pod, where they do not say otherwise."""
    found: dict[str, Any] = {}
    if pod.infra_id:
        for namespace in pod.share:
            field = FIELDS[namespace]
            if getattr(options, field) is None:
                found[field] = _shared(pod, field)
        if pod.options.mounts or pod.options.volumes_from:
            found["volumes_from"] = (pod.infra_id, *options.volumes_from)
        if pod.options.userns is not None and pod.options.userns.kind != "host":
            found["userns"] = UserNamespace("container", pod.infra_id)
    taken = {mount.target for mount in options.mounts}
    alone = tuple(mount for mount in pod.options.mounts if mount.overlay and mount.target not in taken)
    places = {device.target for device in options.devices}
    devices = tuple(device for device in pod.options.devices if device.target not in places)
    if alone:
        found["mounts"] = options.mounts + alone
    if devices:
        found["devices"] = devices + options.devices
    if options.restart.name == "no" and not options.remove:
        found["restart"] = pod.options.restart
    found["security"] = _security(pod, options)
    return options.replace(**found)


def _shared(pod: PodRecord, field: str) -> NamespaceMode | NetworkMode:
    """How a container joins a namespace of the pod; what is the host's is shared with the host."""
    own: NamespaceMode | NetworkMode | None = getattr(pod.options, field)
    if own is not None and own.kind == "host":
        return own
    kind = NetworkMode if field == "network" else NamespaceMode
    return kind("container", pod.infra_id)


def _security(pod: PodRecord, options: ContainerOptions) -> Any:
    """Each rule as the container has it, or as the pod has it where the container has none."""
    own, common = options.security, pod.options.security
    return own.replace(**{field: getattr(own, field) or getattr(common, field) for field in own._fields})


def _check(pod: PodRecord, options: ContainerOptions) -> None:
    """Raise BadOption, in podman's words, for what the namespaces shared with the pod do not leave to the container."""
    if options.userns is not None:
        raise BadOption("--userns and --pod cannot be set together")
    if not pod.infra_id:
        return
    if "net" in pod.share and (options.network is None or options.network.kind == "bridge"):
        for given, what in (
            (
                options.ports or options.publish_all,
                "published or exposed ports must be defined when the pod is created",
            ),
            (options.network, "networks must be defined when the pod is created"),
            (options.add_hosts, "extra host entries must be specified on the pod"),
        ):
            if given:
                raise BadOption(f"{_WRONG}: {what}: {_SHARED_NETWORK}", hint="see `argosy pod create --help`")
    if "uts" in pod.share and options.uts is None and options.hostname:
        raise BadOption(
            f"{_WRONG}: cannot set hostname when joining the pod UTS namespace: invalid configuration",
            hint="argosy pod create --hostname",
        )


def joining(site: Site, pod_id: str) -> locks.Lock:
    """Hold off who removes the pod, until a container of it is written down; others may join as well.

    Raises NotFound when the pod is gone, or just goes.
    """
    try:
        lock = locks.acquire(site.store.pods.path(pod_id), shared=True)
    except FileNotFoundError:
        raise _gone(pod_id) from None
    assert lock is not None
    if is_removed(site, pod_id):
        lock.release()
        raise _gone(pod_id)
    return lock


def is_removed(site: Site, pod_id: str) -> bool:
    """Whether somebody has begun to remove the pod, be it that he was killed since."""
    return os.path.exists(f"{site.store.pods.path(pod_id)}/{REMOVING}")


def _gone(pod_id: str) -> NotFound:
    error = NotFound("pod", pod_id)
    error.brief = f"pod {pod_id[:12]} was removed meanwhile: no such pod"
    return error


def make_ready(site: Site, record: ContainerRecord) -> None:
    """Have what a container of a pod needs to start: the pod's control group with its limits, the infra container.

    The caller holds no lock.  Raises NotFound when the pod is gone.
    """
    from argosy.containers import podgroup, start

    pod = read(site, find(site, record.options.pod))
    podgroup.make(site, pod)
    if pod.infra_id and not record.options.infra:
        try:
            start.start(site, pod.infra_id)
        except NotFound as error:
            error.brief = f"the infra container of pod {pod.name} is gone"
            error.hint = f"argosy pod rm --force {pod.name}"
            raise


def check_removable(site: Site, record: ContainerRecord) -> None:
    """Raise ArgosyError, in podman's words, for the infra container of a pod that is there."""
    if record.options.infra and site.store.pods.exists(record.options.pod):
        raise ArgosyError(
            f"container {record.id} is the infra container of pod {record.options.pod} and cannot be removed without "
            "removing the pod",
            hint=f"argosy pod rm {record.options.pod[:12]}",
        )


def ended(site: Site, record: ContainerRecord) -> None:
    """Do what the pod's exit policy wants after the end of one of its containers.  Nothing happens while others run."""
    if record.options.infra:
        return
    try:
        pod = read(site, record.options.pod)
    except ArgosyError:
        return  # it is just removed, or its record can only be removed
    if pod.exit_policy != "stop" or not pod.infra_id or is_removed(site, pod.id):
        return
    for other in members(site, pod.id):
        if not other.options.infra and state.derive(site, other.id).status in (*state.ACTIVE, state.INITIALIZED):
            return
    from argosy.containers import stop

    try:
        if stop.stop(site, pod.infra_id):
            tell(site, pod, "stop")
    except NotFound:
        return


def tell(site: Site, pod: PodRecord, status: str) -> None:
    """Note in the log of events what happened to the pod."""
    site.store.events.write("pod", status, attributes=pod.options.labels or None, ID=pod.id, Name=pod.name)


def program(path: str) -> Mount:
    """What is mounted into a root without an image, for an infra container to run."""
    return Mount("bind", path, "/catatonit", ("ro", "rbind"), origin="infra")
