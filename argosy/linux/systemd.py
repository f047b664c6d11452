"""systemd, asked for scopes, so that the end of the caller's unit is not that of processes of ours, and for slices.

One D-Bus method call (dbus-specification, "Message Protocol"; org.freedesktop.systemd1(5), StartTransientUnit) over the
manager's private socket, or over the bus where there is none.
"""

from __future__ import annotations

import struct

from argosy.errors import ArgosyError
from argosy.linux import sockets
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    Argument: TypeAlias = str | bool | int | tuple[int, ...]

_CALL, _RETURN, _ERROR = 1, 2, 3
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_SERIAL, _DESTINATION, _SIGNATURE = 1, 2, 3, 4, 5, 6, 8
_TIMEOUT_S = 5.0
_MANAGER = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
_BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")


class Refused(ArgosyError):
    """systemd could not be asked, or said no."""


class Scope(Value):
    """A scope unit to be made.

    `name` ends in .scope.  `uid` is the user's id outside of any user namespace: 0 asks the system's manager, any other
    the user's own.
    """

    name: str
    slice_name: str
    description: str
    uid: int


def start_scope(
    scope: Scope, pids: tuple[int, ...], environ: Mapping[str, str], doors: Sequence[tuple[str, bool]] = ()
) -> None:
    """Make the scope and put the processes into it.  Returns when the job is queued.  Raises Refused.

    `doors` are the sockets to try, each with whether it is a bus; by default those that systemd has.
    """
    properties: dict[str, Argument] = {
        "Description": scope.description,
        "Slice": scope.slice_name,
        "PIDs": pids,
        "Delegate": True,
        "DefaultDependencies": False,
    }
    _start(scope.name, properties, scope.uid, doors or _doors(scope.uid, environ))


def start_slice(
    name: str,
    description: str,
    limits: Mapping[str, int],
    uid: int,
    environ: Mapping[str, str],
    doors: Sequence[tuple[str, bool]] = (),
) -> None:
    """Have the slice, with the limits as systemd.resource-control(5) names them.  Raises Refused."""
    properties: dict[str, Argument] = {"Description": description, **limits}
    _start(name, properties, uid, doors or _doors(uid, environ))


def _start(name: str, properties: Mapping[str, Argument], uid: int, doors: Sequence[tuple[str, bool]]) -> None:
    body = unit_body(name, properties)
    reasons = []
    for path, on_bus in doors:
        try:
            with _Connection(path, uid, on_bus=on_bus) as connection:
                connection.call(_MANAGER, "StartTransientUnit", "ssa(sv)a(sa(sv))", body)
                return
        except OSError as error:
            reasons.append(f"{path}: {error.strerror or error}")
    raise Refused(f"cannot ask systemd for {name}", details=", ".join(reasons))


def _doors(uid: int, environ: Mapping[str, str]) -> tuple[tuple[str, bool], ...]:
    """Where the manager listens, and whether that is a bus."""
    if uid == 0:
        return ("/run/systemd/private", False), ("/run/dbus/system_bus_socket", True)
    run = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
    return (f"{run}/systemd/private", False), (f"{run}/bus", True)


class _Connection:
    """A connection that has authenticated; on a bus it has said hello too."""

    def __init__(self, path: str, uid: int, *, on_bus: bool) -> None:
        self._serial = 0
        self._rest = b""
        self._socket: socket = sockets.connect(path)
        try:
            self._socket.settimeout(_TIMEOUT_S)
            self._authenticate(uid)
            if on_bus:
                self.call(_BUS, "Hello", "", b"")
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.close()

    def _authenticate(self, uid: int) -> None:
        self._socket.sendall(b"\0AUTH EXTERNAL " + str(uid).encode().hex().encode() + b"\r\n")
        answer = b""
        while not answer.endswith(b"\r\n"):
            answer += self._take(1)
        if not answer.startswith(b"OK "):
            raise Refused("systemd does not let us in", details=answer.decode("utf-8", "replace").strip())
        self._socket.sendall(b"BEGIN\r\n")

    def call(self, to: tuple[str, str, str], member: str, signature: str, body: bytes) -> None:
        """Call a method and wait for its return.  Raises Refused with the error's name."""
        self._serial += 1
        self._socket.sendall(message(self._serial, to, member, signature, body))
        while True:
            kind, serial, name = self._answer()
            if serial == self._serial and kind in (_RETURN, _ERROR):
                break
        if kind == _ERROR:
            raise Refused(f"systemd refused {member}", details=name)

    def _answer(self) -> tuple[int, int, str]:
        """The next message: its kind, the serial that it replies to, and the name of an error."""
        fixed = self._take(16)
        order = "<" if fixed[:1] == b"l" else ">"
        body_length, _, fields_length = struct.unpack_from(f"{order}III", fixed, 4)
        data = self._take(_padded(fields_length, 8) + body_length)
        return fixed[1], *_fields(data[:fields_length], order)

    def _take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise ConnectionResetError(104, "the connection was closed")
            data += more
        return data


