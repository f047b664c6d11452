"""`container update --publish-add` and `--publish-rm`: other ports for a container that is there already."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.integration.test_bridges import AWAIT, get, serve
from tests.rig import host
from tests.rig.program import Program

pytestmark = [host.needs_program("nft"), pytest.mark.usefixtures("busybox")]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.socket() as listening:
        listening.bind(("", 0))
        listening.listen()
        yield listening.getsockname()[1]


def published(program: Program) -> list[int]:
    return [int(line.rpartition(":")[2]) for line in program.run("port", "web").lines]


def may_be_bound(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("", port))
            trial.listen()
        except OSError:
            return False
        return True


def check_changes(program: Program, taken: int) -> None:
    """The same whatever leads the ports to the container `web`, which serves by port 80 and publishes it once."""
    [first] = published(program)
    program.run("container", "update", "--publish-add", "80", "web")
    _, second = published(program)
    assert get(first) == get(second) == b"served-by-web"
    assert not may_be_bound(second)

    done = program.run("update", "--publish-rm", f"{second}:80", "--publish-add", f"{taken}:80", "web", check=126)
    assert f":{taken}: address already in use" in done.stderr
    assert published(program) == [first, second]
    assert get(second) == b"served-by-web", "all changes are made, or none"

    assert program.run("update", "--publish-rm", f"{first}:80/tcp", "web").stdout.strip()
    assert published(program) == [second]
    assert get(second) == b"served-by-web"
    assert may_be_bound(first)
    with pytest.raises(OSError, match="refused"):
        get(first)
    done = program.run("update", "--publish-rm", "81", "web", check=125)
    assert "does not publish 81/tcp" in done.stderr

    program.run("update", "--publish-rm", "80", "web")
    assert published(program) == []
    assert may_be_bound(second)
    program.run("update", "--publish-add", f"{first}:80", "web")
    program.run("restart", "-t", "0", "web")
    program.run("exec", "web", "sh", "-c", AWAIT)
    assert published(program) == [first]
    assert get(first) == b"served-by-web"
    program.run("rm", "-f", "-t", "0", "web")
    assert may_be_bound(first)


def test_ports_are_changed_on_roots_bridges(argosy: Program, taken: int) -> None:
    if not host.is_root():
        pytest.skip("needs root")
    argosy.run("network", "create", "one")
    serve(argosy, "web", "--network", "one", "-p", "80")
    argosy.run("run", "-d", "--name", "other", "--network", "one", "-p", "80", "busybox", "sleep", "1000")
    place = argosy.run("port", "other", "80").stdout.strip()
    done = argosy.run("update", "--publish-add", f"{place.rpartition(':')[2]}:80", "web", check=126)
    assert "address already in use: container" in done.stderr
    with socket.create_connection(("127.0.0.1", published(argosy)[0]), 5) as connection:
        argosy.run("update", "--publish-add", "81", "web")
        argosy.run("update", "--publish-rm", "81", "web")
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/"), "connections stay"
    check_changes(argosy, taken)
    argosy.run("rm", "-f", "-t", "0", "other")
    argosy.run("network", "rm", "one")


@host.needs_tun
@pytest.mark.parametrize("mode", ["pasta", "slirp4netns", "one"])
def test_a_user_changes_ports(argosy_user: Program, taken: int, mode: str) -> None:
    if host.program(mode) is None and mode != "one":
        pytest.skip(f"{mode} is not installed")
    argosy_user.run("network", "create", "one")
    serve(argosy_user, "web", "--network", mode, "-p", "80")
    check_changes(argosy_user, taken)


def test_ports_of_a_container_that_does_not_run_are_changed(argosy_both: Program) -> None:
    argosy_both.run("create", "--name", "web", "-p", "8000-8002:80-82", "-p", "53:53/udp", "busybox", "true")
    argosy_both.run("update", "--publish-rm", "8001:81", "--publish-add", "127.0.0.1:9000:90", "web")
    assert argosy_both.run("port", "web").lines == [
        "80/tcp -> 0.0.0.0:8000",
        "82/tcp -> 0.0.0.0:8002",
        "53/udp -> 0.0.0.0:53",
        "90/tcp -> 127.0.0.1:9000",
    ]
    shown = argosy_both.run("inspect", "web").json()[0]
    assert sorted(shown["HostConfig"]["PortBindings"]) == ["53/udp", "80/tcp", "82/tcp", "90/tcp"]
    assert "127.0.0.1:9000->90/tcp" in argosy_both.run("ps", "-a").stdout
    for flags, words in (
        ((), "nothing is to be changed"),
        (("--publish-add", "9001:80"), ""),
        (("--publish-add", "8000:83"), "conflicting port mappings for host port 8000"),
        (("--publish-add", "70000:80"), "port numbers must be between 1 and 65535"),
        (("--publish-rm", "x"), "invalid port number"),
    ):
        done = argosy_both.run("update", *flags, "web", check=125 if words else 0)
        assert words in done.stderr
    argosy_both.run("create", "--name", "shared", "--network", "host", "busybox", "true")
    done = argosy_both.run("update", "--publish-add", "80:80", "shared", check=125)
    assert "has no network of its own" in done.stderr
    argosy_both.run("rm", "web", "shared")
