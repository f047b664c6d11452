"""What `volume create --opt` says: what a volume of the driver local is mounted from, and whose it is.

Words are those of podman: `type`, `device`, and `o` with options of the mount; uid=, gid= and nocopy in it are ours.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from argosy.volumes.named import VolumeImage

_KNOWN = ("type", "device", "o", "copy", "nocopy")
_NO_QUOTA = "volume options size and inodes not supported. Filesystem does not support Project Quota"


class VolumeOptions(Value):
    """`words` are what mount(8) is given with -o; `uid` and `gid` are None where nobody was named.

    With `image` the volume is that image, and what was changed in it.
    """

    type: str = ""
    device: str = ""
    words: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None
    copy_up: bool = True
    image: VolumeImage | None = None

    @property
    def is_mounted(self) -> bool:
        """Whether anything is mounted when the volume is used."""
        return bool(self.type or self.device or self.words or self.image)


def parse(texts: Iterable[str]) -> dict[str, str]:
    """The options as a volume keeps them.  Raises ArgosyError, in podman's words, for one that means nothing."""
    found: dict[str, str] = {}
    for text in texts:
        key, _, value = text.partition("=")
        if key in ("size", "inodes"):
            raise Unsupported(_NO_QUOTA, hint="--opt type=tmpfs --opt o=size=SIZE makes one in memory that has a limit")
        if key not in _KNOWN:
            raise ArgosyError(f"invalid mount option {key} for driver 'local': invalid argument")
        found[key] = value
    options = read(found)
    if "bind" in (options.type, *options.words) or "rbind" in options.words:
        try:
            os.stat(options.device)
        except OSError as error:
            why = f"stat {options.device}: {str(error.strerror).lower()}"
            raise ArgosyError(f"invalid volume option device for driver 'local': {why}") from error
    if options.type != "tmpfs" and any(word.partition("=")[0] in ("size", "inodes") for word in options.words):
        raise Unsupported(_NO_QUOTA, hint="it takes --opt type=tmpfs, or a file system of its own as the device")
    if options.uid is not None:
        found["UID"] = str(options.uid)
    if options.gid is not None:
        found["GID"] = str(options.gid)
    return found


def read(options: Mapping[str, str]) -> VolumeOptions:
    """What the options of a volume mean.  Raises ArgosyError for ids that are no numbers, and for a timeout."""
    words, ids = [], dict[str, int]()
    copy_up = "nocopy" not in options
    for word in filter(None, options.get("o", "").split(",")):
        key, _, value = word.partition("=")
        if key in ("uid", "gid"):
            ids[key] = _number(key, value)
        elif key == "timeout":
            why = "Volume driver timeout can only be used with non-local volume drivers: invalid argument"
            raise ArgosyError(f"running volume create option: {why}")
        elif key in ("copy", "nocopy"):
            copy_up = key == "copy"
        else:
            words.append(word)
    kind = options.get("type", "")
    return VolumeOptions(kind, options.get("device", ""), tuple(words), ids.get("uid"), ids.get("gid"), copy_up)


def _number(key: str, value: str) -> int:
    if not value.isdecimal():
        why = f'strconv.Atoi: parsing "{value}": invalid syntax'
        raise ArgosyError(f"cannot convert {key.upper()} {value} to integer: {why}")
    return int(value)


def mount_argv(options: VolumeOptions, target: str) -> list[str]:
    """How mount(8) is called."""
    words = list(options.words)
    is_bind = options.type == "bind" or "bind" in words or "rbind" in words
    if is_bind and "bind" not in words and "rbind" not in words:
        words.append("rbind")
    kind = "none" if is_bind else options.type
    if kind == "tmpfs":
        words += [f"{key}={value}" for key, value in (("uid", options.uid), ("gid", options.gid)) if value is not None]
    flags = ["-t", kind] if kind else []
    if words:
        flags += ["-o", ",".join(words)]
    return ["mount", *flags, "--", options.device or kind, target]