def _fields(data: bytes, order: str) -> tuple[int, str]:
    """REPLY_SERIAL and ERROR_NAME among the header fields, which are an array of (byte, variant)."""
    serial, name, at = 0, "", 0
    while at < len(data):
        code, signature = data[at], data[at + 2 : at + 2 + data[at + 1]]
        at += 3 + len(signature)
        if signature == b"g":
            at += 2 + data[at]
        else:
            at = _padded(at, 4)
            number = struct.unpack_from(f"{order}I", data, at)[0]
            at += 4
            if signature in (b"s", b"o"):
                if code == _ERROR_NAME:
                    name = data[at : at + number].decode("utf-8", "replace")
                at += number + 1
            elif code == _REPLY_SERIAL:
                serial = number
        at = _padded(at, 8)
    return serial, name


def _padded(length: int, to: int) -> int:
    return (length + to - 1) // to * to


class _Writer:
    """Marshals values; each type knows its alignment, counted from the start of the data."""

    def __init__(self) -> None:
        self.data = bytearray()

    def align(self, to: int) -> None:
        self.data += bytes(-len(self.data) % to)

    def number(self, value: int) -> None:
        self.align(4)
        self.data += struct.pack("<I", value)

    def string(self, text: str) -> None:
        raw = text.encode()
        self.number(len(raw))
        self.data += raw + b"\0"

    def signature(self, text: str) -> None:
        self.data += bytes((len(text),)) + text.encode() + b"\0"

    def variant(self, value: Argument) -> None:
        if isinstance(value, bool):
            self.signature("b")
            self.number(int(value))
        elif isinstance(value, str):
            self.signature("s")
            self.string(value)
        elif isinstance(value, int):
            self.signature("t")
            self.align(8)
            self.data += struct.pack("<Q", value)
        else:
            self.signature("au")
            self.number(4 * len(value))
            for item in value:
                self.number(item)

    def begin_array(self, element_alignment: int) -> tuple[int, int]:
        """Room for the length; give what this returns to `end_array`."""
        self.number(0)
        at = len(self.data) - 4
        self.align(element_alignment)
        return at, len(self.data)

    def end_array(self, begun: tuple[int, int]) -> None:
        at, start = begun
        struct.pack_into("<I", self.data, at, len(self.data) - start)


def message(serial: int, to: tuple[str, str, str], member: str, signature: str, body: bytes) -> bytes:
    """A method call as it goes over the wire, little-endian."""
    destination, path, interface = to
    out = _Writer()
    out.data += struct.pack("<BBBBII", ord("l"), _CALL, 0, 1, len(body), serial)
    begun = out.begin_array(8)
    for code, kind, text in (
        (_PATH, "o", path),
        (_INTERFACE, "s", interface),
        (_MEMBER, "s", member),
        (_DESTINATION, "s", destination),
        (_SIGNATURE, "g", signature),
    ):
        if not text:
            continue
        out.align(8)
        out.data.append(code)
        out.signature(kind)
        if kind == "g":
            out.signature(text)
        else:
            out.string(text)
    out.end_array(begun)
    out.align(8)
    return bytes(out.data) + body


def unit_body(name: str, properties: Mapping[str, Argument]) -> bytes:
    """The arguments of StartTransientUnit: name, mode, properties, no auxiliary units."""
    out = _Writer()
    out.string(name)
    out.string("replace")
    begun = out.begin_array(8)
    for key, value in properties.items():
        out.align(8)
        out.string(key)
        out.variant(value)
    out.end_array(begun)
    out.end_array(out.begin_array(8))
    return bytes(out.data)
