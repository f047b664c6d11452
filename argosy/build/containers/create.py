"""`from`: a working container of an image, or of nothing."""

from __future__ import annotations

import os
import time

from argosy import jsontext
from argosy.build import configure
from argosy.build.containers import record as records
from argosy.build.containers.record import WorkingRecord
from argosy.build.working import check_owners
from argosy.errors import ArgosyError, Exists
from argosy.oci.imageconfig import ContainerConfig
from argosy.storage.work import PINS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.executor import Site
    from argosy.oci.platform import Platform
    from argosy.spec.options import ContainerOptions

_SUFFIX = "working-container"


def create(
    site: Site, image: str, *, name: str, platform: Platform, policy: str, form: str, options: ContainerOptions
) -> WorkingRecord:
    """Make it.  It is on disk when this returns.  Raises ArgosyError for a name that is taken."""
    container_id = os.urandom(32).hex()
    options, id_map = site.user_namespace(options)
    with site.store.work() as work:
        if image == "scratch":
            record = WorkingRecord(container_id, time.time(), platform, ContainerConfig(), options, format=form)
        else:
            record = _of_image(site, container_id, image, platform, policy, options).replace(format=form)
            work.pin(record.manifest_digest)
            if id_map is not None:
                check_owners(site.store, record.diff_ids, id_map)
        return _enter(site, record.replace(id_map=id_map), name, _base(record.image or image, record.image_id))


def _of_image(
    site: Site, container_id: str, image: str, platform: Platform, policy: str, options: ContainerOptions
) -> WorkingRecord:
    from argosy.images import resolve

    found = site.find_image(image, platform, policy)
    config = resolve.config(site.store, found.record)
    made = records.of_image(found, config, container_id, time.time(), options)
    if any(entry.startswith("PATH=") for entry in made.config.env):
        return made
    return made.replace(config=made.config.replace(env=(configure.DEFAULT_PATH, *made.config.env)))


def _base(image: str, image_id: str) -> str:
    """What a name is made of: the last part of the image's, without tag or digest."""
    if image == "scratch":
        return _SUFFIX
    last = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return f"{image_id[:12] if image == image_id else last}-{_SUFFIX}"


def _enter(site: Site, record: WorkingRecord, name: str, base: str) -> WorkingRecord:
    """Put it on the shelf, under `name`, or the first name made of `base` that is free."""
    shelf = site.store.shelf("working")
    pins = [record.manifest_digest, *record.diff_ids] if record.manifest_digest else []
    number = 0
    with shelf.stage(record.id) as staged:
        staged.write(records.FILE, jsontext.encode(record.to_json()))
        staged.write(PINS, "".join(f"{digest}\n" for digest in pins).encode())
        while True:
            wanted = name or (f"{base}-{number}" if number else base)
            try:
                staged.commit(wanted, durable=True)
            except Exists as error:
                if not name:
                    number += 1
                    continue
                what = f'creating container: the container name "{name}" is already in use by {error.holder}'
                raise ArgosyError(
                    f"{what}. You have to remove that container to be able to reuse that name: "
                    "that name is already in use"
                ) from None
            return record.replace(name=wanted)
