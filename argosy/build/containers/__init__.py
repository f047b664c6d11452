"""Working containers: what buildah's commands change step by step, and make images of.

record     what is known of one, and where it lies
changes    of its configuration, as a program gives them
create     from an image, or from nothing
content    COPY and ADD into it
run        a program in it
commit     its image
"""

from __future__ import annotations

from argosy.build.containers import record as records
from argosy.build.containers.record import InUse, WorkingRecord
from argosy.errors import ArgosyError, Exists
from argosy.linux import mounts
from argosy.storage import rootfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.build.containers.commit import Wanted
    from argosy.build.containers.content import Transfer
    from argosy.build.containers.run import Extra
    from argosy.build.executor import Site
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.oci.platform import Platform
    from argosy.spec.options import ContainerOptions
    from argosy.storage.images import ImageRecord


class WorkingContainers:
    """The working containers of a store.  Each method raises NotFound for one that is not there.

    A container's lock is shared by what runs in it, and held alone by what changes it.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._store = site.store
        self._shelf = site.store.shelf("working")

    def create(
        self, image: str, *, name: str, platform: Platform, policy: str, form: str, options: ContainerOptions
    ) -> WorkingRecord:
        """A new container of an image, or of nothing (`scratch`), under `name` or one that is made of the image's."""
        from argosy.build.containers import create

        return create.create(self._site, image, name=name, platform=platform, policy=policy, form=form, options=options)

    def find(self, text: str) -> WorkingRecord:
        """The container with this name, id or beginning of an id."""
        return records.find(self._shelf, text)

    def all(self) -> list[WorkingRecord]:
        """All of them, the oldest first."""
        return records.everything(self._shelf)

    def change(self, container_id: str, change: Callable[[WorkingRecord], WorkingRecord]) -> WorkingRecord:
        """Change what is recorded of it."""
        with self._shelf.lock(container_id):
            changed = change(records.read(self._shelf, container_id))
            records.write(self._shelf, changed)
            return changed

    def rename(self, text: str, name: str) -> None:
        """Give it another name.  Raises ArgosyError for one that is taken."""
        found = self.find(text)
        with self._shelf.lock(found.id):
            try:
                self._shelf.rename(found.id, name)
            except Exists as error:
                raise ArgosyError(
                    f'The container name "{name}" is already in use by container "{error.holder}"'
                ) from None

    def remove(self, text: str) -> str:
        """Remove it with all that was changed in it; its id.  Raises InUse while something runs in it."""
        found = self.find(text)
        lock = self._shelf.lock(found.id, wait=False)
        if lock is None:
            raise InUse(found.name)
        with lock:
            rootfs.unmount(self._shelf.path(found.id))
            self._shelf.remove(found.id)
        return found.id

    def mount(self, text: str) -> str:
        """Mount its tree, where it stays until `unmount`; returns where."""
        found = self.find(text)
        with self._shelf.lock(found.id):
            return records.mount(self._store, self._shelf, found)

    def mount_point(self, container_id: str) -> str:
        """Where its tree is mounted; "" where it is not."""
        place = f"{self._shelf.path(container_id)}/merged"
        return place if mounts.is_mount_point(place) else ""

    def unmount(self, text: str) -> str:
        """Unmount its tree; its id.  Nothing happens when it is not mounted."""
        found = self.find(text)
        with self._shelf.lock(found.id):
            rootfs.unmount(self._shelf.path(found.id))
        return found.id

    def run(
        self,
        text: str,
        options: ContainerOptions,
        config: Callable[[ContainerConfig], ContainerConfig],
        extra: Extra | None = None,
        output: tuple[int, int] = (1, 2),
    ) -> int:
        """Run the command of `options` in it; the exit status.

        `config` makes the configuration that it runs with, `extra` are mounts as those of a Dockerfile's RUN, `output`
        the descriptors for output and errors.
        """
        from argosy.build.containers import run

        return run.run(self._site, self._shelf, self.find(text), options, config, extra or run.Extra(), output)

    def transfer(self, text: str, wanted: Transfer) -> str:
        """Copy files into it; the digest of what was copied, in hexadecimal."""
        from argosy.build.containers import content

        return content.transfer_files(self._site, self._shelf, self.find(text), wanted)

    def commit(self, text: str, wanted: Wanted, warn: Callable[[str], None]) -> ImageRecord:
        """Make an image of it.  It is on disk when this returns."""
        from argosy.build.containers import commit

        return commit.commit(self._site, self._shelf, self.find(text), wanted, warn)
