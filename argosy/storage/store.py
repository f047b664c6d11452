"""The store: one directory that survives a reboot, and the objects in it.

Opening reads store.json and nothing else.  What a command does not use is not imported: the parts are made on demand.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.linux import files, locks
from argosy.linux.idmap import IdMap
from argosy.records.shelf import Damaged, Shelf, unseal
from argosy.values import Value
from argosy.version import STORE_FORMAT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, ClassVar, TypeVar

    from argosy.config.locations import Locations
    from argosy.records.events import Log
    from argosy.storage.blobs import Blobs
    from argosy.storage.chains import Chains
    from argosy.storage.durable import Unstable
    from argosy.storage.images import Images
    from argosy.storage.layers import Layers
    from argosy.storage.refs import Refs
    from argosy.storage.work import Work
    from argosy.volumes.named import VolumeImage

    Part = TypeVar("Part")

STORE_FILE = "store.json"
GC_LOCK = "gc.lock"
_READ_ONLY = 30  # EROFS
SHELVES = {
    "containers": "container",
    "pods": "pod",
    "volumes": "volume",
    "networks": "network",
    "secrets": "secret",
    "artifacts": "artifact",
    "manifests": "manifest list",
    "buildcache": "build cache entry",
    "working": "working container",
    "repositories": "repository",
    "cached": "cached repository",
}


class StoreRecord(Value):
    """store.json.  `xattrs` is the name space of overlay's own attributes in the layers, "trusted" or "user".

    `lost` says that an earlier store.json was gone when this one was written.  `volume_path` is where the volumes are,
    "" for the store itself.
    """

    format: int
    driver: str
    xattrs: str
    run: str
    id_map: IdMap
    mount_program: str = ""
    lost: bool = False
    volume_path: str = ""

    _nested: ClassVar[dict[str, type[Value]]] = {"id_map": IdMap}


class Store:
    """An open store; make one with `Store.open`.  Holds no lock and no descriptor."""

    def __init__(
        self,
        root: str,
        run: str,
        *,
        rootless: bool,
        id_map: IdMap,
        record: StoreRecord,
        image_stores: tuple[str, ...] = (),
        mount_options: tuple[str, ...] = (),
        ignore_chown_errors: bool = False,
        transient: bool = False,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        self.root = root
        self.ignore_chown_errors = ignore_chown_errors
        self.run = run
        self.mount_options = mount_options
        self.image_stores = image_stores
        self._notice = notice
        self.rootless = rootless
        self.id_map = id_map
        self.record = record
        self.driver = record.driver
        self.xattrs = record.xattrs
        self.tmp = f"{root}/tmp"
        self.transient = transient
        self._events: Log | None = None
        self.containers = self.shelf("containers")
        self._parts: dict[str, Any] = {}

    @property
    def events(self) -> Log:
        """Where what happens is noted."""
        if self._events is None:
            from argosy.records.events import Log

            self._events = Log(f"{self.run}/events/events.log")
        return self._events

    @events.setter
    def events(self, log: Log) -> None:
        self._events = log

    def mount_image(self, directory: str, target: str, image: VolumeImage) -> None:
        """As `rootfs.mount_image`, for who is on the same row and cannot know it."""
        from argosy.storage import rootfs

        rootfs.mount_image(self, directory, target, image.layers, image.chain_id, fixed=image.fixed)

    @classmethod
    def open(
        cls,
        locations: Locations,
        *,
        rootless: bool,
        id_map: IdMap,
        wanted: Callable[[], tuple[tuple[str, ...], str]] | None = None,
        image_stores: tuple[str, ...] = (),
        mount_options: tuple[str, ...] = (),
        ignore_chown_errors: bool = False,
        transient: bool = False,
        mount_program: str = "",
        notice: Callable[[str], None] | None = None,
    ) -> Store:
        """Open the store at `locations`, and make it if there is none yet.

        `wanted` is called when a new store is made: for the drivers that it may have, the first that works, and for the
        program that serves its mounts, empty for any.  A store.json that is lost or damaged is made again, `system
        check` tells of it: what it says can be found out.  `image_stores` are the paths of additional image stores;
        `notice` is told which of them cannot be used, and why.  `mount_options` hold for the roots of containers
        (`rootfs.mount`).  `ignore_chown_errors`: files of layers whose owner is not in the id map belong to root.
        `transient`: the containers are those that end with this boot.  `mount_program` serves the mounts, in place of
        the one that the store was made with.
        Raises Unsupported when another version of Argosy wrote the store, or the driver has no mount program, Damaged
        when it may have been another version.
        """
        try:
            record = read_record(locations.root)
        except (FileNotFoundError, Damaged) as error:
            from argosy.storage import creation

            if isinstance(error, Damaged):
                creation.set_aside(locations.root)
            drivers, program = wanted() if wanted else ((), "")
            record = creation.make(*(locations, id_map, drivers, program), any_owner=ignore_chown_errors, notice=notice)
        if record.run != locations.run:
            from argosy.storage import creation

            record = creation.change_run(locations)
        if record.id_map != id_map:
            from argosy.storage import creation

            record = creation.take_id_map(record, id_map, locations.root)
        if mount_program and record.mount_program != mount_program:
            from argosy.storage import creation

            record = creation.with_program(record, mount_program, locations.root)
        return cls(
            *(locations.root, locations.run),
            rootless=rootless,
            id_map=id_map,
            record=record,
            image_stores=image_stores,
            mount_options=mount_options,
            ignore_chown_errors=ignore_chown_errors,
            transient=transient,
            notice=notice,
        )

    def shelf(self, name: str) -> Shelf:
        """The shelf of one kind of objects, by the name of its directory."""
        if (name == "containers" and self.transient) or (name == "volumes" and self.record.volume_path):
            from argosy.storage import places

            if name == "volumes":
                return places.volumes(self.record.volume_path)
            return places.transient(self.root, self.tmp)
        return Shelf(f"{self.root}/{name}", self.tmp, SHELVES[name])

    def each_container(self) -> list[tuple[Shelf, str]]:
        """All containers, with the shelf of each: those of the other mode (`transient`) as well, for what they use."""
        shelves = [self.containers]
        if self.transient:
            shelves.append(Shelf(f"{self.root}/containers", self.tmp, "container"))
        elif os.path.lexists(f"{self.root}/transient"):
            from argosy.storage import places

            shelves.append(places.transient(self.root, self.tmp))
        return [(shelf, container_id) for shelf in shelves for container_id in shelf.ids()]

    @property
    def volumes(self) -> Shelf:
        """Named volumes; the id is the name."""
        return self.shelf("volumes")

    @property
    def secrets(self) -> Shelf:
        """Secrets."""
        return self.shelf("secrets")

    @property
    def pods(self) -> Shelf:
        """Pods."""
        return self.shelf("pods")

    @property
    def networks(self) -> Shelf:
        """Networks; the id is the name."""
        return self.shelf("networks")

    @property
    def blobs(self) -> Blobs:
        """Manifests, configs and compressed layers, by digest."""
        from argosy.storage.blobs import Blobs

        return self._part("blobs", Blobs)

    @property
    def images(self) -> Images:
        """Image records, by manifest digest."""
        from argosy.storage.images import Images

        return self._part("images", Images)

    @property
    def refs(self) -> Refs:
        """What names mean."""
        from argosy.storage.refs import Refs

        return self._part("refs", Refs)

    @property
    def layers(self) -> Layers:
        """Applied layers, by diff id."""
        from argosy.storage.layers import Layers

        return self._part("layers", Layers)

    @property
    def chains(self) -> Chains:
        """What a stack of layers needs beyond the layers, by chain id."""
        from argosy.storage.chains import Chains

        return self._part("chains", Chains)

    @property
    def shared(self) -> tuple[Store, ...]:
        """The additional image stores, which are read after this one and never changed (see `storage.shared`)."""
        if not self.image_stores:
            return ()
        from argosy.storage import shared

        return self._part("shared", lambda store: shared.opened(store, self.image_stores, self._notice))

    @property
    def shared_trees(self) -> tuple[Store, ...]:
        """Those of them whose layers this user can mount as they are."""
        if not self.image_stores:
            return ()
        from argosy.storage import shared

        return self._part("shared_trees", lambda store: shared.mountable(store, self._notice))

    @property
    def unstable(self) -> Unstable:
        """What this process has put into the store and not yet made stable on disk."""
        from argosy.storage.durable import Unstable

        return self._part("unstable", Unstable)

    def work(self, digests: Iterable[str] = ()) -> Work:
        """A piece of work, as a context: what it pins is not collected as garbage before it ends."""
        from argosy.storage.work import Work

        return Work(self, digests)

    def collection_lock(self) -> locks.Lock:
        """Hold garbage collection off, as a context: for "refer to it, then check that it is there", not for longer."""
        return _locked(f"{self.root}/{GC_LOCK}", shared=True)

    def exclusive_lock(self) -> locks.Lock:
        """The lock under which garbage is told from what is in use."""
        return _locked(f"{self.root}/{GC_LOCK}", shared=False)

    def reset(self) -> None:
        """Remove everything, the store itself included.  Nothing of it may be mounted or running.

        Interrupted, it can be repeated.
        """
        from argosy.storage import creation

        if self.record.volume_path:
            from argosy.storage import places

            places.remove_volumes(self)
        creation.remove(self.root)

    def _part(self, name: str, kind: Callable[[Store], Part]) -> Part:
        # setdefault is one step for the interpreter: two threads that ask at once get the same part.
        if name not in self._parts:
            self._parts.setdefault(name, kind(self))
        part: Part = self._parts[name]
        return part


def _locked(path: str, *, shared: bool) -> locks.Lock:
    try:
        lock = locks.acquire(path, shared=shared, create=True)
    except OSError as error:
        if shared and error.errno == _READ_ONLY:  # nobody collects there
            return locks.Lock(-1, path)
        raise
    assert lock is not None
    return lock


def read_record(root: str) -> StoreRecord:
    """The content of store.json.  FileNotFoundError when there is none, else as `Store.open`."""
    path = os.path.join(root, STORE_FILE)
    try:
        data = jsontext.decode(unseal(files.read(path), "store", path), STORE_FILE)
        if not isinstance(data, dict):
            raise Invalid(STORE_FILE, str(data), "not a JSON object")
        if data.get("format") != STORE_FORMAT:
            raise Unsupported(
                f"the store at {root} has format {data.get('format')}, this argosy knows format {STORE_FORMAT}",
                hint="use the version of argosy that wrote it, or name another store with --root",
            )
        return StoreRecord.from_json(data)
    except (Unsupported, Damaged):
        raise
    except NotADirectoryError as error:
        raise FileNotFoundError(2, "there is no store", path) from error
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ArgosyError(f"cannot read {path}: {error.strerror}") from error
    except Invalid as error:
        raise Damaged("store", path, str(error)) from error
