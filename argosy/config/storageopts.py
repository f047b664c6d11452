"""Options of the storage driver: of --storage-opt, of STORAGE_OPTS, or of [storage.options] in storage.conf.

Each has its effect, or is refused with the reason and the place where it is set: one that were passed over in silence
would leave its user in the belief that a quota or a mount option holds.  Imported when there are any.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_QUOTA = ("containers have no disk quota", "Put the store on a file system of the size you want, with --root.")
_MASK = (
    "files of images keep the modes that their images give them",
    "Other users can read an image store without it: name it as their additionalimagestore.",
)
_LAYER_STORE = ("layers come from registries and image stores only", "Name an image store: additionalimagestore=PATH.")
# By podman's name without the driver's prefix.
_REFUSED = {
    "additionallayerstore": _LAYER_STORE,
    "size": _QUOTA,
    "inodes": _QUOTA,
    "force_mask": _MASK,
}
_IMAGE_STORES = ("imagestore", "additionalimagestore")
_PREFIXES = ("overlay.", "overlay2.", "vfs.", ".")
_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")

# What mountopt can say: flags of the mount that containers have as their root ...
MOUNT_FLAGS = ("nodev", "nosuid", "noexec", "noatime")
VOLATILE, SYNCED = "volatile", "fsync=1"
_SYNONYMS = {"fsync=0": VOLATILE, "fsync=volatile": VOLATILE}
# ... what holds anyway ...
_HOLD_ANYWAY = ("dev", "suid", "exec", "rw", "index=off", "metacopy=off", "redirect_dir=off", "redirect_dir=nofollow")
# ... and what cannot be.
_READS_UPPER = (
    "argosy reads what a container has changed without mounting it, so all of it has to be in its upper layer"
)
_MOUNT_REFUSED = {
    "metacopy=on": _READS_UPPER,
    "redirect_dir=on": _READS_UPPER,
    "redirect_dir=follow": _READS_UPPER,
    "index=on": "an upper layer could not be used with the same lower layers at another place any more",
    "nfs_export=on": "it needs index=on, which ties an upper layer to the place of its lower layers",
    "ro": "a container could not write to its root: `run --read-only` says that of one",
}


class Option(Value):
    """One option as it was given; `source` is the flag, the variable, or the file and line."""

    key: str
    value: str
    source: str
    of_a_file: bool = False


class StorageOptions(Value):
    """What the options come to.  `mount_options` are of MOUNT_FLAGS, VOLATILE (no container's changes are synced to
    disk) and SYNCED (those of all are).
    """

    image_stores: tuple[str, ...] = ()
    mount_options: tuple[str, ...] = ()
    mount_program: str = ""
    ignore_chown_errors: bool = False

    def words(self) -> tuple[str, ...]:
        """The options that give this again, but for what is settled when a store is made."""
        found = [f"additionalimagestore={store}" for store in self.image_stores]
        if self.mount_options:
            found.append(f"overlay.mountopt={','.join(self.mount_options)}")
        if self.ignore_chown_errors:
            found.append("overlay.ignore_chown_errors=true")
        return tuple(found)


def split(texts: Iterable[str], source: str) -> tuple[Option, ...]:
    """KEY=VALUE, each; an empty one is none.  Raises ArgosyError."""
    found = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals and text:
            raise ArgosyError(f"unable to parse key/value option: {text}", hint=f"{source} takes KEY=VALUE")
        if text:
            found.append(Option(key, value, source))
    return tuple(found)


def parse(options: Iterable[Option]) -> StorageOptions:
    """What the options come to.  Raises ArgosyError for one that is not known or cannot be, Unsupported with why."""
    stores: list[str] = []
    mounting: tuple[str, ...] = ()
    program, ignoring = "", False
    for option in options:
        name = _name(option)
        if name in _IMAGE_STORES:
            stores += [_image_store(path, option) for path in option.value.split(",") if path]
        elif name == "mountopt":
            mounting = (*mounting, *_mount_options(option))
        elif name == "mount_program":
            program = _program(option)
        elif name == "ignore_chown_errors":
            ignoring = _truth(option)
        elif name == "skip_mount_home":
            _truth(option)  # the store's directory never gets a mount of its own
        elif name in _REFUSED:
            why, hint = _REFUSED[name]
            raise Unsupported(f"{option.source} is not supported with {option.key}: {why}", hint=hint)
        else:
            raise ArgosyError(f"overlay: Unknown option {option.key}", details=f"it is in {option.source}")
    return StorageOptions(
        image_stores=tuple(dict.fromkeys(stores)),
        mount_options=tuple(dict.fromkeys(mounting)),
        mount_program=program,
        ignore_chown_errors=ignoring,
    )


def _name(option: Option) -> str:
    prefix = next((prefix for prefix in _PREFIXES if option.key.startswith(prefix)), "")
    return option.key[len(prefix) :].lower()


def _image_store(path: str, option: Option) -> str:
    if not os.path.isabs(path):
        why = f'overlay: image path "{path}" is not absolute.  Can not be relative'
        raise ArgosyError(why, details=f"it is in {option.source}")
    return os.path.normpath(path)


def _mount_options(option: Option) -> tuple[str, ...]:
    found = []
    for given in option.value.split(","):
        word = given.strip()
        word = _SYNONYMS.get(word, word)
        if word in (*MOUNT_FLAGS, VOLATILE, SYNCED):
            found.append(word)
        elif word == "metacopy=on" and option.of_a_file:
            continue  # distributions ship it: it is about speed alone
        elif word in _MOUNT_REFUSED:
            raise Unsupported(
                f"{option.source} is not supported with {option.key}={word}: {_MOUNT_REFUSED[word]}",
                hint="Leave it out.",
            )
        elif word and word not in _HOLD_ANYWAY:
            known = ", ".join((*MOUNT_FLAGS, VOLATILE))
            raise ArgosyError(
                f"{option.key}: unknown mount option {word}", details=f"it is in {option.source}", hint=f"use {known}"
            )
    return tuple(found)


def _program(option: Option) -> str:
    if option.value and not os.path.exists(option.value):
        why = f"stat {option.value}: no such file or directory"
        raise ArgosyError(
            f'overlay: can\'t stat program "{option.value}": {why}',
            details=f"it is in {option.source}",
            hint="install fuse-overlayfs, or leave mount_program out",
        )
    return option.value


def _truth(option: Option) -> bool:
    if option.value in _TRUE:
        return True
    if option.value in _FALSE:
        return False
    raise ArgosyError(
        f'strconv.ParseBool: parsing "{option.value}": invalid syntax',
        details=f"it is {option.key} in {option.source}",
        hint="use true or false",
    )
