"""The document of `inspect` of a container as templates see it: with the fields that JSON leaves out when empty."""

from __future__ import annotations

from argosy.cli.documents import with_moments
from argosy.cli.templates.values import NIL, NilList, NilMap, Struct, with_maps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NO_TIME = "0001-01-01T00:00:00Z"
_WHOLE: dict[str, Any] = {"SizeRw": NIL, "SizeRootFs": 0}
_STATE: dict[str, Any] = {
    "Checkpointed": False,
    "CheckpointedAt": _NO_TIME,
    "RestoredAt": _NO_TIME,
    "CheckpointLog": "",
    "CheckpointPath": "",
    "RestoreLog": "",
    "Restored": False,
    "StoppedByUser": False,
}
_CONFIG: dict[str, Any] = {
    "Healthcheck": NIL,
    "CreateCommand": NilList(),
    "Timezone": "",
    "SystemdMode": False,
    "Umask": "",
    "Secrets": NilList(),
    "Timeout": 0,
    "StopTimeout": 0,
    "Passwd": True,
    "ChrootDirs": NilList(),
    "SdNotifyMode": "",
    "SdNotifySocket": "",
}
_HOST_CONFIG: dict[str, Any] = {"CgroupConf": NilMap(), "IDMappings": NIL}
_MOUNT: dict[str, Any] = {"Type": "", "Name": ""}


def struct(document: dict[str, Any]) -> Struct:
    """`document`, as `containers.inspect` gives it, with Go's zero values for what is not there."""
    fields = with_maps(with_moments(document, ("CreatedAt",)))
    state = {**with_moments(_STATE), **fields["State"]}
    if "Health" in state:
        state["Healthcheck"] = state["Health"]  # podman takes the one name for the other
    whole = {
        **_WHOLE,
        **fields,
        "State": Struct(state, type_name="*define.InspectContainerState", kept=fields["State"]),
        "Config": _filled(_CONFIG, fields["Config"], "*define.InspectContainerConfig"),
        "HostConfig": _filled(_HOST_CONFIG, fields["HostConfig"], "*define.InspectContainerHostConfig"),
        "Mounts": [_filled(_MOUNT, mount, "define.InspectMount") for mount in fields["Mounts"]],
    }
    return Struct(whole, type_name="interface {}", kept=fields)


def _filled(zeroes: dict[str, Any], fields: dict[str, Any], type_name: str) -> Struct:
    return Struct({**zeroes, **fields}, type_name=type_name, kept=fields)
