"""Options of the storage driver, of --storage-opt and STORAGE_OPTS: refused one by one, with the reason.

None of them has an effect on Argosy's store; one that were passed over in silence would leave its user in the belief
that a quota or a mount option holds.  Imported when there are any.
"""

from __future__ import annotations

from argosy.errors import ArgosyError, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_ELSEWHERE = ("stores of images are not looked up beside the own one", "Copy the images into the store.")
_QUOTA = ("containers have no disk quota", "Put the store on a file system of the size you want, with --root.")
_CHOSEN = ("it is chosen when a store is made", "Name mount_program in storage.conf, and a new store with --root.")
_MAPPED = ("the owners of an image's files are always kept", "Give the user ranges in /etc/subuid and /etc/subgid.")
_MOUNT = ("overlays are mounted with options of argosy's own choice", "Leave it out.")
# By podman's name for it without the driver's prefix.
_REASONS = {
    "additionalimagestore": _ELSEWHERE,
    "imagestore": _ELSEWHERE,
    "additionallayerstore": _ELSEWHERE,
    "size": _QUOTA,
    "inodes": _QUOTA,
    "mount_program": _CHOSEN,
    "ignore_chown_errors": _MAPPED,
    "mountopt": _MOUNT,
    "force_mask": _MOUNT,
    "skip_mount_home": _MOUNT,
}
_PREFIXES = ("overlay.", "overlay2.", "vfs.", ".")


def refuse(source: str, options: Iterable[str]) -> None:
    """Raise for the first option that is not empty; `source` is the flag or the variable it is from."""
    for option in options:
        if not option:
            continue
        key, equals, _ = option.partition("=")
        if not equals:
            raise ArgosyError(f"unable to parse key/value option: {option}", hint=f"{source} takes KEY=VALUE")
        prefix = next((prefix for prefix in _PREFIXES if key.startswith(prefix)), "")
        known = _REASONS.get(key[len(prefix) :].lower())
        if known is None:
            raise ArgosyError(f"overlay: Unknown option {key}", details=f"it is in {source}")
        why, hint = known
        raise Unsupported(f"{source} is not supported with {key}: {why}", hint=hint)
