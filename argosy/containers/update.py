"""Other limits, and another restart policy, for a container that is there already: written down, in force at once."""

from __future__ import annotations

from argosy import jsontext
from argosy.containers import groups as cgroups
from argosy.containers import happened, limits, prepare, state
from argosy.containers import record as records
from argosy.linux import files
from argosy.records import shelf
from argosy.spec import resources
from argosy.values import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.linux.cgroup import Cgroups
    from argosy.runtime.oci_runtime import OciRuntime
    from argosy.spec.options import ContainerOptions

UNLIMITING = frozenset(("health", "restart"))  # fields that are no business of the runtime's


def update(site: Site, container_id: str, fields: Mapping[str, Any]) -> None:
    """Give these fields of the container's options other values.  All of it or nothing.

    Raises Unsupported for a limit that cannot hold here, BadOption for limits that contradict each other.
    """
    with site.store.containers.lock(container_id):
        record = records.read_record(site.store, container_id)
        before, after = record.options, record.options.replace(**fields)
        plan = prepare.read_plan(site.run_directory(container_id))
        runs = plan is not None and state.derive(site, container_id).status in (state.RUNNING, state.PAUSED)
        runtime = plan.runtime if plan is not None and runs and set(fields) - UNLIMITING else None
        if runtime is not None:
            _apply(site, record, runtime, before, after)
        try:
            _write(site, container_id, fields)
        except BaseException:
            if runtime is not None:
                _apply(site, record, runtime, after, before)
            raise
    happened.tell(site, record, "update")


def check(site: Site, options: ContainerOptions, groups: Cgroups, *, crun: bool) -> Mapping[str, str]:
    """What cannot be limited here.  Raises as `update`."""
    cannot = limits.unlimited(groups, options, rootless=site.namespace.rootless, crun=crun)
    resources.check_limits(options, cannot)
    resources.check_memory(options)
    limits.check_cpusets(groups, options)
    return cannot


def _apply(
    site: Site, record: ContainerRecord, runtime: OciRuntime, before: ContainerOptions, after: ContainerOptions
) -> None:
    groups = cgroups.detect(site)
    cannot = check(site, after, groups, crun=runtime.is_crun)
    wanted = resources.limits(after, cannot, limits.block_devices(after))
    old = resources.limits(before, cannot, limits.block_devices(before))
    changed = {key: section for key, section in wanted.items() if section != old.get(key)}
    if changed:
        runtime.update(record.id, jsontext.encode(changed))
        directory = site.run_directory(record.id)
        bundle = records.read_bundle(directory)  # where `inspect` looks
        bundle["linux"]["resources"].update(changed)
        files.write_atomic(f"{directory}/{records.BUNDLE}", shelf.seal(jsontext.encode(bundle)))


def _write(site: Site, container_id: str, fields: Mapping[str, Any]) -> None:
    found = records.read_value(site.store, container_id, records.CHANGES, records.Changes) or records.Changes()
    changed = {**found.options, **{name: plain(value) for name, value in fields.items()}}
    records.write_value(site.store, container_id, records.CHANGES, found.replace(options=changed), durable=True)
