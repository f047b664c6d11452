"""What killed commands have left of pods: named, and with `repair` gone.

Damaged files are `storage.check`'s business.
"""

from __future__ import annotations

from argosy.containers import check as containers
from argosy.containers import pod as pods
from argosy.containers import record as records
from argosy.errors import ArgosyError
from argosy.pods import remove
from argosy.storage.check import REPAIR, Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.site import Site


def check(site: Site, *, repair: bool = False) -> list[Finding]:
    """Look at every pod, and at every container that names one."""
    return [*_pods(site, repair=repair), *_containers(site, repair=repair)]


def _pods(site: Site, *, repair: bool) -> Iterator[Finding]:
    for pod_id in site.store.pods.ids():
        path = f"{site.store.pods.path(pod_id)}/{pods.REMOVING}"
        try:
            pod = pods.read(site, pod_id)
            lock = site.store.pods.lock(pod_id, wait=False)
        except ArgosyError:
            continue  # it is gone, or `storage.check` says what is wrong with it
        if lock is None:
            continue
        lock.release()
        if pods.is_removed(site, pod_id):
            finding = Finding("pod", pod.name, path, "its removal was interrupted", hint=REPAIR)
            if repair:
                try:
                    remove.remove(site, pod_id, force=True)
                    finding = finding.replace(repaired="removed", hint="")
                except ArgosyError as error:
                    finding = finding.replace(problem=f"{finding.problem}; it cannot be removed: {error}")
            yield finding
        elif pod.infra_id and not site.store.containers.exists(pod.infra_id):
            hint = f"argosy pod rm --force {pod.name}"
            yield Finding("pod", pod.name, path, "its infra container is gone", hint=hint)


def _containers(site: Site, *, repair: bool) -> Iterator[Finding]:
    for container_id in site.store.containers.ids():
        try:
            record = records.read_record(site.store, container_id)
        except ArgosyError:
            continue
        if not record.options.pod or site.store.pods.exists(record.options.pod):
            continue
        path = site.state_directory(container_id)
        if not record.options.infra:
            hint = f"argosy rm {record.id[:12]}"
            yield Finding("container", record.id[:12], path, "the pod that it is in does not exist", hint=hint)
        elif not repair:
            if not containers.is_being_made(record):
                yield Finding("container", record.id[:12], path, "it was made for a pod that is not there", hint=REPAIR)
        elif containers.make_way(site, container_id):
            problem = "it was made for a pod that is not there"
            yield Finding("container", record.id[:12], path, problem, repaired="removed")
