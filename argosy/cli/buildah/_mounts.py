"""What `run --mount` means: mounts of the host, and those that a RUN of a Dockerfile knows as well."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.build.containers.run import Extra
    from argosy.spec.options import Mount

_FORM = '"{}": incorrect mount format: should be --mount type=<bind|tmpfs>,[src=<host-dir>,]target=<ctr-dir>[,options]'
_HOST_TYPES = ("bind", "tmpfs")
_WAYS = ("ro", "readonly", "rw", "readwrite")


def read(texts: Iterable[str], context: str) -> tuple[tuple[Mount, ...], Extra]:
    """The mounts of the host, and those that are made as for a RUN: caches, and binds of an image or the context.

    Raises ArgosyError, in buildah's words where it has any.
    """
    from argosy.build.containers.run import Extra
    from argosy.build.dockerfile import mounts as mounting

    if context and not os.path.isdir(context):
        raise ArgosyError(f"context directory {context}: it is not a directory, or not there")
    host, extra = [], []
    for text in texts:
        fields = dict(field.partition("=")[::2] for field in text.split(","))
        kind = fields.get("type", "")
        if not kind or len(fields) < 2:
            raise ArgosyError(_FORM.format(text))
        if kind == "cache" or (kind == "bind" and (context or "from" in fields)):
            extra.append(mounting.parse_mount(text, lambda value: value))
        elif kind in _HOST_TYPES:
            host.append(_of_host(text, kind, fields))
        else:
            raise ArgosyError(f'invalid filesystem type "{kind}"')
    return tuple(host), Extra(tuple(extra), os.path.abspath(context) if context else "")


def _of_host(text: str, kind: str, fields: dict[str, str]) -> Mount:
    """Such a mount; a bind is read-only unless it is said otherwise."""
    from argosy.spec import parse

    said = any(way in fields for way in _WAYS)
    mount = parse.parse_mount(text if kind == "tmpfs" or said else f"{text},ro", os.getcwd())
    if kind == "bind" and not os.path.lexists(mount.source):
        raise ArgosyError(f"--mount {text}: {mount.source}: there is no such file or directory")
    return mount
