"""The server of names: what it makes of questions, files and resolv.conf, and that hostile messages do no harm."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path

import pytest

from argosy.network.resolver import message, names
from argosy.network.resolver.forward import HostServers
from argosy.network.resolver.server import Server

A, B = "a" * 64, "b" * 64


def asked(name: str, kind: int, *, flags: int = 0x0100, room: int = 0, of_class: int = 1) -> bytes:
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    extra = b"\0\0\x29" + struct.pack(">HIH", room, 0, 0) if room else b""
    head = struct.pack(">HHHHHH", 4711, flags, 1, 0, 0, bool(room))
    return head + labels + b"\0" + struct.pack(">HH", kind, of_class) + extra


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "one").write_text(
        f"10.9.0.1,fd00::1 192.0.2.53\n{A} 10.9.0.5 fd00::5 web,aaaaaaaaaaaa,shop\n{B} 10.9.0.6  db,shop\n"
    )
    (tmp_path / "two").write_text(f"10.8.0.1\n{A} 10.8.0.5  web\n")
    (tmp_path / "shut").write_text(f"10.7.0.1 -\n{'c' * 64} 10.7.0.5  vault\n")
    (tmp_path / "resolver.pid").write_text("1")
    return tmp_path


def values(place: Path, asker: str, server: str, name: str, kind: int) -> list[bytes] | None:
    return names.resolve(names.Names(str(place)).zones(asker, server), message.parse(asked(name, kind)))


def test_names_are_those_of_the_askers_own_networks(place: Path) -> None:
    five, six, other = bytes((10, 9, 0, 5)), bytes((10, 9, 0, 6)), bytes((10, 8, 0, 5))
    assert values(place, "10.9.0.6", "10.9.0.1", "WEB", message.A) == [five]
    assert values(place, "10.9.0.6", "10.9.0.1", "shop.dns.podman", message.A) == [five, six]
    assert values(place, "10.9.0.6", "10.8.0.1", "web", message.A) == [five], "not from a network that it is not on"
    assert values(place, "10.8.0.5", "10.8.0.1", "web", message.A) == [five, other], "it is on both"
    assert values(place, "10.9.0.77", "10.8.0.1", "web", message.A) == [other], "the host asks one network"
    assert values(place, "10.9.0.6", "10.9.0.1", "db", message.AAAA) == []
    assert values(place, "10.9.0.6", "10.9.0.1", "vault", message.A) is None
    assert values(place, "10.9.0.6", "10.9.0.1", "web", 15) == [], "MX of a name that is there"
    assert values(place, "10.9.0.6", "10.9.0.1", "example.org", message.A) is None


def test_the_names_behind_an_address(place: Path) -> None:
    expected = [b"\3web\0", b"\x0caaaaaaaaaaaa\0", b"\4shop\0"]
    assert values(place, "10.9.0.6", "10.9.0.1", "5.0.9.10.in-addr.arpa", message.PTR) == expected
    nibbles = ".".join(("fd00" + "0" * 27 + "5")[::-1])
    assert values(place, "10.9.0.6", "10.9.0.1", f"{nibbles}.ip6.arpa", message.PTR) == expected
    assert values(place, "10.9.0.6", "10.9.0.1", "5.0.7.10.in-addr.arpa", message.PTR) is None


@pytest.mark.parametrize("name", ["1.2.3.in-addr.arpa", "300.1.1.1.in-addr.arpa", "x.1.1.1.in-addr.arpa", "é.ip6.arpa"])
def test_what_is_no_address(name: str) -> None:
    assert message.reversed_address(name) == ""


def test_whom_to_ask_for_other_names(place: Path) -> None:
    found = names.Names(str(place))
    assert names.upstream(found.zones("10.9.0.6", "10.9.0.1")) == ("192.0.2.53",)
    assert names.upstream(found.zones("10.8.0.99", "10.8.0.1")) == ()
    assert names.upstream(found.zones("10.7.0.5", "10.7.0.1")) is None, "nothing leaves an internal network"


def test_an_answer_has_the_question_as_it_was_asked(place: Path) -> None:
    data = asked("WeB", message.A)
    found = message.reply(data, message.parse(data), [bytes((10, 9, 0, 5))])
    assert found[:12] == struct.pack(">HHHHHH", 4711, 0x8580, 1, 1, 0, 0)
    assert found[12 : len(data)] == data[12:]
    assert found[len(data) :] == b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + bytes((10, 9, 0, 5))


def test_what_does_not_fit_is_left_out_and_said(place: Path) -> None:
    many = [bytes((10, 9, 1, number)) for number in range(100)]
    for room, whole in ((0, False), (4096, True)):
        data = asked("web", message.A, room=room)
        question = message.parse(data)
        found = message.reply(data, question, many, room=question.room)
        assert len(found) <= question.room
        assert bool(found[2] & 0x02) is not whole


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", -1),
        (b"\0" * 11, -1),
        (asked("web", 1, flags=0x8100), -1),
        (asked("web", 1, flags=0x2800), message.NOT_IMPLEMENTED),
        (struct.pack(">HHHHHH", 1, 0, 0, 0, 0, 0), message.FORMAT_ERROR),
        (struct.pack(">HHHHHH", 1, 0, 2, 0, 0, 0) + b"\0\0\1\0\1", message.FORMAT_ERROR),
        (struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1", message.FORMAT_ERROR),
        (struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0) + b"\x3fabc", message.FORMAT_ERROR),
        (struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0) + b"\3abc\0\0", message.FORMAT_ERROR),
        (asked(".".join(["x" * 60] * 5), 1), message.FORMAT_ERROR),
    ],
)
def test_malformed_questions(data: bytes, code: int) -> None:
    with pytest.raises(message.Malformed) as failure:
        message.parse(data)
    assert failure.value.code == code


def test_any_bytes_are_answered_or_dropped(place: Path) -> None:
    """Changed questions and noise: never another failure than Malformed, and no answer that is not a response."""
    server, chance = Server(str(place), 53, ""), random.Random(7)
    server.load = lambda: None  # type: ignore[method-assign]
    seeds = [asked("web", 1), asked("5.0.9.10.in-addr.arpa", 12), asked("shop", 28, room=1232), b""]
    for _ in range(20000):
        data = bytearray(chance.choice(seeds) or chance.randbytes(chance.randrange(80)))
        for _ in range(chance.randrange(4)):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        found = server._known(bytes(data[: chance.randrange(len(data) + 1)]), "10.9.0.6", "10.9.0.1")
        assert not isinstance(found, bytes) or not found or found[2] & 0x80


def test_only_the_answer_to_the_question_counts() -> None:
    data = asked("example.org", 1)
    question = message.parse(data)
    right = data[:2] + b"\x81\x80" + data[4:]
    assert message.answers(data, question, right)
    assert not message.answers(data, question, data), "a question is no answer"
    assert not message.answers(data, question, b"\0\0" + right[2:])
    assert not message.answers(data, question, right[:20])
    assert not message.answers(data, question, right.replace(b"example", b"exarnpl"))


def test_the_hosts_servers_are_those_of_the_file_now(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    host = HostServers(str(path))
    assert host.now() == ()
    path.write_text("nameserver 127.0.0.53\n")
    assert host.now() == ("127.0.0.53",)
    (tmp_path / "new").write_text("nameserver 10.0.0.53\nnameserver fe80::1%eth0\n")
    os.rename(tmp_path / "new", path)
    assert host.now() == ("10.0.0.53", "fe80::1%eth0")
