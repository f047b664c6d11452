"""What killed commands leave of networks is freed, damaged networks are named, reset and prune take bridges."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.rig import host
from tests.rig.program import Program

pytestmark = [host.needs_program("nft"), pytest.mark.usefixtures("busybox")]

LOST = "f" * 64
CLEAN = "No damage, nothing left over\n"


@pytest.fixture
def bridged(argosy_both: Program) -> Iterator[Program]:
    if argosy_both.user and not host.can_use_tun():
        pytest.skip("/dev/net/tun cannot be opened")
    argosy_both.run("network", "create", "one")
    yield argosy_both
    argosy_both.run("rm", "-fa", "-t", "0")
    argosy_both.run("network", "prune", "-f")


def shared(program: Program) -> str:
    return f"{program.runroot}/networks" if program.rootless else "/run/argosy/networks"


def bridge_of(program: Program, name: str) -> str:
    return str(program.run("network", "inspect", "--format", "{{.NetworkInterface}}", name).stdout.strip())


def test_check_frees_what_containers_that_are_gone_have(bridged: Program) -> None:
    bridged.run("run", "-d", "--name", "stays", "--network", "one", "-p", "80", "busybox", "sleep", "1000")
    network_id = bridged.run("network", "inspect", "--format", "{{.ID}}", "one").stdout.strip()
    own = bridged.run("inspect", "-f", "{{.NetworkSettings.Networks.one.IPAddress}}", "stays").stdout.strip()
    leaked = own.rpartition(".")[0] + ".200"
    places = {
        f"{shared(bridged)}/{network_id}/{leaked}": f"{bridged.runroot}/containers/{LOST}",
        f"{shared(bridged)}/firewall/{LOST}": f"ports4 {{ tcp . 47999 : {leaked} . 80 }}\n",
    }
    for path, text in places.items():
        with open(path, "w") as file:
            file.write(text)
    said = bridged.run("system", "check", "--quick", check=1).stdout
    assert f"address {leaked}" in said
    assert LOST[:12] in said
    assert "uplink" not in said
    bridged.run("system", "check", "--quick", "--repair")
    assert [path for path in places if os.path.exists(path)] == []
    assert own in os.listdir(f"{shared(bridged)}/{network_id}")
    assert bridged.run("system", "check", "--quick").stdout == CLEAN


def test_unshare_reaches_containers_on_bridges(bridged: Program) -> None:
    """In the namespace that is there, and in one that it makes itself and which `system check` takes away."""
    if not bridged.rootless:
        assert "please use unshare" in bridged.run("unshare", "--rootless-netns", "true", check=125).stderr
        return
    inside = ("unshare", "--rootless-netns")
    outside = bridged.run("unshare", "readlink", "/proc/self/ns/net").stdout
    made = bridged.run(*inside, "readlink", "/proc/self/ns/net").stdout
    assert outside != made
    assert bridged.run(*inside, "readlink", "/proc/self/ns/net").stdout == made
    argv = ("httpd", "-f", "-p", "8000", "-h", "/etc")
    bridged.run("run", "-d", "--name", "web", "--network", "one", "busybox", *argv)
    address = bridged.run("inspect", "-f", "{{.NetworkSettings.Networks.one.IPAddress}}", "web").stdout.strip()
    fetch = f"until busybox wget -q -O - http://{address}:8000/passwd; do sleep 0.1; done"
    assert "root:" in bridged.run(*inside, "sh", "-c", fetch).stdout
    bridged.run("rm", "-f", "-t", "0", "web")
    check = f"{bridged.launcher} --root {bridged.root} --runroot {bridged.runroot} system check --quick --repair"
    kept = bridged.run(*inside, "sh", "-c", f"{check}; ls {bridged.runroot}/netns").lines
    assert kept == [CLEAN.strip(), "uplink"]  # while somebody is in it, it is no leftover
    assert "uplink" in bridged.run("system", "check", "--quick", check=1).stdout
    bridged.run("system", "check", "--quick", "--repair")
    assert bridged.run("system", "check", "--quick").stdout == CLEAN


def test_an_address_of_a_container_that_is_gone_is_given_again(bridged: Program) -> None:
    network_id, subnet = bridged.run(
        "network", "inspect", "--format", "{{.ID}} {{(index .Subnets 0).Subnet}}", "one"
    ).stdout.split()
    wanted = subnet.rpartition(".")[0] + ".77"
    bridged.run("run", "--rm", "--network", "one", "busybox", "true")
    os.makedirs(f"{shared(bridged)}/{network_id}", exist_ok=True)
    with open(f"{shared(bridged)}/{network_id}/{wanted}", "w") as file:
        file.write(f"{bridged.runroot}/containers/{LOST}")
    bridged.run("run", "--rm", "--network", "one", "--ip", wanted, "busybox", "true")


def test_reload_starts_what_answers_for_names_again(bridged: Program) -> None:
    bridged.run("run", "-d", "--name", "web", "--network", "one", "busybox", "sleep", "600")
    pid_file = f"{shared(bridged)}/dns/resolver.pid"
    for mend in (("network", "reload", "web"), ("system", "check", "--quick", "--repair")):
        with open(pid_file) as file:
            os.kill(int(file.read()), signal.SIGKILL)
        assert "server of names" in bridged.run("system", "check", "--quick", check=1).stdout
        bridged.run(*mend)
    assert bridged.run("system", "check", "--quick").stdout == CLEAN
    assert "web.dns.podman" in bridged.run("exec", "web", "nslookup", "-type=a", "web").stdout


def test_check_makes_rules_again_that_were_flushed(bridged: Program) -> None:
    bridged.run("run", "-d", "--name", "web", "--network", "one", "busybox", "sleep", "600")
    flush = ("nft", "flush", "chain", "inet", "argosy", "leaving")
    if bridged.rootless:
        bridged.run("unshare", "--rootless-netns", *flush)
    else:
        subprocess.run(flush, check=True)
    assert "rules of the table were flushed" in bridged.run("system", "check", "--quick", check=1).stdout
    bridged.run("system", "check", "--quick", "--repair")
    assert bridged.run("system", "check", "--quick").stdout == CLEAN


def test_users_bridges_are_connected_again_when_their_program_has_ended(argosy_user: Program) -> None:
    if not host.can_use_tun():
        pytest.skip("/dev/net/tun cannot be opened")
    argosy_user.run("network", "create", "one")
    argosy_user.run("run", "-d", "--name", "web", "--network", "one", "busybox", "sleep", "600")
    with open(f"{argosy_user.runroot}/networks/uplink/network.json") as file:
        os.kill(json.JSONDecoder().raw_decode(file.read())[0]["pid"], signal.SIGKILL)
    found = argosy_user.run("run", "--rm", "--network", "one", "busybox", "nslookup", "-type=a", "web")
    assert "web.dns.podman" in found.stdout
    argosy_user.run("rm", "-fa", "-t", "0")
    argosy_user.run("network", "rm", "one")


def test_a_damaged_network_is_named_and_can_be_removed(bridged: Program) -> None:
    network_id = (
        bridged.run("network", "create", "two").stdout
        and bridged.run("network", "inspect", "--format", "{{.ID}}", "two").stdout.strip()
    )
    bridge = bridge_of(bridged, "two")
    bridged.run("run", "--rm", "--network", "two", "busybox", "true")
    with open(f"{bridged.root}/networks/{network_id}/network.json", "w") as file:
        file.write("{")
    listed = bridged.run("network", "ls", "-q")
    assert listed.lines == ["one", "podman"]
    assert network_id[:12] in listed.stderr
    assert network_id in bridged.run("system", "check", "--quick", check=1).stdout
    assert bridged.run("run", "--rm", "--network", "two", "busybox", "true", check=125).stderr
    bridged.run("run", "--rm", "--network", "one", "busybox", "true")
    bridged.run("network", "rm", "two", check=125)
    bridged.run("network", "rm", "--force", "two")
    assert not os.path.exists(f"{shared(bridged)}/firewall/{bridge}")
    assert not os.path.exists(f"/sys/class/net/{bridge}")
    assert bridged.run("network", "create", "two").stdout == "two\n"
    assert bridge_of(bridged, "two") == bridge


def test_prune_and_reset_take_networks_with_their_bridges(bridged: Program) -> None:
    bridged.run("network", "create", "idle")
    bridged.run("run", "-d", "--network", "one", "busybox", "sleep", "1000")
    pruned = bridged.run("system", "prune", "-f").stdout
    assert "Deleted Networks\nidle\n" in pruned
    assert bridged.run("network", "ls", "-q").lines == ["one", "podman"]
    bridge = bridge_of(bridged, "one")
    bridged.run("system", "reset", "--force")
    assert not os.path.exists(f"/sys/class/net/{bridge}")
    assert not os.path.exists(f"{shared(bridged)}/firewall/{bridge}")
    assert bridged.run("network", "ls", "-q").lines == ["podman"]
    bridged.run("network", "create", "one")  # what the fixture takes away


def test_a_run_that_is_killed_leaves_nothing_behind_the_next_command(bridged: Program) -> None:
    """At many points of the set-up, and its monitor too; then the same ports and names are free again."""

    def killed(number: int) -> None:
        argv = ["run", "--name", "it", "--replace", "--network", "one", "-p", "47901:80", "busybox", "sleep", "1000"]
        process = bridged.start(*argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.03 * number)
        process.send_signal(signal.SIGKILL)
        process.wait()

    for number in range(1, 13):
        killed(number)
    bridged.run("run", "-d", "--replace", "--name", "it", "--network", "one", "-p", "47901:80", "busybox", "sleep", "9")
    bridged.run("rm", "-fa", "-t", "0")
    bridged.run("system", "check", "--quick", "--repair", check=False)
    assert bridged.run("system", "check", "--quick").stdout == CLEAN


@pytest.mark.skipif(not host.is_root(), reason="the run directory of a user is wiped with the namespaces it names")
def test_a_reboot_leaves_nothing_and_containers_start_again(argosy: Program) -> None:
    """What a reboot does: the run directory is wiped, and the processes are gone."""
    argosy.run("network", "create", "one")
    argosy.run("run", "-d", "--name", "it", "--network", "one", "-p", "47902:80", "busybox", "sleep", "1000")
    for pid in argosy.run("inspect", "-f", "{{.State.ConmonPid}} {{.State.Pid}}", "it").stdout.split():
        os.kill(int(pid), signal.SIGKILL)
    for name in ("containers", "networks", "exits"):
        shutil.rmtree(f"{argosy.runroot}/{name}", ignore_errors=True)
    argosy.run("start", "it")
    argosy.run("rm", "-f", "-t", "0", "it")
    argosy.run("system", "check", "--quick", "--repair", check=False)
    assert argosy.run("system", "check", "--quick").stdout == CLEAN
