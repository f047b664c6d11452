"""Asking systemd for a scope: the message as others read it, the answers, the doors."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from argosy.linux import systemd
from argosy.linux.systemd import Refused, Scope
from tests.rig import host

SCOPE = Scope("argosy-conmon-4f.scope", "machine.slice", "conmon of 4f", os.getuid())

MONITORED = """   string "argosy-conmon-4f.scope"
   string "replace"
   array [
      struct {
         string "Description"
         variant             string "conmon of 4f"
      }
      struct {
         string "Slice"
         variant             string "machine.slice"
      }
      struct {
         string "PIDs"
         variant             array [
               uint32 4711
               uint32 815
            ]
      }
      struct {
         string "Delegate"
         variant             boolean true
      }
      struct {
         string "DefaultDependencies"
         variant             boolean false
      }
   ]
   array [
   ]
"""


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    """A real bus of the test's own, on which no systemd is."""
    path = tmp_path / "bus"
    config = tmp_path / "bus.conf"
    config.write_text(
        "<busconfig><type>session</type>"
        f"<listen>unix:path={path}</listen><auth>EXTERNAL</auth>"
        '<policy context="default"><allow send_destination="*" eavesdrop="true"/>'
        '<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>'
    )
    argv = ["dbus-daemon", f"--config-file={config}", "--nofork"]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as daemon:
        deadline = time.monotonic() + 10
        while not path.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield str(path)
        daemon.terminate()


def overheard(bus: str, ask: Callable[[], None]) -> tuple[str, str]:
    """What the bus carries when nobody there can answer: the heading of the call, and its arguments."""
    argv = ["dbus-monitor", "--address", f"unix:path={bus}", "member='StartTransientUnit'"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as monitor:
        assert monitor.stdout is not None
        monitor.stdout.readline()  # it tells that it has its name, and so that it listens
        with pytest.raises(Refused, match="ServiceUnknown"):
            ask()
        time.sleep(0.3)
        monitor.terminate()
        said = monitor.stdout.read()
    heading, _, rest = said[said.index("method call") :].partition("\n")
    return heading, rest


@host.needs_program("dbus-daemon")
@host.needs_program("dbus-monitor")
def test_the_message_is_what_others_read(bus: str) -> None:
    heading, rest = overheard(bus, lambda: systemd.start_scope(SCOPE, (4711, 815), {}, doors=((bus, True),)))
    assert "destination=org.freedesktop.systemd1 " in heading
    assert "path=/org/freedesktop/systemd1; interface=org.freedesktop.systemd1.Manager" in heading
    assert rest.startswith(MONITORED)


@host.needs_program("dbus-daemon")
@host.needs_program("dbus-monitor")
def test_a_slice_with_limits(bus: str) -> None:
    limits = {"MemoryMax": 1 << 40, "CPUWeight": 39}
    _, rest = overheard(
        bus, lambda: systemd.start_slice("machine-x.slice", "a pod", limits, 0, {}, doors=((bus, True),))
    )
    words = " ".join(rest.split())
    assert words.startswith('string "machine-x.slice" string "replace" array [ struct { string "Description"')
    assert 'string "MemoryMax" variant uint64 1099511627776 }' in words
    assert 'string "CPUWeight" variant uint64 39 }' in words


Answer = Callable[[socket.socket, bytes], None]


@contextmanager
def manager(path: str, answer: Answer, *, lets_in: bool = True) -> Iterator[list[bytes]]:
    """A manager's private socket: lets one client in, and answers its one message."""
    seen: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                seen.append(connection.recv(4096))
                connection.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n" if lets_in else b"REJECTED EXTERNAL\r\n")
                data = connection.recv(65536)
                if data.startswith(b"BEGIN\r\n"):
                    data = data[7:] or connection.recv(65536)
                    answer(connection, data)

        thread = threading.Thread(target=serve)
        thread.start()
        yield seen
        thread.join()


def fields(serial: int, error: str = "") -> bytes:
    """Header fields of an answer, with one of each kind that the reader has to step over."""
    out = b"\x05\x01u\0" + struct.pack("<I", serial)
    out += b"\x07\x01s\0" + struct.pack("<I", 3) + b":1.\0"
    out += bytes(-len(out) % 8) + b"\x08\x01g\0\x01o\0"
    if error:
        out += bytes(-len(out) % 8) + b"\x04\x01s\0" + struct.pack("<I", len(error)) + error.encode() + b"\0"
    return out


def reply(kind: int, serial: int, body: bytes = b"", error: str = "") -> bytes:
    head = fields(serial, error)
    return struct.pack("<BBBBIII", ord("l"), kind, 1, 1, len(body), 9, len(head)) + head + bytes(-len(head) % 8) + body


def test_a_return_is_success_whatever_comes_before(tmp_path: Path) -> None:
    path = str(tmp_path / "private")

    def answer(connection: socket.socket, _data: bytes) -> None:
        connection.sendall(reply(4, 0, b"signal!!") + reply(2, 77) + reply(2, 1, b"\4\0\0\0/job\0"))

    with manager(path, answer) as seen:
        systemd.start_scope(SCOPE, (1,), {}, doors=((path, False),))
    assert seen == [b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n"]


def test_an_error_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "private")

    def answer(connection: socket.socket, _data: bytes) -> None:
        connection.sendall(reply(3, 1, b"", "org.freedesktop.systemd1.UnitExists"))

    with manager(path, answer), pytest.raises(Refused, match=r"UnitExists"):
        systemd.start_scope(SCOPE, (1,), {}, doors=((path, False),))


def test_a_closed_door_and_a_closed_connection(tmp_path: Path) -> None:
    path = str(tmp_path / "private")
    with manager(path, lambda *_: None, lets_in=False), pytest.raises(Refused, match="REJECTED"):
        systemd.start_scope(SCOPE, (1,), {}, doors=((path, False),))
    os.unlink(path)
    with manager(path, lambda *_: None), pytest.raises(Refused, match="closed"):
        systemd.start_scope(SCOPE, (1,), {}, doors=((path, False),))


def test_the_next_door_is_tried(tmp_path: Path) -> None:
    path = str(tmp_path / "private")
    with manager(path, lambda connection, _: connection.sendall(reply(2, 1))):
        systemd.start_scope(SCOPE, (1,), {}, doors=((str(tmp_path / "nothing"), False), (path, False)))
    with pytest.raises(Refused, match="No such file"):
        systemd.start_scope(SCOPE, (1,), {}, doors=((str(tmp_path / "nothing"), False),))


def test_each_user_asks_at_a_door_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "systemd").mkdir()
    path = str(tmp_path / "systemd" / "private")
    with manager(path, lambda connection, _: connection.sendall(reply(2, 1))) as seen:
        systemd.start_scope(SCOPE.replace(uid=1000), (1,), {"XDG_RUNTIME_DIR": str(tmp_path)})
    assert seen == [b"\0AUTH EXTERNAL 31303030\r\n"]
