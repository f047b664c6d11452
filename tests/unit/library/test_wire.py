"""Documents between a program and its helper: exact, bounded, and unable to make anything but values and errors."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from argosy import jsontext
from argosy.containers.exec import ExecOptions
from argosy.containers.run import Streams
from argosy.errors import ArgosyError, Exists, InUse, Invalid, NotFound, Unsupported
from argosy.images.choose import NoPlatform
from argosy.images.progress import Progress
from argosy.images.remove import ImageInUse
from argosy.images.resolve import ImageNotKnown, Resolved
from argosy.library import wire
from argosy.linux.process import ProgramFailed
from argosy.oci import digest as digests
from argosy.oci.platform import Platform
from argosy.oci.reference import Reference
from argosy.spec.options import BadOption, ContainerOptions, Mount
from argosy.storage.images import ImageRecord, LayerRef


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def passed(ends: tuple[socket.socket, socket.socket], content: Any) -> Any:
    """What arrives when `content` is sent."""
    wire.send(ends[0], content)
    return wire.receive(ends[1])[0]


RECORD = ImageRecord("sha256:a", "m", "sha256:b", 1.5, layers=(LayerRef("sha256:c", "", 7, "t"),))

VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -(1 << 70),
    1.25,
    "",
    "text with \u00e9, \n, \x00 and a lone \udcff",
    bytes(range(256)),
    (),
    [],
    {},
    ((1, [2, (3,)]), {"t": [1]}, {"key": {"v": ("x",)}}, {1: (2,)}),
    Resolved(RECORD, Reference("docker.io", "library/busybox", "latest")),
    ContainerOptions(image="x", env={"A": "b"}, mounts=(Mount("bind", "/a", "/b", ("ro",)),), command=("sh",)),
    Platform("linux", "arm64", "v8"),
)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_arrive_as_they_were(ends: tuple[socket.socket, socket.socket], value: Any) -> None:
    arrived = passed(ends, value)
    assert arrived == value
    assert type(arrived) is type(value)


def test_digests_stay_digests(ends: tuple[socket.socket, socket.socket]) -> None:
    digest = digests.of_bytes(b"x")
    assert type(passed(ends, (digest,))[0]) is digests.Digest


ERRORS: tuple[ArgosyError, ...] = (
    ArgosyError("brief", details="two\nlines", hint="do this", exit_code=127),
    NotFound("container", "web", hint="look"),
    Exists("container", "web", holder="1234"),
    InUse("volume", "data", ("a", "b")),
    Invalid("size", "x\x01", "it is none"),
    Unsupported("not here"),
    BadOption("bad", exit_code=126),
    ImageNotKnown("busybox", hint="pull it"),
    ImageInUse(("abc",)),
    NoPlatform("image", Platform("linux", "s390x", ""), ("linux/amd64",)),
    ProgramFailed(("/bin/false", "x"), 1, b"\xff said"),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_arrive_with_all_their_facts(ends: tuple[socket.socket, socket.socket], error: ArgosyError) -> None:
    error.add_note("a note")
    arrived = passed(ends, error)
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert arrived.args == error.args
    assert vars(arrived) == vars(error)


def test_errors_of_the_system_keep_their_number_and_path(ends: tuple[socket.socket, socket.socket]) -> None:
    arrived = passed(ends, FileNotFoundError(2, "No such file or directory", "/x"))
    assert isinstance(arrived, FileNotFoundError)
    assert (arrived.errno, arrived.strerror, arrived.filename) == (2, "No such file or directory", "/x")


def test_descriptors_travel_and_arrive_closed_on_exec(ends: tuple[socket.socket, socket.socket]) -> None:
    read_fd, write_fd = os.pipe()
    options = ExecOptions(command=("x",), stdin=None, stdout=write_fd, stderr=write_fd)
    wire.send(ends[0], (options, Streams(stdout=None, stderr=write_fd)))
    os.close(write_fd)
    (exec_options, streams), fds = wire.receive(ends[1])
    assert exec_options.stdin is None
    assert streams.stdout is None
    assert sorted(fds) == sorted((exec_options.stdout, exec_options.stderr, streams.stderr))
    for fd in fds:
        assert not os.get_inheritable(fd)
        os.write(fd, b"x")
    wire.close_all(fds)
    assert fds == []
    assert os.read(read_fd, 10) == b"xxx"
    assert os.read(read_fd, 10) == b""  # no copy is left anywhere
    os.close(read_fd)


def test_a_file_is_its_descriptor(ends: tuple[socket.socket, socket.socket]) -> None:
    with open(__file__, "rb") as file:
        wire.send(ends[0], (file, 7))
    (arrived, number), fds = wire.receive(ends[1])
    assert number == 7
    assert fds == [arrived]
    assert os.read(arrived, 3) == b'"""'
    wire.close_all(fds)


def test_descriptors_beyond_the_streams_are_refused(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(Unsupported):
        wire.send(ends[0], ExecOptions(command=("x",), preserve_fds=1))


def test_the_receiver_has_its_own_progress(ends: tuple[socket.socket, socket.socket]) -> None:
    class Mine(Progress):
        """One that would have no form."""

    own = Progress()
    wire.send(ends[0], {"progress": Mine()})
    assert wire.receive(ends[1], own)[0]["progress"] is own


@pytest.mark.parametrize("strange", [object(), {1, 2}, lambda: None, KeyError("x")], ids=repr)
def test_anything_else_is_refused_and_nothing_sent(ends: tuple[socket.socket, socket.socket], strange: object) -> None:
    with pytest.raises(TypeError):
        wire.send(ends[0], (1, strange))
    assert passed(ends, "next") == "next"


HOSTILE = (
    {"v": ["os", "system", "true"]},
    {"v": ["argosy.linux.process", "run", {"t": ["true"]}]},
    {"v": ["argosy.linux.process", "os.system", "true"]},
    {"v": ["argosy.errors", "NotFound", "a", "b"]},
    {"e": ["argosy.values", "Value", {"t": []}, {"d": []}]},
    {"e": ["builtins", "SystemExit", {"t": []}, {"d": []}]},
)


@pytest.mark.parametrize("document", HOSTILE, ids=str)
def test_no_document_makes_anything_but_values_and_errors(
    ends: tuple[socket.socket, socket.socket], document: dict[str, Any]
) -> None:
    text = jsontext.encode(document)
    ends[0].sendall(struct.pack("!I", len(text)) + text)
    with pytest.raises(Invalid):
        wire.receive(ends[1])


def test_lengths_are_bounded(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[0].sendall(struct.pack("!I", wire.LIMIT_BYTES + 1))
    with pytest.raises(Invalid, match="larger"):
        wire.receive(ends[1])


@pytest.mark.parametrize("sent", [b"", b"\0\0", b"\0\0\0\x09tru"], ids=["nothing", "half a length", "half a text"])
def test_an_end_in_the_middle_is_an_end(ends: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    ends[0].sendall(sent)
    ends[0].shutdown(socket.SHUT_WR)
    with pytest.raises(wire.Closed):
        wire.receive(ends[1])


def test_nobody_to_send_to(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[1].close()
    with pytest.raises(wire.Closed):
        wire.send(ends[0], "x")
