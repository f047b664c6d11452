"""Mounts: overlay, bind, the mount table.

Paths are never put into a string that the kernel splits: overlay layers travel one by one (`lowerdir+`, kernel 6.8 and
later) or, on older kernels, as /proc/self/fd/N, so that colons, commas and long paths do no harm.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Unsupported
from argosy.linux import syscalls
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LOWERS = 500  # OVL_MAX_STACK
# File systems that overlayfs refuses for the upper directory: no RENAME_WHITEOUT or no extended attributes.
_NO_UPPER = frozenset(
    ("overlay", "nfs", "nfs4", "9p", "vfat", "exfat", "ecryptfs", "fuse.fuse-overlayfs", "cifs", "smb3")
)
RESTRICTIONS = {
    "nodev": syscalls.MOUNT_ATTR_NODEV,
    "nosuid": syscalls.MOUNT_ATTR_NOSUID,
    "noexec": syscalls.MOUNT_ATTR_NOEXEC,
    "noatime": syscalls.MOUNT_ATTR_NOATIME,
}
_PAGE_SIZE = 4096
_MAX_FSCONFIG_VALUE = 255


class MountPoint(Value):
    """A line of /proc/self/mountinfo (proc(5))."""

    mount_id: int
    parent_id: int
    device: str
    root: str
    path: str
    options: str
    propagation: str
    fstype: str
    source: str
    super_options: str


class MountFailed(ArgosyError):
    """The kernel refused a mount; details hold its own words where it has some."""

    def __init__(self, what: str, target: str, error: OSError, *, details: str = "", hint: str = "") -> None:
        super().__init__(
            f"cannot mount {what} at {target}: {error.strerror or error}", details=details, hint=hint or _hint(error)
        )
        self.target = target
        self.errno = error.errno


def _hint(error: OSError) -> str:
    if error.errno == 1:
        return "mounting needs CAP_SYS_ADMIN, or a user namespace (see `argosy doctor userns`)"
    if error.errno == 19:
        return "this kernel lacks the file system: load its module, or use another driver (see `argosy doctor overlay`)"
    return ""


def mount_overlay(
    target: str,
    lowers: Sequence[str],
    upper: str | None,
    work: str | None,
    options: tuple[str, ...] = (),
    *,
    data: str = "",
) -> None:
    """Mount an overlay of `lowers`, topmost first, at `target`; without `upper` it is read-only.

    `options` are overlay's own ("metacopy=off", "userxattr", "volatile").  `data` is a data-only directory, which holds
    the content of files that the lowers have the metadata of; kernels before 6.8 know none.  Raises MountFailed.
    """
    if not lowers or len(lowers) > MAX_LOWERS:
        raise Unsupported(f"an overlay of {len(lowers)} layers at {target}", hint=f"1 to {MAX_LOWERS} are possible")
    if (upper is None) != (work is None):
        raise ValueError("upper and work go together")
    try:
        context = syscalls.fsopen("overlay")
    except OSError as error:
        if error.errno not in (1, 38) or data:  # a seccomp filter says either
            raise MountFailed("overlay", target, error) from error
        mount_overlay_by_string(target, lowers, upper, work, options)
        return
    try:
        _mount_overlay_by_context(context, target, lowers, upper, work, options, data)
    except OSError as error:
        _tell(lowers, upper, work, target)
        said = _kernel_messages(context)
        if error.errno != 22 or data or not _lacks_lowerdir_plus(said):
            raise MountFailed("overlay", target, error, details=said, hint=_why(error, upper, said)) from error
        mount_overlay_by_string(target, lowers, upper, work, options)
    finally:
        os.close(context)


def _lacks_lowerdir_plus(said: str) -> bool:
    """Whether the kernel may not know `lowerdir+`: from 6.6 it says so; before, it takes any word and then fails."""
    return not said or "Unknown parameter 'lowerdir+'" in said or "Legacy" in said


def _tell(lowers: Sequence[str], upper: str | None, work: str | None, target: str) -> None:
    """Raise a clear error when one of the directories is not there; the kernel says the same ENOENT for all."""
    for lower in lowers:
        _check_directory("layer", lower, target)
    for kind, path in (("upper directory", upper), ("work directory", work), ("mount point", target)):
        if path is not None:
            _check_directory(kind, path, target)


def _check_directory(kind: str, path: str, target: str) -> None:
    if not os.path.isdir(path):
        missing = FileNotFoundError(2, f"the {kind} {path} is not a directory, or does not exist")
        raise MountFailed("overlay", target, missing)


def _why(error: OSError, upper: str | None, said: str = "") -> str:
    """What to do about EINVAL, and where to look when the kernel has given its reason to its log alone."""
    if error.errno != 22:
        return ""
    fstype = filesystem(upper) if upper else ""
    if fstype in _NO_UPPER:
        return f"{upper} is on {fstype}, which cannot hold an overlay's upper directory: put the store elsewhere"
    return "" if said else "the kernel log (dmesg) has the reason"


def _mount_overlay_by_context(
    context: int,
    target: str,
    lowers: Sequence[str],
    upper: str | None,
    work: str | None,
    options: tuple[str, ...],
    data: str,
) -> None:
    """Through fsconfig(2)."""
    handles: list[int] = []
    try:
        for lower in lowers:
            syscalls.fsconfig_string(context, "lowerdir+", _short(lower, handles))
        if data:
            syscalls.fsconfig_string(context, "datadir+", _short(data, handles))
        if upper is not None and work is not None:
            syscalls.fsconfig_string(context, "upperdir", _short(upper, handles))
            syscalls.fsconfig_string(context, "workdir", _short(work, handles))
        for option in options:
            key, _, value = option.partition("=")
            if value:
                syscalls.fsconfig_string(context, key, value)
            else:
                syscalls.fsconfig_flag(context, key)
        syscalls.fsconfig_string(context, "source", "overlay")
        syscalls.fsconfig_create(context)
        attach(syscalls.fsmount(context), target)
    finally:
        for handle in handles:
            os.close(handle)


def _short(path: str, handles: list[int]) -> str:
    """`path`, or where it is too long for fsconfig or overlay would unescape it, a descriptor's name for it."""
    if len(os.fsencode(path)) <= _MAX_FSCONFIG_VALUE and "\\" not in path:
        return path
    handles.append(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    return f"/proc/self/fd/{handles[-1]}"


def mount_overlay_by_string(
    target: str, lowers: Sequence[str], upper: str | None, work: str | None, options: tuple[str, ...] = ()
) -> None:
    """As `mount_overlay`, for kernels before 6.8: through mount(2), whose data must fit a page, about 190 layers."""
    handles: list[int] = []

    def handle(path: str) -> str:
        handles.append(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        return f"/proc/self/fd/{handles[-1]}"

    try:
        data = ["lowerdir=" + ":".join([handle(lower) for lower in lowers])]
        if upper is not None and work is not None:
            data += [f"upperdir={handle(upper)}", f"workdir={handle(work)}"]
        text = ",".join((*data, *map(_quoted, options)))
        if len(text) >= _PAGE_SIZE:
            raise Unsupported(f"an overlay of {len(lowers)} layers at {target}", hint="Linux 6.8 and later can do it")
        syscalls.mount("overlay", target, "overlay", 0, text)
    except OSError as error:
        _tell(lowers, upper, work, target)
        raise MountFailed("overlay", target, error, hint=_why(error, upper)) from error
    finally:
        for fd in handles:
            os.close(fd)


def _quoted(option: str) -> str:
    """An option whose value holds a comma (an SELinux label) as mount(2) takes it."""
    key, _, value = option.partition("=")
    return f'{key}="{value}"' if "," in value else option


def _kernel_messages(context: int) -> str:
    """What the kernel wrote into the file system context, one message a line."""
    messages: list[str] = []
    while True:
        try:
            text = os.read(context, 4096)
        except OSError:
            return "\n".join(messages)
        messages.append(text.decode(errors="replace").strip().removeprefix("e ").removeprefix("w ").removeprefix("i "))


def attach(tree_fd: int, target: str) -> None:
    """Attach a detached mount (fsmount, open_tree) at `target`, and close its descriptor."""
    try:
        flags = syscalls.MOVE_MOUNT_F_EMPTY_PATH | syscalls.MOVE_MOUNT_T_SYMLINKS
        syscalls.move_mount(tree_fd, "", syscalls.AT_FDCWD, target, flags)
    finally:
        os.close(tree_fd)


def bind(source: str, target: str, *, recursive: bool = True, read_only: bool = False) -> None:
    """Mount `source`, a file or directory, at `target` as well.  Raises MountFailed."""
    try:
        flags = syscalls.OPEN_TREE_CLONE | (syscalls.AT_RECURSIVE if recursive else 0)
        tree = syscalls.open_tree(syscalls.AT_FDCWD, source, flags)
        if read_only:
            recursion = syscalls.AT_EMPTY_PATH | (syscalls.AT_RECURSIVE if recursive else 0)
            syscalls.mount_setattr(tree, "", recursion, attr_set=syscalls.MOUNT_ATTR_RDONLY)
        attach(tree, target)
    except OSError as error:
        raise MountFailed(source, target, error) from error


def restrict(target: str, words: Sequence[str]) -> None:
    """Give the mount at `target` those flags among `words` that mount(8) knows by the names in RESTRICTIONS.

    Raises MountFailed.
    """
    flags = sum(flag for word, flag in RESTRICTIONS.items() if word in words)
    clear = syscalls.MOUNT_ATTR_ATIME if flags & syscalls.MOUNT_ATTR_ATIME else 0
    try:
        syscalls.mount_setattr(syscalls.AT_FDCWD, target, 0, attr_set=flags, attr_clr=clear)
    except OSError as error:
        raise MountFailed(f"with {','.join(words)}", target, error) from error


def mount_tmpfs(
    target: str, *, mode: int = 0o755, size_bytes: int = 0, label: str = "", owner: tuple[int, int] = (0, 0)
) -> None:
    """Mount an empty tmpfs, nosuid and nodev; size 0 is no limit, `label` is SELinux's.  Raises MountFailed."""
    data = f"mode={mode:o},size={size_bytes},uid={owner[0]},gid={owner[1]}"
    if label:
        data += f',context="{label}"'
    try:
        syscalls.mount("tmpfs", target, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, data)
    except OSError as error:
        raise MountFailed("tmpfs", target, error) from error


def unmount(target: str, *, detach: bool = True) -> bool:
    """Unmount what is mounted last at `target`; false when nothing is mounted there.  Follows no link.

    `detach` takes it out of sight at once, and away when its last user ends; without it, one that is in use is an
    ArgosyError.
    """
    flags = syscalls.UMOUNT_NOFOLLOW | (syscalls.MNT_DETACH if detach else 0)
    try:
        syscalls.umount2(target, flags)
    except OSError as error:
        if error.errno in (2, 20, 22) or (error.errno == 1 and not is_mount_point(target)):
            return False
        raise ArgosyError(f"cannot unmount {target}", details=error.strerror or str(error)) from error
    return True


def mountinfo(process: str | int = "self") -> list[MountPoint]:
    """The mounts that the process sees, in the order of mounting."""
    with open(f"/proc/{process}/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        return [parse_mountinfo(line) for line in table]


def table_up_to(kind: str, below: str, count: int, table: str = "/proc/self/mountinfo") -> str:
    """The text of mountinfo up to the last of `count` mounts of a kind ("cgroup": also cgroup2) below a directory.

    All of it where there are others, or something is mounted over one of them.  The kernel takes 15 us for each line,
    and those of containers come last.
    """
    text, mark, place = b"", f" - {kind}".encode(), below.encode()
    with open(table, "rb", buffering=0) as file:
        while block := file.read(_PAGE_SIZE):
            text += block
            lines = [line.split(b" ", 5) for line in text.split(b"\n")[:-1] if mark in line]
            found = [fields for fields in lines if fields[4].startswith(place)]
            if len(found) == count and all(_is_on_top(fields[2], fields[4]) for fields in found):
                break
    return text.decode(errors="surrogateescape")


def _is_on_top(device: bytes, path: bytes) -> bool:
    """Whether the file system with this "major:minor" is what one sees at the path: nothing was mounted over it."""
    try:
        number = os.stat(path).st_dev
    except OSError:
        return False
    return b"%d:%d" % (os.major(number), os.minor(number)) == device


def filesystem(path: str) -> str:
    """The type of the file system that `path` is on, "" when that cannot be told."""
    inside = os.path.realpath(path) + "/"
    best = MountPoint(0, 0, "", "", "", "", "", "", "", "")
    for point in mountinfo():
        if inside.startswith(point.path.rstrip("/") + "/") and len(point.path) >= len(best.path):
            best = point
    return best.fstype


def parse_mountinfo(line: str) -> MountPoint:
    """A line of mountinfo, with its escapes resolved."""
    fields = line.rstrip("\n").split(" ")
    dash = fields.index("-", 6)
    fstype, source, super_options = fields[dash + 1 : dash + 4]
    return MountPoint(
        mount_id=int(fields[0]),
        parent_id=int(fields[1]),
        device=fields[2],
        root=_unescape(fields[3]),
        path=_unescape(fields[4]),
        options=fields[5],
        propagation=" ".join(fields[6:dash]),
        fstype=fstype,
        source=_unescape(source),
        super_options=super_options,
    )


def _unescape(text: str) -> str:
    r"""`text` with \040 and its like (blank, tab, newline, backslash, hash) resolved."""
    if "\\" not in text:
        return text
    first, *rest = text.split("\\")
    return first + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)


def is_mount_point(path: str) -> bool:
    """Whether a mount begins at `path`, which is not followed; false when there is nothing."""
    try:
        return syscalls.statx_mount(path)[1]
    except (FileNotFoundError, NotADirectoryError):
        return False
