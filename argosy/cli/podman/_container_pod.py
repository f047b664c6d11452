"""--pod, --pod-id-file and --init-ctr of `run` and `create`."""

from __future__ import annotations

from argosy.containers import pod as pods
from argosy.errors import ArgosyError
from argosy.spec.options import BadOption, ContainerOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.podman._container_table import CreateFlags
    from argosy.containers.record import ContainerRecord
    from argosy.engine import Engine
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.storage.images import ImageRecord

_FILE_LIMIT = 4096
# What a pod made for a container has of what was asked for the container.
_MOVED = ("ports", "network", "hostname", "add_hosts", "no_hosts", "dns", "dns_options", "dns_search", "userns")


def read(flags: CreateFlags) -> dict[str, Any]:
    """Those that were given, as fields of ContainerOptions.  Raises ArgosyError in podman's words."""
    if flags.pod and flags.pod_id_file:
        raise BadOption("cannot specify both --pod and --pod-id-file")
    name = flags.pod or ""
    if flags.pod_id_file:
        name = read_id(flags.pod_id_file)
    if flags.init_ctr is not None:
        if not name:
            raise BadOption("must specify pod value with init-ctr", hint="init containers belong to pods")
        if flags.init_ctr not in ("once", "always"):
            raise BadOption("init-ctr value must be 'always' or 'once'")
    if name == pods.NEW:
        raise BadOption("new pod name must be at least one character")
    return {"pod": name, "init_ctr": flags.init_ctr or ""}


def read_id(path: str) -> str:
    """The pod's id that --pod-id-file names.  Raises ArgosyError when the file cannot be read."""
    from argosy.linux import files

    try:
        text = files.read(path, _FILE_LIMIT).decode(errors="replace")
    except OSError as error:
        why = f"open {path}: {str(error.strerror).lower()}"
        raise ArgosyError(f"reading pod ID file: {why}", hint="see --pod-id-file") from error
    found = text.split("\n")[0].strip()
    if not found:
        raise ArgosyError(f"reading pod ID file: {path} is empty", hint="see --pod-id-file")
    return found


def create(
    engine: Engine,
    flags: CreateFlags,
    wanted: ContainerOptions,
    image: tuple[ImageRecord | None, str, ContainerConfig],
    *,
    to_start: bool,
) -> ContainerRecord:
    """The container, written down.  A pod that was made for it does not outlive the attempt."""
    make, replacing = engine.containers.create, flags.replacing
    if not wanted.pod.startswith(pods.NEW):
        return make(wanted, *image, to_start=to_start, replacing=replacing)
    from argosy.cli.podman import pod_create
    from argosy.pods import create as creation
    from argosy.pods import remove

    empty = ContainerOptions("")
    moved = {field: getattr(wanted, field) for field in _MOVED}
    pod = creation.create(
        engine.site,
        empty.replace(name=wanted.pod.removeprefix(pods.NEW), create_command=wanted.create_command, **moved),
        exit_policy=engine.conf.pod_exit_policy,
        infra=pod_create.infra_of(engine, pod_create.InfraFlags(None, None, None)),
        create_container=make,
    )
    own = wanted.replace(pod=pod.id, **{field: getattr(empty, field) for field in _MOVED})
    try:
        return make(own, *image, to_start=to_start, replacing=replacing)
    except BaseException:
        remove.remove(engine.site, pod.id, force=True)
        raise
