"""The client of conmon's attach socket, against a conmon of the test's own making."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.runtime import attach


@contextmanager
def conmon(bundle: Path, behave: Callable[[socket.socket], None]) -> Iterator[None]:
    """Listens as conmon does, and behaves to its one client as told."""
    bundle.mkdir(parents=True, exist_ok=True)
    directory = os.open(bundle, os.O_PATH)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(f"/proc/self/fd/{directory}/attach")
        os.close(directory)
        listener.listen()

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                behave(client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def pump(bundle: Path, stdin: int | None = None) -> tuple[str, bytes, bytes]:
    """Attach to the end: how it ended, and what came on the two streams."""
    out_read, out = os.pipe()
    err_read, err = os.pipe()
    attachment = attach.connect(str(bundle))
    how = attachment.pump(stdin=stdin, stdout=out, stderr=err, tty=False)
    os.close(out)
    os.close(err)
    with open(out_read, "rb") as one, open(err_read, "rb") as two:
        return how, one.read(), two.read()


def test_the_first_byte_names_the_stream(tmp_path: Path) -> None:
    def behave(client: socket.socket) -> None:
        client.send(b"\x02out")
        client.send(b"\x03err")
        client.send(b"\x02" + b"x" * 8192)

    with conmon(tmp_path, behave):
        assert pump(tmp_path) == ("eof", b"out" + b"x" * 8192, b"err")


def test_bundles_with_long_paths(tmp_path: Path) -> None:
    bundle = tmp_path / ("x" * 100) / ("y" * 100)
    with conmon(bundle, lambda client: client.sendall(b"\x02hi")):
        assert pump(bundle) == ("eof", b"hi", b"")


def test_input_goes_in_and_its_end_is_told(tmp_path: Path) -> None:
    got = []

    def behave(client: socket.socket) -> None:
        while data := client.recv(65536):
            got.append(data)
        client.send(b"\x02seen")

    read, write = os.pipe()
    os.write(write, b"hello")
    os.close(write)
    with conmon(tmp_path, behave):
        assert pump(tmp_path, read) == ("eof", b"seen", b"")
    os.close(read)
    assert got == [b"hello"]


def test_output_is_not_lost_when_conmon_ends_with_input_unread() -> None:
    """The kernel tells ECONNRESET before it hands out what is still in the queue."""
    ours, conmons = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    ours.send(b"unread")
    conmons.send(b"\x02last ")
    conmons.send(b"\x02words")
    conmons.close()
    read, write = os.pipe()
    how = attach.Attachment(ours, "/nowhere").pump(stdin=None, stdout=write, stderr=None, tty=False)
    os.close(write)
    assert (how, os.read(read, 100)) == ("eof", b"last words")
    os.close(read)


def test_where_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(ArgosyError, match="cannot attach") as caught:
        attach.connect(str(tmp_path / ("4f" * 32)))
    assert "conmon is gone" in caught.value.hint


def test_the_size_of_the_window_goes_through_the_fifo(tmp_path: Path) -> None:
    path = str(tmp_path / "ctl")
    assert not attach.resize(path, 24, 80)
    os.mkfifo(path)
    assert not attach.resize(path, 24, 80)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    assert attach.resize(path, 24, 80)
    assert attach.resize(path, 5000, 7000)
    assert os.read(reader, 100) == b"1 24 80\n1 1000 1000\n"
    os.close(reader)


def test_raw_settings_and_their_text() -> None:
    import pty
    import subprocess
    import termios

    master, slave = pty.openpty()
    settings = termios.tcgetattr(slave)
    done = subprocess.run(["stty", "-g"], stdin=slave, capture_output=True, text=True, check=True)
    assert attach.stty_text(settings) == done.stdout.strip()
    termios.tcsetattr(slave, termios.TCSANOW, attach.raw_settings(settings))
    os.write(slave, b"a\nb")
    assert os.read(master, 100) == b"a\nb"
    os.write(master, b"\x03\x04\r")
    assert os.read(slave, 100) == b"\x03\x04\r"
    subprocess.run(["stty", attach.stty_text(settings)], stdin=slave, check=True)
    assert termios.tcgetattr(slave) == settings
    os.close(master)
    os.close(slave)


def test_one_is_connected_when_conmon_has_taken_the_connection(tmp_path: Path) -> None:
    """What it says before then, it says to nobody."""
    accepted = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        directory = os.open(tmp_path, os.O_PATH)
        listener.bind(f"/proc/self/fd/{directory}/attach")
        os.close(directory)
        listener.listen()

        def serve() -> None:
            time.sleep(0.1)  # busy with something else
            accepted.set()
            client, _ = listener.accept()
            client.close()

        thread = threading.Thread(target=serve)
        thread.start()
        attachment = attach.connect(str(tmp_path))
        assert accepted.is_set()
        attachment.close()
        thread.join()
