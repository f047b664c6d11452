"""`commit`: the image of a working container, which stays as it is unless it is to go."""

from __future__ import annotations

import os
import time

from argosy.build import result
from argosy.build.containers import record as records
from argosy.build.containers.record import InUse
from argosy.images import timestamps
from argosy.linux.idmap import ALL_IDS, IdMap
from argosy.oci import mediatypes
from argosy.oci.imageconfig import History
from argosy.oci.reference import Reference
from argosy.records.scratch import Scratch
from argosy.storage import built, mapping, rootfs
from argosy.storage.images import LayerRef
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from argosy.build.containers.record import WorkingRecord
    from argosy.build.executor import Site
    from argosy.build.state import State
    from argosy.records.shelf import Shelf
    from argosy.storage.images import ImageRecord
    from argosy.storage.layers import LayerMeta
    from argosy.storage.store import Store
    from argosy.storage.work import Work

_AS_THEY_ARE = IdMap.of([(0, 0, ALL_IDS)], [(0, 0, ALL_IDS)])


class Wanted(Value):
    """How to commit.  `format` is "" for the container's own; `time_s` is the time that everything in the image gets.

    `remove` takes the container away, once its image is there.
    """

    names: tuple[Reference, ...] = ()
    format: str = ""
    squash: bool = False
    remove: bool = False
    time_s: int | None = None
    omit_history: bool = False
    unset_env: tuple[str, ...] = ()
    identity: bool = False  # as in BuildOptions


def commit(site: Site, shelf: Shelf, record: WorkingRecord, wanted: Wanted, warn: Callable[[str], None]) -> ImageRecord:
    """Make the image.  It is on disk when this returns.  Raises InUse while something runs in the container."""
    lock = shelf.lock(record.id, wait=False)
    if lock is None:
        raise InUse(record.name)
    with lock, site.store.work() as work, Scratch(site.store.tmp) as scratch:
        record = records.read(shelf, record.id)
        work.pin(*record.diff_ids)
        site.store.unstable.begin()
        meta = _layer(site.store, work, shelf.path(record.id), record, f"{scratch.path}/layer", wanted)
        form = wanted.format or record.format
        image = result.image(
            *(site.store, work, _state(record, meta, form, wanted), _finish(record, wanted, form)),
            *(_now(wanted.time_s), warn),
            more=_docker_fields(record, form),
        )
        if wanted.remove:
            rootfs.unmount(shelf.path(record.id))
            shelf.remove(record.id)
        return image


def _layer(store: Store, work: Work, directory: str, record: WorkingRecord, place: str, wanted: Wanted) -> LayerMeta:
    """The layer of what was changed, or of everything, from a copy that is made at `place`."""
    upper = f"{directory}/upper"
    if not os.path.isdir(upper):
        records.mount(store, store.shelf("working"), record)
        rootfs.unmount(directory)
    whole = store.driver == "vfs"  # which keeps no changes apart
    chain = store.chains.ensure_fix(record.diff_ids)
    lowers = rootfs.lower_directories(store, record.diff_ids, chain.chain_id, fixed=chain.fixed)
    if not wanted.squash or record.id_map is not None:
        mapping.map_back(upper, place, record.id_map or _AS_THEY_ARE, store.xattrs)
        upper = place
    if wanted.squash:
        from argosy.storage.drivers.copying import copy_merged

        place = f"{place}-whole"
        copy_merged((upper, *(() if whole else lowers)), place, store.xattrs)
    elif whole:
        from argosy.storage import delta

        place = f"{place}-changed"
        delta.extract(upper, lowers, place, store.xattrs)
    return built.commit(store, work, place, latest_s=wanted.time_s, exact=wanted.time_s is not None)


def _state(record: WorkingRecord, meta: LayerMeta, form: str, wanted: Wanted) -> State:
    """Image, added history, and the layer: what the last entry of the history tells of."""
    media_type = mediatypes.OCI_LAYER if form == "oci" else mediatypes.DOCKER_LAYER
    layer = LayerRef(meta.diff_id, "", meta.size_bytes, media_type)
    state = record.state()
    told = History(
        _now(wanted.time_s),
        record.created_by or "/bin/sh",
        author=record.author,
        comment=record.history_comment or (f"FROM {record.image}" if record.image else ""),
    )
    before = () if wanted.squash else (*record.history, *record.added)
    return state.replace(
        config=record.config,
        layers=(layer,) if wanted.squash else (*record.layers, layer),
        history=(*before, told),
    )


def _finish(record: WorkingRecord, wanted: Wanted, form: str) -> result.Finish:
    return result.Finish(
        names=wanted.names,
        annotations=record.annotations,
        format=form,
        omit_history=wanted.omit_history,
        unset_env=wanted.unset_env,
        os_features=record.os_features,
        identity=wanted.identity,
    )


def _docker_fields(record: WorkingRecord, form: str) -> dict[str, Any]:
    """What an image config holds that only docker's form has, or only Windows."""
    found: dict[str, Any] = {}
    if form == "docker":
        names = {"Hostname": record.hostname, "Domainname": record.domainname}
        found["config"] = {key: value for key, value in names.items() if value}
        if record.comment:
            found["comment"] = record.comment
    return found


def _now(time_s: int | None) -> str:
    return timestamps.show(time.time_ns() if time_s is None else time_s * 1_000_000_000)
