"""The server of names as a process, in a network namespace that the test makes: other servers, VPNs, restarts."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from argosy.network import dns
from tests.rig import host
from tests.rig.program import CHECKOUT

pytestmark = [host.needs_root, host.needs_program("ip")]

HOST, VPN, GATEWAY, CONTAINER = "10.8.0.1", "10.8.0.2", "10.9.0.1", "10.9.0.5"
SETUP = (
    "ip link set lo up; for a in 8.0.1 8.0.2 8.0.3 9.0.1 9.0.5 9.0.6; do ip addr add 10.$a/32 dev lo; done;"
    'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"'
)


def test_the_server_follows_the_host_and_its_files(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text(f"nameserver 10.8.0.3\nnameserver {HOST}\n")
    words = [sys.executable, "-m", "tests.integration.test_resolver", str(tmp_path)]
    space = ["unshare", "--net", "--mount", "sh", "-c", SETUP, "sh", str(tmp_path / "resolv.conf"), *words]
    done = subprocess.run(space, capture_output=True, text=True, timeout=120, check=False, cwd=CHECKOUT)
    assert done.returncode == 0, done.stderr
    found = json.JSONDecoder().decode(done.stdout)
    assert found == {
        "other": HOST,  # the first server of the file does not answer
        "other over TCP": HOST,
        "vpn": VPN,
        "local": CONTAINER,
        "local over TCP": CONTAINER,
        "joined": "10.9.0.6",
        "same process": True,
        "ends": True,
    }


def query(name: str, *, stream: bool = False, patience_s: float = 30) -> str:
    """The address that the server gives for a name."""
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    data = struct.pack(">HHHHHH", 4711, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"
    if stream:
        with socket.create_connection((GATEWAY, 53), patience_s, (CONTAINER, 0)) as connection:
            connection.sendall(len(data).to_bytes(2, "big") + data)
            answer = connection.makefile("rb").read(2 + len(data) + 16)
    else:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.settimeout(patience_s)
            end.bind((CONTAINER, 0))
            end.sendto(data, (GATEWAY, 53))
            answer = end.recv(4096)
    return socket.inet_ntoa(answer[-4:])


def other_server(address: str) -> None:
    """A server that gives its own address for every name, from now on."""

    def answer(data: bytes) -> bytes:
        head = data[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0)
        return head + data[12:] + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(address)

    def datagrams() -> None:
        while True:
            data, source = udp.recvfrom(4096)
            udp.sendto(answer(data), source)

    def streams() -> None:
        while True:
            connection, _ = tcp.accept()
            with connection:
                found = answer(connection.recv(4096)[2:])
                connection.sendall(len(found).to_bytes(2, "big") + found)

    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, 53))
    tcp = socket.create_server((address, 53))
    for serve in (datagrams, streams):
        threading.Thread(target=serve, daemon=True).start()


def inside(directory: str) -> None:
    """What happens in the namespace; prints what was found."""
    other_server(HOST)
    other_server(VPN)
    place = dns.directory(directory)
    os.makedirs(place)
    line = f"{GATEWAY}\n{'a' * 64} {CONTAINER}  web\n"
    Path(place, "one").write_text(line)
    dns.revive(directory, port=53)
    pid = int(Path(place, "resolver.pid").read_text())
    found: dict[str, object] = {"local": query("web"), "local over TCP": query("web", stream=True)}
    found |= {"other": query("example.org"), "other over TCP": query("example.org", stream=True)}
    Path(directory, "resolv.conf").write_text(f"nameserver {VPN}\n")
    found["vpn"] = query("example.org")
    Path(place, "one").write_text(f"{line}{'b' * 64} 10.9.0.6  db\n")
    os.kill(pid, signal.SIGHUP)
    found["joined"] = query("db")
    Path(place, "resolver.pid").write_text("damaged")
    dns.revive(directory, port=53)  # it is found all the same: another could not listen
    found["same process"] = query("web") == CONTAINER and Path(place, "resolver.pid").read_text() == "damaged"
    Path(place, "one").unlink()
    os.kill(pid, signal.SIGHUP)
    deadline = time.monotonic() + 30
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.01)
    found["ends"] = not os.path.exists(f"/proc/{pid}")
    print(json.dumps(found))


if __name__ == "__main__":
    inside(sys.argv[1])
