"""`tag` and `untag`: names given to an image and taken from it."""

from __future__ import annotations

from argosy.errors import ArgosyError
from argosy.images.inventory import image_of
from argosy.images.manifestlist import Lists
from argosy.images.naming import LOCALHOST, local_name, locked
from argosy.images.resolve import resolve
from argosy.oci import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.images.resolve import LoadRegistries
    from argosy.oci.reference import Reference
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store


class TagNotKnown(ArgosyError):
    """The image does not have this name."""

    def __init__(self, name: Reference) -> None:
        super().__init__(f"{name}: tag not known")
        self.name = name


def tag(store: Store, registries: LoadRegistries, text: str, targets: Sequence[str], home: str = LOCALHOST) -> None:
    """Give the image that `text` means the names `targets`; another image that had one of them loses it.  `home` is the
    registry of names that have none.

    Nothing is done unless all names are valid.  An image of an additional store becomes one of this store as well, with
    the new names alone; what it is made of stays where it is, as long as this user can use it there.
    """
    names = [local_name(target, home) for target in targets]
    lists = Lists(store)
    list_id = lists.meant(text, registries)
    if list_id:
        lists.name(list_id, names)
        for name in names:
            store.events.write("image", "tag", ID=list_id, Name=str(name))
        return
    found = resolve(store, registries, text)
    if found.lender:
        _borrow(store, found.record, names)
    with locked(store):
        record = found.record if found.lender else resolve(store, registries, text).record
        for name in names:
            lists.take(name)
            store.refs.set(name, record.manifest_digest)
            store.events.write("image", "tag", ID=_id(record), Name=str(name))


def untag(store: Store, registries: LoadRegistries, text: str, targets: Sequence[str]) -> tuple[Reference, ...]:
    """Take the names `targets`, or all where there are none, from the image that `text` means; returns those taken.

    The image stays.  Raises TagNotKnown, before anything is done, for a name that is not one of the image's.
    """
    lists = Lists(store)
    list_id = lists.meant(text, registries)
    if list_id:
        return _untag_list(store, lists, list_id, [local_name(target) for target in targets])
    found = resolve(store, registries, text)
    if found.lender:
        raise ArgosyError(
            f"cannot untag {found.shown}: the image is read-only",
            hint=f"it is in the additional image store {found.lender}: ask its owner",
        )
    image = image_of(store, found.record)
    names = [local_name(target) for target in targets]
    for name in names:
        if name not in image.names:
            raise TagNotKnown(name)
    taken = tuple(dict.fromkeys(names)) or image.names
    with locked(store):
        for name in taken:
            store.refs.remove(name)
            store.events.write("image", "untag", ID=_id(found.record), Name=str(name))
    return taken


def _id(record: ImageRecord) -> str:
    return record.config_digest.partition(":")[2]


def _untag_list(store: Store, lists: Lists, list_id: str, names: Sequence[Reference]) -> tuple[Reference, ...]:
    with locked(store):
        own = lists.get(list_id).names
        for name in names:
            if str(name) not in own:
                raise TagNotKnown(name)
        taken = tuple(dict.fromkeys(names)) or tuple(map(references.parse, own))
        for name in taken:
            lists.take(name)
            store.events.write("image", "untag", ID=list_id, Name=str(name))
    return taken


def _borrow(store: Store, record: ImageRecord, names: Sequence[Reference]) -> None:
    from argosy.images.restore import restore

    with store.work((record.manifest_digest, record.config_digest, *record.diff_ids)):
        restore(store, record)
        store.images.put(record.replace(repo_digests=_repo_digests(record, names)))


def _repo_digests(record: ImageRecord, names: Sequence[Reference]) -> tuple[str, ...]:
    digests = (record.manifest_digest, *record.indexes)
    return tuple(dict.fromkeys(f"{name.name}@{digest}" for name in names for digest in digests))
