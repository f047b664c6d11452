"""`docker network`: docker's names, flags and documents."""

from __future__ import annotations

import pytest

from tests.rig import host
from tests.rig.program import Program

pytestmark = [host.needs_program("nft"), pytest.mark.usefixtures("busybox")]


def test_dockers_networks(argosy: Program) -> None:
    if not host.is_root():
        pytest.skip("needs root")

    def docker(*words: str, check: int = 0) -> str:
        done = argosy.run(*words, check=check, name="docker")
        return done.stdout if check == 0 else done.stderr

    flags = ("--subnet", "10.218.9.0/29", "--aux-address", "router=10.218.9.2", "--attachable")
    identity = docker("network", "create", *flags, "--label", "a=b", "one").strip()
    assert len(identity) == 64
    container = docker("run", "-d", "--name", "web", "--network", "one", "busybox", "sleep", "1000").strip()
    shown = argosy.run("network", "inspect", "one", name="docker").json()[0]
    assert shown["Attachable"] is True
    assert shown["IPAM"]["Config"][0]["AuxiliaryAddresses"] == {"router": "10.218.9.2"}
    assert shown["Containers"][container]["IPv4Address"] == "10.218.9.3/29"
    place = argosy.run("network", "inspect", "one").json()[0]["containers"][container]
    assert place["interfaces"]["eth0"]["subnets"] == [{"ipnet": "10.218.9.3/29", "gateway": "10.218.9.1"}]

    docker("network", "connect", "bridge", "web")
    networks = argosy.run("inspect", "web", name="docker").json()[0]["NetworkSettings"]["Networks"]
    assert sorted(networks) == ["bridge", "one"]
    assert networks["one"]["NetworkID"] == identity
    assert list(argosy.run("network", "inspect", "bridge", name="docker").json()[0]["Containers"]) == [container]
    docker("network", "disconnect", "bridge", "web")
    assert docker("network", "ls", "-q", "--filter", "type=custom") == f"{identity[:12]}\n"

    for words, said in (
        (("run", "--rm", "--network", "one", "--ip", "10.218.9.2", "busybox", "true"), "is reserved for router"),
        (("network", "create", "--ingress", "two"), "--ingress is not supported"),
        (("network", "create", "--config-only", "two"), "--config-only is not supported"),
        (("network", "create", "--scope", "swarm", "two"), "--scope swarm is not supported"),
        (("network", "connect", "--link", "x:y", "one", "web"), "--link is not supported"),
    ):
        assert said in docker(*words, check=125 if words[0] == "run" else 1)
    for name in ("bridge", "host", "none"):
        assert "pre-defined network" in docker("network", "rm", name, check=1)
    docker("rm", "-f", "web")
    assert docker("network", "prune", "-f") == "Deleted Networks:\none\n\n"
