"""What a program and its helper process say to each other: JSON documents with a length before each, and descriptors.

A document holds the values of the façades exactly: tuples stay tuples, bytes bytes, a Value and an error its class.
JSON and not pickle, although both ends are processes of one user: a document can make nothing but frozen values and
errors of Argosy's own and run no constructor but those, which one page shows, where pickle is a language to be
restrained; the repository has no other use for pickle, and keeps it out.  An object's only key says what it stands for:

    {"t": [...]} tuple   {"d": [[key, value], ...]} dict   {"b": "..."} bytes, as Latin-1   {"g": "sha256:..."} Digest
    {"v": [module, class, field, ...]} Value   {"e": [module, class, args, {attribute: value}]} ArgosyError
    {"o": [errno, text, path]} OSError   {"f": n} the n-th descriptor that came along   {"p": 0} the caller's Progress

On the socket: 4 bytes of length, most significant first, with which the descriptors travel (SCM_RIGHTS), then the text.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.images.progress import Progress
from argosy.oci import digest as digests
from argosy.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_BYTES = 256 << 20
_LENGTH = struct.Struct("!I")
_MOST_DESCRIPTORS = 8
_PACKAGE = "argosy."

# Fields that hold descriptors of the process that made the value.
_DESCRIPTOR_FIELDS = {
    "argosy.containers.run.Streams": ("stdin", "stdout", "stderr"),
    "argosy.containers.exec.ExecOptions": ("stdin", "stdout", "stderr"),
    "argosy.library.working.RunRequest": ("stdin", "stdout", "stderr"),
}


class Closed(Exception):
    """The other end has closed the connection, or is gone."""


def send(connection: socket.socket, content: Any) -> None:
    """Send one document.  Raises Closed; TypeError for what has no form on the wire, with nothing sent."""
    fds: list[int] = []
    text = jsontext.encode(_plain(content, fds))
    if len(text) > LIMIT_BYTES:
        raise Unsupported(f"a call or its result has {len(text)} bytes, more than {LIMIT_BYTES >> 20} MiB")
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))] if fds else []
    try:
        connection.sendmsg([_LENGTH.pack(len(text))], rights)
        connection.sendall(text)
    except ConnectionError as error:
        raise Closed from error


def receive(connection: socket.socket, progress: Progress | None = None) -> tuple[Any, list[int]]:
    """The next document and the descriptors that came along, which are the caller's to close.

    `progress` stands for the sender's.  Raises Closed at the end of the connection.
    """
    fds: list[int] = []
    try:
        head, messages, _, _ = connection.recvmsg(
            _LENGTH.size, socket.CMSG_SPACE(4 * _MOST_DESCRIPTORS), socket.MSG_CMSG_CLOEXEC | socket.MSG_WAITALL
        )
        for level, kind, data in messages:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds += struct.unpack(f"{len(data) // 4}i", data[: len(data) & ~3])
        if len(head) < _LENGTH.size:
            raise Closed
        text = _exactly(connection, _LENGTH.unpack(head)[0])
        return _content(jsontext.decode(text, "message"), fds, progress), fds
    except BaseException as error:
        close_all(fds)
        if isinstance(error, ConnectionError):
            raise Closed from error
        raise


def close_all(fds: list[int]) -> None:
    """Close descriptors that came along."""
    while fds:
        os.close(fds.pop())


def _exactly(connection: socket.socket, size: int) -> bytes:
    if size > LIMIT_BYTES:
        raise Invalid("message", str(size), f"it is larger than {LIMIT_BYTES >> 20} MiB")
    text = bytearray(size)
    rest = memoryview(text)
    while rest:
        count = connection.recv_into(rest)
        if not count:
            raise Closed
        rest = rest[count:]
    return bytes(text)


def _plain(content: Any, fds: list[int]) -> Any:
    """`content` as JSON types; descriptors are put into `fds`."""
    if content is None or type(content) in (bool, int, float, str):
        return content
    if isinstance(content, Value):
        return {"v": [*_name(content), *_plain_fields(content, fds)]}
    for kind, make in _FORMS:
        if isinstance(content, kind):
            return make(content, fds)
    if hasattr(content, "fileno"):
        return _descriptor(content.fileno(), fds)
    raise TypeError(f"{type(content).__name__} cannot be passed to or from the helper process")


def _plain_fields(value: Value, fds: list[int]) -> list[Any]:
    module, name = _name(value)
    own: tuple[str, ...] = _DESCRIPTOR_FIELDS.get(f"{module}.{name}", ())
    if own and bool(getattr(value, "preserve_fds", 0)):
        raise Unsupported("descriptors beside the standard streams cannot be passed by way of the helper process")
    fields = []
    for field in value._fields:
        content = getattr(value, field)
        given = field in own and content is not None
        fields.append(_descriptor(content, fds) if given else _plain(content, fds))
    return fields


def _descriptor(fd: int, fds: list[int]) -> dict[str, int]:
    fds.append(fd)
    return {"f": len(fds) - 1}


def _name(content: object) -> tuple[str, str]:
    return type(content).__module__, type(content).__qualname__


def _plain_error(error: ArgosyError, fds: list[int]) -> Any:
    return {"e": [*_name(error), _plain(error.args, fds), _plain(error.__dict__, fds)]}


_FORMS: tuple[tuple[type, Callable[[Any, list[int]], Any]], ...] = (
    (tuple, lambda content, fds: {"t": [_plain(item, fds) for item in content]}),
    (list, lambda content, fds: [_plain(item, fds) for item in content]),
    (dict, lambda content, fds: {"d": [[_plain(key, fds), _plain(item, fds)] for key, item in content.items()]}),
    (bytes, lambda content, _fds: {"b": content.decode("latin-1")}),
    (digests.Digest, lambda content, _fds: {"g": str(content)}),
    (ArgosyError, _plain_error),
    (OSError, lambda error, _fds: {"o": [error.errno, error.strerror, _text(error.filename)]}),
    (Progress, lambda _content, _fds: {"p": 0}),
)


def _text(path: object) -> str | None:
    return os.fsdecode(path) if isinstance(path, (str, bytes)) else None


def _content(plain: Any, fds: list[int], progress: Progress | None) -> Any:
    """What `_plain` was given."""
    if isinstance(plain, list):
        return [_content(item, fds, progress) for item in plain]
    if not isinstance(plain, dict):
        return plain
    ((tag, body),) = plain.items()
    if tag == "f":
        return fds[body]
    if tag == "p":
        return progress
    if tag == "b":
        return body.encode("latin-1")
    if tag == "g":
        return digests.parse(body)
    inner = [_content(item, fds, progress) for item in body]
    return _MAKERS[tag](inner)


def _value(inner: list[Any]) -> Value:
    module, name, *fields = inner
    made: Value = _class(module, name, Value)(*fields)
    return made


def _error(inner: list[Any]) -> ArgosyError:
    """The error with its attributes, past the constructors of the classes, which take other arguments."""
    module, name, args, attributes = inner
    kind = _class(module, name, ArgosyError)
    error: ArgosyError = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


def _class(module: str, name: str, base: type) -> Any:
    if not module.startswith(_PACKAGE):
        raise Invalid("class", f"{module}.{name}", "it is not one of Argosy's")
    __import__(module)
    found = getattr(sys.modules[module], name, None)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise Invalid("class", f"{module}.{name}", f"it is no {base.__name__}")
    return found


_MAKERS: dict[str, Callable[[list[Any]], Any]] = {
    "t": tuple,
    "d": dict,
    "v": _value,
    "e": _error,
    "o": lambda inner: OSError(*inner),
}
