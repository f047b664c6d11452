"""The shelf: a directory per object, built aside and renamed in, renamed out before it is deleted.

    <root>/containers/<id>/...           the objects of one kind
    <root>/names/containers/<name>       a symbolic link whose text is the id
    <root>/tmp/<random>/                 what is being made or deleted; its owner holds the flock on it

A listing never sees half an object and takes no lock.  All names of one kind change under the flock on their
directory; a name that leads to no object is as good as absent (its owner was killed between two steps).  A change to
an object holds the flock on its directory.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Exists, Invalid, NotFound, shown
from argosy.linux import files, locks
from argosy.records.scratch import Scratch, TakenOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, overload

_SEAL_BITS = 32
_SEAL_LENGTH = _SEAL_BITS + 2
_NAME_LIMIT = 255


class Damaged(Invalid):
    """A file of the store is missing, cut or changed: names the object it belongs to, the file and what is wrong."""

    def __init__(self, what: str, path: str, why: str, *, hint: str = "argosy system check --repair") -> None:
        ArgosyError.__init__(self, f"damaged {what}: {why}", details=path, hint=hint)
        self.what = what
        self.value = path
        self.why = why


def seal(data: bytes) -> bytes:
    """`data`, JSON text, with its CRC-32 behind it, written as blanks (0) and tabs (1).

    White space, so that the file stays plain JSON for every other reader, while no changed or missing byte goes unseen.
    """
    import zlib

    bits = f"{zlib.crc32(data):0{_SEAL_BITS}b}"
    return data + b"\n" + bits.replace("0", " ").replace("1", "\t").encode() + b"\n"


def unseal(data: bytes, what: str, path: str) -> bytes:
    """What `seal` was given.  Raises Damaged, which names `what` and `path`, when that is not what `data` holds."""
    body, found = data[:-_SEAL_LENGTH], data[-_SEAL_LENGTH:]
    if not data.strip():
        raise Damaged(what, path, "the file is empty")
    if seal(body)[-_SEAL_LENGTH:] != found:
        raise Damaged(what, path, "the file was changed or cut: its check sum does not fit")
    return body


def read_sealed(path: str, what: str) -> bytes:
    """The content of a sealed file.  FileNotFoundError when it is not there, Damaged when it is not whole."""
    try:
        return unseal(files.read(path), what, path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Damaged(what, path, f"the file cannot be read: {error.strerror}") from error


def valid_id(text: str) -> bool:
    """Whether `text` can name an object: one file name, not hidden, printable."""
    plain = text.isprintable() and "/" not in text and not text.startswith(".")
    return plain and 0 < len(text.encode("utf-8", "replace")) <= _NAME_LIMIT


class Staged(Scratch):
    """An object that is being made: fill the directory `path`, then `commit`.  Abandoned, it leaves nothing.

    The lock that is held on it stays held on the finished object, to the end of the context.
    """

    def __init__(self, shelf: Shelf, object_id: str) -> None:
        self._shelf = shelf
        self.id = object_id
        super().__init__(shelf.tmp)

    def write(self, file: str, data: bytes) -> None:
        """Write one of the object's files."""
        fd = os.open(os.path.join(self.path, file), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            files.write_all(fd, seal(data) if file.endswith(".json") else data)
        finally:
            os.close(fd)

    def commit(self, name: str = "", *, durable: bool = False) -> None:
        """Put the object on the shelf, in one step, and under `name` if one is given.

        `durable`: it and the files directly in it are on disk before anybody sees it, its name when this returns.
        Raises Exists, with the holder's id, when the name or the id is taken; the object is then still staged.
        """
        if durable:
            self._sync()
        self._shelf.enter(self.path, self.id, name)
        self.detach()
        self.lock.path = self._shelf.path(self.id)
        if durable:
            self._shelf.sync(named=bool(name))

    def _sync(self) -> None:
        with os.scandir(self.path) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    with open(entry.path, "rb", buffering=0) as file:
                        os.fsync(file.fileno())
        os.fsync(self.lock.fd)


class Shelf:
    """The objects of one kind.  `kind` is the word for messages ("container")."""

    def __init__(self, directory: str, tmp: str, kind: str) -> None:
        self.directory = directory
        self.tmp = tmp
        self.kind = kind
        parent, base = os.path.split(directory)
        self.names_directory = f"{parent}/names/{base}"

    def ids(self) -> list[str]:
        """The ids of all objects, in no order.  An object may be gone by the time it is looked at."""
        try:
            return [name for name in os.listdir(self.directory) if name[0] != "."]
        except FileNotFoundError:
            return []

    def names(self) -> dict[str, str]:
        """The id behind each name.  A name may lead to an object that is gone, or was never finished."""
        found = {}
        try:
            entries = os.listdir(self.names_directory)
        except FileNotFoundError:
            return {}
        for name in entries:
            target = self._target(name)
            if target:  # else renamed or removed meanwhile, or not a link: `system check` tells which
                found[name] = target
        return found

    def find(self, text: str) -> str:
        """The id of the object with this name, id or unique beginning of an id.

        Raises NotFound, or Invalid when several ids begin like this.  A full name or id lists no directory.
        """
        if not valid_id(text):
            raise NotFound(self.kind, shown(text))
        holder = self._holder(text)
        if holder:
            return holder
        if self.exists(text):
            return text
        found = [object_id for object_id in self.ids() if object_id.startswith(text)]
        if not found:
            raise NotFound(self.kind, text)
        if len(found) > 1:
            raise Invalid(f"{self.kind} id", text, f"more than one {self.kind} has an id that begins so")
        return found[0]

    def exists(self, object_id: str) -> bool:
        """Whether the object is on the shelf."""
        return valid_id(object_id) and os.path.isdir(f"{self.directory}/{object_id}")

    def path(self, object_id: str) -> str:
        """The object's directory, whether or not it exists."""
        self._check("id", object_id)
        return f"{self.directory}/{object_id}"

    def _check(self, what: str, text: str) -> None:
        if not valid_id(text):
            raise Invalid(f"{self.kind} {what}", text, "it is not a file name")

    def read(self, object_id: str, file: str) -> bytes:
        """The content of one of the object's files.

        Raises NotFound when there is no such object, Damaged when the file is missing or not as it was written.
        """
        path = f"{self.path(object_id)}/{file}"
        what = f"{file} of {self.kind} {object_id}"
        try:
            data = files.read(path)
        except FileNotFoundError:
            if not self.exists(object_id):
                raise NotFound(self.kind, object_id) from None
            raise Damaged(what, path, "the file is missing") from None
        except OSError as error:
            raise Damaged(what, path, f"the file cannot be read: {error.strerror}") from error
        return unseal(data, what, path) if file.endswith(".json") else data

    def write(self, object_id: str, file: str, data: bytes, *, durable: bool = False) -> None:
        """Replace one of the object's files in one step; the caller holds the object's lock.

        `durable`: it is on disk when this returns.  Raises NotFound when the object is gone.
        """
        data = seal(data) if file.endswith(".json") else data
        try:
            files.write_atomic(f"{self.path(object_id)}/{file}", data, durable=durable)
        except FileNotFoundError:
            raise NotFound(self.kind, object_id) from None

    def stage(self, object_id: str) -> Staged:
        """Begin to make an object, as a context."""
        self.path(object_id)
        return Staged(self, object_id)

    if TYPE_CHECKING:

        @overload
        def lock(self, object_id: str, *, wait: Literal[True] = True) -> locks.Lock: ...
        @overload
        def lock(self, object_id: str, *, wait: bool) -> locks.Lock | None: ...

    def lock(self, object_id: str, *, wait: bool = True) -> locks.Lock | None:
        """Lock the object against changes by others; with `wait` false, None when another holds it.

        Raises NotFound when it is gone, also when it went while this waited.
        """
        try:
            return locks.acquire(self.path(object_id), wait=wait)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(self.kind, object_id) from None

    def rename(self, object_id: str, new: str, *, first: Callable[[], object] = lambda: None) -> None:
        """Give the object another name in place of the one it has; `first` is called right before, with names locked.

        Raises Exists when another object has it.
        """
        self._check("name", new)
        with self._lock_names():
            holder = self._holder(new)
            if holder not in ("", object_id):
                raise Exists(self.kind, new, holder=holder)
            if not self.exists(object_id):
                raise NotFound(self.kind, object_id)
            first()
            target = f"{self.names_directory}/{new}"
            old = [name for name in self._names_of(object_id) if name != new]
            if old and not holder:
                os.rename(f"{self.names_directory}/{old.pop()}", target)
            elif not holder:
                files.unlink_missing(target)
                os.symlink(object_id, target)
            for name in old:
                files.unlink_missing(f"{self.names_directory}/{name}")

    def remove(self, object_id: str, *, durable: bool = False, name: str = "") -> None:
        """Take the object off the shelf in one step, then free its names and delete it; the caller holds its lock.

        `name` is the only one it has, where that is known: the others need not be looked through.
        After a power cut it is either there, whole, or gone; `durable`: gone.  Raises NotFound when there is none, and
        TreeNotRemoved when something of it cannot be deleted (it is off the shelf nevertheless).
        """
        with TakenOut(self.path(object_id), self.tmp) as taken:
            if not taken.path:
                raise NotFound(self.kind, object_id)
            self._drop_names(object_id, name)
            if durable:
                self.sync(named=os.path.isdir(self.names_directory))

    def enter(self, path: str, object_id: str, name: str) -> None:
        """Rename the directory `path` in as the object, with a name if one is given (`Staged.commit` does it)."""
        if not name:
            self._move_in(path, object_id)
            return
        self._check("name", name)
        with self._lock_names():
            holder = self._holder(name)
            if holder:
                raise Exists(self.kind, name, holder=holder)
            link = f"{self.names_directory}/{name}"
            files.unlink_missing(link)
            os.symlink(object_id, link)
            try:
                self._move_in(path, object_id)
            except BaseException:
                files.unlink_missing(link)
                raise

    def sync(self, *, named: bool) -> None:
        """Make what was renamed in or out, and with `named` the names, stable on disk."""
        if named:
            files.fsync_directory(self.names_directory)
        files.fsync_directory(self.directory)

    def drop_dangling(self, name: str) -> bool:
        """Remove a name that leads to no object; false when it does lead to one by now."""
        with self._lock_names():
            if self._holder(name):
                return False
            files.unlink_missing(f"{self.names_directory}/{name}")
            return True

    def _move_in(self, path: str, object_id: str) -> None:
        target = self.path(object_id)
        try:
            os.rename(path, target)
        except FileNotFoundError:
            files.make_directories(self.directory)
            os.rename(path, target)
        except OSError as error:
            if error.errno in (17, 20, 39):  # EEXIST, ENOTDIR, ENOTEMPTY
                raise Exists(self.kind, object_id) from None
            raise

    def _holder(self, name: str) -> str:
        """The id of the object that has this name, "" when none does."""
        object_id = self._target(name)
        return object_id if object_id and self.exists(object_id) else ""

    def _target(self, name: str) -> str:
        """The id to which a name leads, which may be gone; "" where it leads nowhere."""
        try:
            return os.readlink(f"{self.names_directory}/{name}")
        except OSError:
            return ""

    def _drop_names(self, object_id: str, only: str) -> None:
        held = [only] if only and self._target(only) == object_id else self._names_of(object_id)
        if held:
            with self._lock_names():
                for name in held:
                    if self._target(name) == object_id:
                        files.unlink_missing(f"{self.names_directory}/{name}")

    def _names_of(self, object_id: str) -> list[str]:
        return [name for name, target in self.names().items() if target == object_id]

    def _lock_names(self) -> locks.Lock:
        while True:
            try:
                lock = locks.acquire(self.names_directory)
            except FileNotFoundError:
                files.make_directories(self.names_directory)
            else:
                assert lock is not None
                return lock
