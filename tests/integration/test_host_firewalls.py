"""Bridges beside the rules of others: docker's, a firewall of the user's, and a table that our nft cannot read.

All of it in a network namespace of the test's own, where the rules of this host are not.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.interop.test_networks_podman import namespace
from tests.rig import host
from tests.rig.program import Program

pytestmark = [
    host.needs_root,
    host.needs_program("nft"),
    host.needs_program("iptables"),
    pytest.mark.usefixtures("busybox"),
]

OUTSIDE = """
ip link add ext type veth peer name out
ip link set out netns $1
ip addr add 198.51.100.1/24 dev ext; ip link set ext up
nsenter -t $1 -n sh -c '
    ip link set lo up; ip addr add 198.51.100.2/24 dev out; ip link set out up; ip route add default via 198.51.100.1
    sysctl -qw net.ipv4.ip_unprivileged_port_start=80'
"""
DOCKER = """
iptables -N DOCKER-USER
iptables -A DOCKER-USER -s 203.0.113.9 -j DROP
iptables -A DOCKER-USER -j RETURN
iptables -A FORWARD -j DOCKER-USER
iptables -P FORWARD DROP
"""
SERVE = "echo served >/index.html; httpd -f -h / -p 80"
FETCH = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 198.51.100.2 80 | tail -n 1"
OLD_NFT = """#!/bin/sh
if {nft} list table inet argosy 2>/dev/null | grep -q newer; then kill -SEGV $$; fi
exec {nft} "$@"
"""


class Host:
    """A host of the test's: the program in it, a shell, and another machine on its wire that serves port 80."""

    def __init__(self, program: Program, pid: int, outside: int) -> None:
        self.program, self.pid = program, pid
        self.inside = ["nsenter", "-t", str(pid), "-n", "-m"]
        program.prefix = list(self.inside)
        self.sh(OUTSIDE, str(outside))
        serve = ["nsenter", "-t", str(outside), "-n", "/usr/bin/python3", "-m", "http.server", "80"]
        self.server = subprocess.Popen(serve, cwd=program.files, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def sh(self, script: str, *words: str) -> str:
        argv = [*self.inside, "sh", "-ec", script, "sh", *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def made(argosy: Program) -> Iterator[Host]:
    os.makedirs(argosy.files, exist_ok=True)
    with open(f"{argosy.files}/index.html", "w") as file:
        file.write("from outside\n")
    places = [namespace(), namespace()]
    there = Host(argosy, *(place.pid for place in places))
    yield there
    argosy.run("rm", "-fa", "-t", "0")
    argosy.run("network", "prune", "-f")
    for process in (there.server, *places):
        process.kill()
        process.wait()


def reaches_outside(made: Host, name: str) -> bool:
    wait = "for i in $(seq 100); do nc -w 1 198.51.100.2 80 </dev/null && exit; sleep 0.1; done; exit 1"
    made.program.run("exec", name, "sh", "-c", wait)
    return "from outside" in made.program.run("exec", name, "sh", "-c", FETCH, check=False).stdout


def test_dockers_general_no_does_not_mean_our_bridges(made: Host) -> None:
    made.sh(DOCKER)
    made.program.run("network", "create", "one")
    bridge = made.program.run("network", "inspect", "--format", "{{.NetworkInterface}}", "one").stdout.strip()
    done = made.program.run("run", "-d", "--name", "web", "--network", "one", "busybox", "sh", "-c", SERVE)
    assert done.stderr == ""
    assert reaches_outside(made, "web")
    rules = made.sh("iptables -S DOCKER-USER").splitlines()[1:]
    ours = [f"-A DOCKER-USER -i {bridge} -j ACCEPT", f"-A DOCKER-USER -o {bridge} -j ACCEPT"]
    theirs = ["-A DOCKER-USER -s 203.0.113.9/32 -j DROP", "-A DOCKER-USER -j RETURN"]
    assert rules == [theirs[0], *ours, theirs[1]], "what the user wrote comes first"
    made.sh("iptables -F DOCKER-USER")
    made.program.run("network", "reload", "web")
    made.program.run("network", "reload", "web")
    assert made.sh("iptables -S DOCKER-USER").splitlines()[1:] == ours
    assert reaches_outside(made, "web")
    made.program.run("network", "rm", "-f", "-t", "0", "one")
    assert made.sh("iptables -S DOCKER-USER").splitlines()[1:] == []


def test_a_firewall_of_the_users_is_obeyed_and_told_of_once(made: Host) -> None:
    made.sh("iptables -P FORWARD DROP")
    run = ("run", "--rm", "busybox", "sh", "-c", FETCH.replace("-w 5", "-w 1"))
    done = made.program.run(*run, check=False)
    assert "from outside" not in done.stdout
    assert "the host's firewall drops what is forwarded" in done.stderr
    assert "ufw route allow in on podman0" in done.stderr
    assert "firewall" not in made.program.run(*run, check=False).stderr


def test_a_table_that_this_nft_cannot_read_is_made_again(made: Host) -> None:
    serve = ("run", "-d", "--name", "web", "-p", "8080:80", "busybox", "sh", "-c", SERVE)
    made.program.run(*serve)
    old = f"{made.program.files}/bin"
    os.makedirs(old)
    with open(f"{old}/nft", "w") as file:
        file.write(OLD_NFT.format(nft=host.program("nft")))
    os.chmod(f"{old}/nft", 0o755)
    env = {"PATH": f"{old}:{os.environ['PATH']}"}
    for words in (("network", "reload", "web"), ("run", "--rm", "-p", "8081:80", "busybox", "true")):
        made.sh("nft add chain inet argosy newer")
        made.program.run(*words, env=env)
        table = made.sh("nft list table inet argosy")
        assert "newer" not in table
        assert "tcp . 8080 : " in table
