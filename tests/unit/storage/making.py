"""Stores on a temporary directory, and layers and images to put into them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping

from argosy import jsontext
from argosy.linux.idmap import identity
from argosy.oci.digest import Digest
from argosy.storage import creation
from argosy.storage.chains import chain_id
from argosy.storage.images import ImageRecord, LayerRef
from argosy.storage.layers import LayerMeta
from argosy.storage.store import Store, StoreRecord

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def make_store(directory: str) -> Store:
    """A store with the overlay driver, made without trying whether that works here."""
    root, run = f"{directory}/root", f"{directory}/run"
    for name in creation.DIRECTORIES:
        os.makedirs(f"{root}/{name}", exist_ok=True)
    xattrs = "trusted" if os.geteuid() == 0 else "user"
    record = StoreRecord(format=1, driver="overlay", xattrs=xattrs, run=run, id_map=identity())
    creation.write(root, record)
    return Store(root, run, rootless=False, id_map=identity(), record=record)


def reopened(store: Store) -> Store:
    """The same store as another process sees it."""
    return Store(store.root, store.run, rootless=store.rootless, id_map=store.id_map, record=store.record)


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


Pin = Callable[[str], None]


def _no_pin(_digest: str) -> None:
    """For tests in which nothing is collected meanwhile."""


def add_layer(
    store: Store,
    tree: Mapping[str, bytes | None],
    *,
    undeclared: tuple[str, ...] = (),
    whiteouts: tuple[str, ...] = (),
    pin: Pin = _no_pin,
) -> str:
    """A layer of files (bytes) and directories (None); its diff id is made up."""
    seed = repr((sorted(tree.items()), undeclared, whiteouts)).encode()
    diff_id = sha256(seed)
    pin(diff_id)
    with store.layers.stage(diff_id) as staged:
        if staged.present:
            return diff_id
        for path, content in tree.items():
            full = f"{staged.path}/{path}"
            if content is None:
                os.makedirs(full, exist_ok=True)
            else:
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "wb") as file:
                    file.write(content)
        size = sum(len(content) for content in tree.values() if content is not None)
        meta = LayerMeta(diff_id, size, len(tree), undeclared, whiteouts)
        store.layers.commit(staged, meta)
    return diff_id


def add_image(
    store: Store, diff_ids: tuple[str, ...], *, salt: str = "", durable: bool = False, pin: Pin = _no_pin
) -> ImageRecord:
    """An image of layers that are there, with proper manifest and config; its layer blobs are made up and stored."""

    def put(data: bytes) -> Digest:
        pin(sha256(data))
        return store.blobs.put(data)

    blobs = [put(f"blob of {diff_id}".encode()) for diff_id in diff_ids]
    config = jsontext.encode(
        {
            "os": "linux",
            "architecture": "amd64",
            "created": "2024-01-01T00:00:00Z",
            "author": salt,
            "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
        }
    )
    layers = [{"mediaType": LAYER, "digest": str(blob), "size": store.blobs.size(blob)} for blob in blobs]
    manifest = jsontext.encode(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": sha256(config), "size": len(config)},
            "layers": layers,
        }
    )
    if diff_ids:
        pin(chain_id(diff_ids))
    chain = store.chains.ensure_fix(diff_ids)
    record = ImageRecord(
        manifest_digest=str(put(manifest)),
        media_type=MANIFEST,
        config_digest=str(put(config)),
        created_at=1.0,
        architecture="amd64",
        created="2024-01-01T00:00:00Z",
        layers=tuple(
            LayerRef(diff_id, str(blob), store.blobs.size(blob), LAYER)
            for diff_id, blob in zip(diff_ids, blobs, strict=True)
        ),
        chain_id=chain_id(diff_ids),
        fixed=chain.fixed,
        size_bytes=sum(store.layers.meta(diff_id).size_bytes for diff_id in diff_ids),
    )
    if durable:
        store.unstable.settle()
    return store.images.put(record, durable=durable)


def add_container(store: Store, image: ImageRecord, object_id: str, name: str) -> None:
    """A container record as far as the store looks into it."""
    pin = {
        "manifest_digest": image.manifest_digest,
        "id": image.config_digest,
        "layers": list(image.diff_ids),
        "chain_id": image.chain_id,
        "fixed": image.fixed,
    }
    with store.containers.stage(object_id) as staged:
        staged.write("container.json", jsontext.encode({"id": object_id, "name": name, "image": pin}))
        staged.write("last.json", b'{"exit_code":0}')
        staged.commit(name)
