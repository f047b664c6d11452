"""A pod as podman's PodSpecGenerator: the JSON from which libpod's API makes another one like it.

What podman 4.3.1 writes is there as it writes it; what it forgets of a pod (the namespaces that are shared, the exit
policy, names and servers) is written too.
"""

from __future__ import annotations

from argosy.containers import inspect, specgen
from argosy.containers import pod as pods

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.containers.site import Site

# Fields that a pod has of its infra container, under the same names.
_OF_INFRA = (
    *("pidns", "userns", "utsns", "netns", "portmappings", "Networks", "resource_limits", "shm_size", "idmappings"),
    *("hostname", "hostadd", "dns_server", "dns_search", "dns_option", "sysctl", "mounts", "volumes", "cgroup_parent"),
)


def document(site: Site, pod_id: str, name: str) -> dict[str, Any]:
    """The specification of the pod, under the name `name`."""
    pod = pods.read(site, pod_id)
    found: dict[str, Any] = {"name": name, "labels": dict(sorted(pod.options.labels.items()))}
    if pod.infra_id:
        infra = specgen.document(inspect.subject_of(site, pod.infra_id), name)
        found["infra_image"] = infra["image"]
        found |= {field: infra[field] for field in _OF_INFRA if field in infra}
    else:
        found["no_infra"] = True
    found["shared_namespaces"] = list(pod.share)
    found["exit_policy"] = pod.exit_policy
    found["restart_policy"] = pod.options.restart.name if pod.options.restart.name != "no" else ""
    return {field: value for field, value in found.items() if value not in ("", [], {})}
