"""`rmi`: names and images removed, as podman does it.

By a name: the name goes; with the last name goes the image, unless a container was made from it.  By an id: the image
goes with its only name; with several names only by force.  What nothing else needs of it is collected afterwards.
"""

from __future__ import annotations

from argosy.errors import ArgosyError, NotFound
from argosy.images.inventory import Family, Image, containers_by_image, inventory
from argosy.images.manifestlist import Lists
from argosy.images.naming import current, locked
from argosy.images.resolve import ImageNotKnown, resolve
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from argosy.images.resolve import LoadRegistries
    from argosy.oci.reference import Reference
    from argosy.storage.store import Store

    RemoveContainer = Callable[[str], None]


class ImageInUse(ArgosyError):
    """Containers were made from the image."""

    default_exit_code = 2

    def __init__(self, containers: tuple[str, ...]) -> None:
        super().__init__(
            f"image used by {containers[0]}: image is in use by a container",
            hint="remove the container first, or both with --force",
        )
        self.containers = containers


class SeveralNames(ArgosyError):
    """An id was given, and the image has several names."""

    def __init__(self, image: Image) -> None:
        names = " ".join(map(str, image.names))
        super().__init__(
            f'unable to delete image "{image.id}" by ID with more than one tag ([{names}]): please force removal',
            hint="name the one that shall go, or use --force to remove them all",
        )


class ImageReadOnly(ArgosyError):
    """The image is in an additional image store (podman's words)."""

    def __init__(self, image_id: str, lender: str) -> None:
        super().__init__(
            f'cannot remove read-only image "{image_id}"',
            hint=f"it is in the additional image store {lender}: leave that out, or ask its owner",
        )


class Removed(Value):
    """What happened to one image: the names that it lost, and its id if it is gone."""

    untagged: tuple[str, ...] = ()
    deleted: str = ""


class RemoveOptions(Value):
    """`force` removes containers and several names too; `prune` takes dangling images that the image was made from."""

    force: bool = False
    prune: bool = True


class Remover:
    """Removes images from one store.  `remove_container` is called with the id of each container that is in the way."""

    def __init__(
        self, store: Store, registries: LoadRegistries, options: RemoveOptions, remove_container: RemoveContainer
    ) -> None:
        self._store = store
        self._registries = registries
        self._options = options
        self._remove_container = remove_container

    def remove(self, text: str) -> tuple[Removed, ...]:
        """Remove what `text` means; more than one entry when parents went too.  The caller collects the garbage.

        Raises ImageNotKnown, ImageInUse, SeveralNames, ImageReadOnly.
        """
        lists = Lists(self._store)
        if lists.meant(text, self._registries):
            names, gone = lists.drop(text, self._registries, force=self._options.force)
            self._tell(gone, names)
            return (Removed(names, gone),)
        found = resolve(self._store, self._registries, text)
        if found.lender:
            raise ImageReadOnly(found.record.config_digest.partition(":")[2], found.lender)
        image = self._image(found.record.config_digest, text)
        if found.name is None:
            return self._remove_by_id(image)
        return self._remove_by_name(image, found.name)

    def remove_image(self, image: Image) -> tuple[Removed, ...]:
        """Remove an image with all its names.  It stays if it has got another name meanwhile.  Raises ImageInUse."""
        if image.is_list:
            return self._remove_list(image)
        if image.containers:
            if not self._options.force:
                raise ImageInUse(image.containers)
            for container_id in image.containers:
                self._remove_container(container_id)
            left = containers_by_image(self._store).get(f"sha256:{image.id}")
            if left:  # of the other mode of the store, which ours does not see
                raise ImageInUse(tuple(left))
        with locked(self._store):
            untagged = tuple(str(name) for name in image.names if self._store.refs.remove(name))
            for name in untagged:
                self._store.events.write("image", "untag", ID=image.id, Name=name)
            if current(self._store, image.manifests):
                return (Removed(untagged),)
            if not sum(self._forget(manifest) for manifest in image.manifests):
                return (Removed(untagged),) if untagged else ()
        self._store.events.write("image", "remove", ID=image.id, Name=untagged[0] if untagged else "")
        return (Removed(untagged, image.id), *self._remove_parents(image))

    def _remove_list(self, image: Image) -> tuple[Removed, ...]:
        try:
            Lists(self._store).remove(image.id)
        except NotFound:
            return ()  # another process was quicker
        names = tuple(map(str, image.names))
        self._tell(image.id, names)
        return (Removed(names, image.id),)

    def _tell(self, gone: str, names: tuple[str, ...]) -> None:
        """Write down what happened to a list."""
        for name in names:
            self._store.events.write("image", "untag", ID=gone, Name=name)
        if gone:
            self._store.events.write("image", "remove", ID=gone, Name=names[0] if names else "")

    def _forget(self, manifest_digest: str) -> bool:
        """Remove the record; false when another process was quicker."""
        try:
            self._store.images.remove(manifest_digest)
        except NotFound:
            return False
        return True

    def _image(self, config_digest: str, text: str) -> Image:
        for image in inventory(self._store).images:
            if f"sha256:{image.id}" == config_digest:
                return image
        raise ImageNotKnown(text)

    def _remove_by_id(self, image: Image) -> tuple[Removed, ...]:
        if len(image.names) > 1 and not self._options.force:
            raise SeveralNames(image)
        return self.remove_image(image)

    def _remove_by_name(self, image: Image, name: Reference) -> tuple[Removed, ...]:
        if any(other != name for other in image.names):
            self._untag(image, name)
            return (Removed((str(name),)),)
        return self.remove_image(image)

    def _untag(self, image: Image, name: Reference) -> None:
        """Take one name from an image that keeps others, and with it a manifest of the same image that had no other."""
        with locked(self._store):
            digest = self._store.refs.get(name)
            self._store.refs.remove(name)
            self._store.events.write("image", "untag", ID=image.id, Name=str(name))
            if digest is None or len(image.records) == 1 or image.containers:
                return
            if not current(self._store, frozenset((digest,))):
                self._forget(digest)

    def _remove_parents(self, child: Image) -> tuple[Removed, ...]:
        """Remove the images without name, child or container that this one was made from."""
        if not self._options.prune:
            return ()
        found = inventory(self._store).images
        if not any(image.dangling for image in found):
            return ()
        parents = Family(self._store, (*found, child)).parents(child)
        family = Family(self._store, found)
        for parent in parents:
            if parent.dangling and not (parent.lender or parent.containers) and not family.children(parent):
                return self.remove_image(parent)
        return ()


def exit_code(errors: Sequence[ArgosyError]) -> int:
    """podman's: 1 when all that went wrong is images that do not exist, 2 when one is in use, else 125."""
    if not errors:
        return 0
    if any(isinstance(error, ImageInUse) for error in errors):
        return 2
    return 1 if all(isinstance(error, NotFound) for error in errors) else 125
