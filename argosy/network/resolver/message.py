"""DNS messages (RFC 1035), as much as a server of addresses and names needs: one question in, records out.

Everything else is passed on as it is.  Pure: reads and writes nothing.
"""

from __future__ import annotations

import struct
from _socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

A, PTR, AAAA = 1, 12, 28
NO_ERROR, FORMAT_ERROR, SERVER_FAILURE, NO_SUCH_NAME, NOT_IMPLEMENTED = 0, 1, 2, 3, 4
LARGEST = 65535  # bytes of a message over TCP
_IN = 1
_HEADER = struct.Struct(">HHHHHH")  # id, flags, questions, answers, authorities, additional records
_RESPONSE, _OPCODE, _AUTHORITATIVE, _TRUNCATED = 0x8000, 0x7800, 0x0400, 0x0200
_RECURSION_DESIRED, _RECURSION_AVAILABLE = 0x0100, 0x0080
_LONGEST_NAME, _LONGEST_LABEL = 255, 63
_UDP_ROOM, _UDP_LARGEST = 512, 4096
_EDNS = b"\0\0\x29"  # the root's name and the type of an OPT record (RFC 6891)


class Malformed(Exception):
    """No question that can be answered.  `code` is what to tell the asker, -1 for nothing at all."""

    def __init__(self, code: int) -> None:
        """`code` is a response code, or -1."""
        super().__init__(code)
        self.code = code


class Question(Value):
    """What is asked: `name` in lower case without the last dot; `room` is what the asker takes over UDP."""

    name: str
    kind: int
    end: int
    room: int = _UDP_ROOM


def parse(data: bytes) -> Question:
    """The one question of a message.  Raises Malformed."""
    if len(data) < _HEADER.size:
        raise Malformed(-1)
    _, flags, questions, answers, authorities, additional = _HEADER.unpack_from(data)
    if flags & _RESPONSE:
        raise Malformed(-1)  # two servers must not answer each other for ever
    if flags & _OPCODE:
        raise Malformed(NOT_IMPLEMENTED)
    if questions != 1 or answers or authorities:
        raise Malformed(FORMAT_ERROR)
    name, end = _name(data, _HEADER.size)
    if len(data) < end + 4:
        raise Malformed(FORMAT_ERROR)
    kind, of_class = struct.unpack_from(">HH", data, end)
    return Question(name, kind if of_class == _IN else 0, end + 4, _room(data[end + 4 :]) if additional else _UDP_ROOM)


def _name(data: bytes, at: int) -> tuple[str, int]:
    """The name that begins there, and where it ends.  A dot inside a label makes a name that nobody has."""
    labels, start = [], at
    while at < len(data) and (length := data[at]):
        if length > _LONGEST_LABEL or at + length - start > _LONGEST_NAME - 2:
            raise Malformed(FORMAT_ERROR)  # a pointer, in a question, has nothing to point at
        labels.append(data[at + 1 : at + 1 + length].replace(b".", b"\\."))
        at += 1 + length
    if at >= len(data):
        raise Malformed(FORMAT_ERROR)
    return b".".join(labels).decode("latin-1").lower(), at + 1


def _room(additional: bytes) -> int:
    if not additional.startswith(_EDNS) or len(additional) < 5:
        return _UDP_ROOM
    return int(min(max(struct.unpack_from(">H", additional, 3)[0], _UDP_ROOM), _UDP_LARGEST))


def reply(data: bytes, question: Question, records: Iterable[bytes], *, room: int = LARGEST) -> bytes:
    """The answer with these values of the kind that was asked for, and no more than fit into `room`."""
    body, count, truncated = b"", 0, 0
    for value in records:
        record = struct.pack(">HHHIH", 0xC00C, question.kind, _IN, 0, len(value)) + value
        if question.end + len(body) + len(record) > room:
            truncated = _TRUNCATED
            break
        body, count = body + record, count + 1
    return _head(data, NO_ERROR | truncated, count) + data[_HEADER.size : question.end] + body


def refusal(data: bytes, code: int, question: Question | None = None) -> bytes:
    """The answer that has a code alone."""
    if question is None:
        number, flags = struct.unpack_from(">HH", data)
        return _HEADER.pack(number, _RESPONSE | flags & (_OPCODE | _RECURSION_DESIRED) | code, 0, 0, 0, 0)
    return _head(data, code, 0) + data[_HEADER.size : question.end]


def _head(data: bytes, bits: int, answers: int) -> bytes:
    number, flags = struct.unpack_from(">HH", data)
    bits |= _RESPONSE | _AUTHORITATIVE | _RECURSION_AVAILABLE | flags & _RECURSION_DESIRED
    return _HEADER.pack(number, bits, 1, answers, 0, 0)


def answers(data: bytes, question: Question, response: bytes) -> bool:
    """Whether a message of another server is the response to the question of `data`."""
    same = response[:2] == data[:2] and response[_HEADER.size : question.end] == data[_HEADER.size : question.end]
    return same and len(response) >= question.end and bool(response[2] & 0x80)


def encoded_name(name: str) -> bytes:
    """A name as a value of PTR; b"" for one that no message can hold."""
    labels = [label.encode() for label in name.split(".")]
    if not all(0 < len(label) <= _LONGEST_LABEL for label in labels) or len(name) > _LONGEST_NAME - 2:
        return b""
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def encoded_address(address: str, kind: int) -> bytes:
    """An address as a value of A or AAAA; b"" where it is of the other kind."""
    if (":" in address) != (kind == AAAA):
        return b""
    return inet_pton(AF_INET6 if kind == AAAA else AF_INET, address)


def reversed_address(name: str) -> str:
    """The address that a name below in-addr.arpa or ip6.arpa stands for; "" for any other name."""
    labels = name.split(".")[::-1]
    try:
        if labels[:2] == ["arpa", "in-addr"] and len(labels) == 6:
            return inet_ntop(AF_INET, bytes(int(label) for label in labels[2:]))
        if labels[:2] == ["arpa", "ip6"] and len(labels) == 34 and all(len(label) == 1 for label in labels[2:]):
            return inet_ntop(AF_INET6, bytes.fromhex("".join(labels[2:])))
    except ValueError:
        pass
    return ""
