"""-v, --mount and --tmpfs together: the mounts that a user asked for, one for each place."""

from __future__ import annotations

import os

from argosy.spec import parse
from argosy.spec.options import BadOption, Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.cli.podman._container_table import CreateFlags

_GLOBS = frozenset("*?[")


def read(flags: CreateFlags) -> tuple[Mount, ...]:
    """Raises BadOption when two are for one place, unless they are the same or both are a tmpfs, as with podman."""
    directory = working_directory()
    found: dict[str, Mount] = {}
    for text in flags.mount:
        for mount in _expanded(parse.parse_mount(text, directory)):
            if mount.target in found:
                raise _duplicate(mount)
            found[mount.target] = mount
    for text in flags.volume:
        mount = parse.parse_volume(text, directory)
        if found.setdefault(mount.target, mount) != mount:
            raise _duplicate(mount)
    for text in flags.tmpfs:
        mount = parse.parse_tmpfs(text)
        if found.setdefault(mount.target, mount).kind != "tmpfs":
            raise _duplicate(mount)
    return tuple(found.values())


def _duplicate(mount: Mount) -> BadOption:
    return BadOption(f"{mount.target}: duplicate mount destination", hint="one of --volume, --mount, --tmpfs")


def working_directory() -> str:
    """Where relative paths start."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""  # it was removed: a relative path will say that it is not there


def _expanded(mount: Mount) -> Iterator[Mount]:
    """A mount of type glob as one bind for each match: below its target, or without one at the match's own path."""
    if mount.kind != "glob":
        yield mount
        return
    import glob

    matches = sorted(glob.glob(mount.source, include_hidden=True)) if _GLOBS & set(mount.source) else [mount.source]
    if not matches:
        raise BadOption(f'no file paths matching glob "{mount.source}"')
    for path in matches:
        target = f"{mount.target.rstrip('/')}/{os.path.basename(path)}" if mount.target else path
        yield mount.replace(kind="bind", source=path, target=target)


def make_sources(flags: CreateFlags) -> None:
    """Make the directories of the host that -v names and that are not there, as docker does."""
    directory = working_directory()
    for mount in (parse.parse_volume(text, directory) for text in flags.volume):
        if mount.kind == "bind" and not os.path.lexists(mount.source):
            try:
                os.makedirs(mount.source, 0o755)
            except OSError as error:
                raise BadOption(
                    f"error while creating mount source path '{mount.source}': mkdir {error.filename}: "
                    f"{str(error.strerror).lower()}"
                ) from error
