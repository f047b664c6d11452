"""Images as programs see them: what `engine.images` can do."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from argosy.errors import Invalid, NotFound
from argosy.images import resolve as resolving
from argosy.images.import_ import ImportOptions
from argosy.library.facade import Facade

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from argosy.images.archives import Archive
    from argosy.images.history import Step
    from argosy.images.inventory import Image, Inventory
    from argosy.images.progress import Progress
    from argosy.images.pull import Puller
    from argosy.images.remove import Removed
    from argosy.images.resolve import Resolved
    from argosy.storage.images import ImageRecord
    from argosy.transports.access import RegistryOptions


class Images(Facade):
    """All images of one store.

    `image` is a name (`busybox`, `registry.example.org/team/app:1.2`, with a digest), an image id (64 hexadecimal
    digits, the digest of its config) or an unambiguous beginning of one.  Methods that look for it in the store raise
    NotFound when it is not there, and Invalid when several images fit.  Sizes are in bytes.  `progress` is called in
    several threads where the work is done in this process.  All methods may be called from several threads at once.
    """

    def pull(
        self,
        image: str,
        *,
        policy: str = "always",
        platform: str = "",
        options: RegistryOptions | None = None,
        progress: Progress | None = None,
    ) -> Resolved:
        """Have an image in the store: from its registry, or as it is there when `policy` lets it be.

        `policy` is "always", "missing", "newer" or "never"; `platform` is OS/ARCHITECTURE[/VARIANT], the host's where
        empty.  A short name is tried at each place that registries.conf gives for it.  Raises ArgosyError in the
        registry's own words, NotFound with the policy "never", Invalid for content that breaks a rule.
        """
        from argosy.images import pull

        return pull.pull_text(self._puller(platform, options, progress), image, policy)

    def pull_all_tags(
        self,
        repository: str,
        *,
        platform: str = "",
        options: RegistryOptions | None = None,
        progress: Progress | None = None,
    ) -> tuple[Resolved, ...]:
        """Pull every tag of a repository, in the registry's order.  Raises as `pull` does; earlier tags then stay."""
        from argosy.images import pull

        return pull.pull_all_tags(self._puller(platform, options, progress), repository)

    def _puller(self, platform: str, options: RegistryOptions | None, progress: Progress | None) -> Puller:
        from argosy.oci import platform as platforms

        wanted = platforms.parse(platform) if platform else None
        return self._engine.puller(options=options, platform=wanted, progress=progress)

    def import_archive(
        self,
        source: str | IO[bytes],
        name: str = "",
        options: ImportOptions = ImportOptions(),  # noqa: B008 -- frozen
        progress: Progress | None = None,
    ) -> ImageRecord:
        """Make an image of a tar archive of a file system, plain or compressed; on disk when this returns.

        `source` is an absolute path, an http or https URL, or an open file with a descriptor, which is read from where
        it stands to its end.  `name` without a registry is one of `localhost/`.  Raises ArgosyError for what is no tar
        archive, Invalid for a name or a change that breaks a rule.
        """
        from argosy.images import import_, naming

        called = naming.local_name(name) if name else None
        with self._archive(source) as archive:
            admit = self._engine.trust().admit_tarball
            return import_.import_archive(self._engine.store, archive, called, options, progress, admit=admit)

    def _archive(self, source: str | int | IO[bytes]) -> Archive:
        """The archive; a number is the descriptor of a file in another process, which has been sent to this one."""
        from argosy.images import archives

        if isinstance(source, str):
            if not (source.startswith("/") or archives.is_url(source)):
                raise Invalid("archive", source, "it is neither an absolute path nor a URL", hint="see os.path.abspath")
            return archives.open_archive(source, self._engine.store.root, self._engine.environ)
        fd = source if isinstance(source, int) else source.fileno()
        return archives.Archive(
            f"descriptor {fd}",
            lambda: os.read(fd, archives.CHUNK_BYTES),
            lambda: None,
            size=os.fstat(fd).st_size or None,
            created_ns=time.time_ns(),
        )

    def resolve(self, image: str) -> Resolved:
        """The image's record, and the name by which it was found."""
        return resolving.resolve(self._engine.store, self._engine.load_registries, image)

    def exists(self, image: str) -> bool:
        """Whether there is such an image in the store."""
        try:
            self.resolve(image)
        except NotFound:
            return False
        return True

    def list(self, filters: Sequence[str] = (), *, everything: bool = False) -> Inventory:
        """The images that all filters accept, in no order, with their names and the ids of their containers.

        Filters are those of `argosy images --filter`, as "label=x"; without `everything`, nameless images that only
        serve others as their lower part are left out.  What could not be read is told apart, as errors.
        """
        from argosy.images import lists

        engine = self._engine
        return lists.images(engine.store, engine.load_registries, tuple(filters), everything=everything, users=True)

    def inspect(self, image: str) -> dict[str, Any]:
        """All that is known about an image, with podman's fields."""
        from argosy.images import inspect

        found = self.resolve(image)
        return inspect.inspect(self._engine.store, self._whole(found), found.record)

    def history(self, image: str) -> tuple[Step, ...]:
        """How its layers came about, the newest first."""
        from argosy.images import history

        found = self.resolve(image)
        return history.history(self._engine.store, found.record, self._whole(found).names)

    def _whole(self, found: Resolved) -> Image:
        from argosy.images import inventory

        return inventory.image_of(self._engine.store, found.record)

    def tag(self, image: str, *names: str) -> None:
        """Give an image more names; another image that had one of them loses it.  All names or, when one is Invalid,
        none."""
        from argosy.images import tag

        tag.tag(self._engine.store, self._engine.load_registries, image, names)

    def untag(self, image: str, *names: str) -> tuple[str, ...]:
        """Take names, or all where none is given, from an image, which stays; returns those taken.

        Raises ArgosyError, with nothing done, when one is not the image's.
        """
        from argosy.images import tag

        return tuple(map(str, tag.untag(self._engine.store, self._engine.load_registries, image, names)))

    def remove(self, image: str, *, force: bool = False, prune: bool = True) -> tuple[Removed, ...]:
        """Remove a name and, with the last one, the image; what was done, one entry for each image concerned.

        `force` removes its containers and, given an id, several names too; `prune` takes nameless images that it was
        made from.  What nothing needs any more is deleted.  Raises ArgosyError (`exit_code` 2) when
        a container uses it.
        """
        from argosy.images import remove
        from argosy.storage import gc

        wanted = remove.RemoveOptions(force=force, prune=prune)
        remover = remove.Remover(self._engine.store, self._engine.load_registries, wanted, self._engine.remove_user)
        removed = remover.remove(image)
        if any(entry.deleted for entry in removed):
            gc.collect(self._engine.store)
        return removed

    def prune(self, filters: Sequence[str] = (), *, everything: bool = False) -> tuple[str, ...]:
        """Remove the images without a name (with `everything`: with one as well) that no container needs; their ids.

        `filters` are of the keys "label" and "until".
        """
        from argosy.images import prune
        from argosy.storage import gc

        engine = self._engine
        removed = prune.prune(engine.store, engine.load_registries, tuple(filters), everything=everything)
        gc.collect(engine.store)
        return removed
