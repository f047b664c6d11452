"""What docker prints of a pull: where the image comes from, its digest, and whether it was news."""

from __future__ import annotations

from argosy.cli.podman._images_docker import familiar
from argosy.oci import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.images.resolve import Resolved
    from argosy.oci.reference import Reference
    from argosy.storage.store import Store


class Told:
    """One pull, told line by line; `text` is the name that the user gave."""

    def __init__(self, store: Store, text: str, say: Callable[[str], None]) -> None:
        self._store = store
        self._say = say
        self._name = references.parse(text)
        self._before = store.refs.get(self._name)

    @property
    def name(self) -> str:
        """The name in full."""
        return str(self._name)

    def began(self) -> None:
        """What is known before the registry is asked."""
        shown = self._name.repository if self._name.registry == references.DOCKER_HUB else self._name.name
        self._say(f"{self._name.selector}: Pulling from {shown}")

    def ended(self, found: Resolved) -> None:
        """The digest, and whether the name means another image now."""
        record = found.record
        self._say(f"Digest: {record.indexes[-1] if record.indexes else record.manifest_digest}")
        known = self._before == self._store.refs.get(self._name)
        status = "Image is up to date" if known else "Downloaded newer image"
        self._say(f"Status: {status} for {familiar(str(self._name))}")


def for_container(store: Store, text: str, say: Callable[[str], None], *, missing: str) -> Told:
    """Tell that an image is pulled for a container; `missing` is its name if it was looked for here."""
    told = Told(store, text, say)
    if missing:
        say(f"Unable to find image '{familiar(told.name)}' locally")
    told.began()
    return told


def default_tag(text: str) -> bool:
    """Whether docker tells that the tag `latest` was meant."""
    name: Reference = references.parse(text, default_tag="")
    return not name.selector
