"""CNI: how plugins are called, with programs that write down what they get; and Debian's in namespaces of the test."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from argosy.errors import ArgosyError, Invalid, NotFound, Unsupported
from argosy.linux import namespaces
from argosy.linux.netlink import Netlink
from argosy.network import cni, cni_config
from argosy.network.cni import Plugins, Target
from argosy.network.ports import Published
from tests.rig import host

FAKE = """#!/bin/sh
input=$(cat)
printf '%s\\n' "$(basename $0) $CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS $CNI_IFNAME $CNI_ARGS $input" >>{log}
case $(basename $0)-$CNI_COMMAND in
first-ADD) echo '{{"cniVersion":"1.1.0","ips":[{{"address":"10.1.0.2/24"}}]}}' ;;
second-ADD) echo '{{"cniVersion":"1.1.0","ips":[{{"address":"10.1.0.2/24"}}],"routes":[]}}' ;;
bad-ADD) echo '{{"cniVersion":"1.1.0","code":11,"msg":"try again","details":"later"}}'; exit 1 ;;
bad-DEL|bad-CHECK) echo "words on the wrong side" >&2; exit 3 ;;
old-*) echo '{{"code":1,"msg":"incompatible CNI versions"}}'; exit 1 ;;
esac
"""
TARGET = Target("c1", "/run/netns/x", "eth0", {"K8S_POD_NAME": "p"}, {"portMappings": [{"hostPort": 1}], "mac": "x"})


class Fakes:
    """Plugins that are scripts; `calls` are program, command, the variables, and the configuration of each call."""

    def __init__(self, directory: Path) -> None:
        self.log = directory / "log"
        self.places = [str(directory / "bin")]
        self.plugins = Plugins(str(directory / "cache"), self.places)
        (directory / "bin").mkdir()
        for name in ("first", "second", "bad", "old"):
            path = directory / "bin" / name
            path.write_text(FAKE.format(log=self.log))
            path.chmod(0o755)

    def calls(self) -> list[tuple[list[str], dict[str, Any]]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [(line.partition("{")[0].split(), json.loads("{" + line.partition("{")[2])) for line in lines]

    def names(self) -> list[str]:
        return [" ".join(words[:2]) for words, _ in self.calls()]


@pytest.fixture
def fakes(tmp_path: Path) -> Fakes:
    return Fakes(tmp_path)


def listed(*types: str, version: str = "1.1.0", **more: Any) -> cni_config.NetworkList:
    plugins = [{"type": name, "own": name, "capabilities": {"portMappings": name == "second"}} for name in types]
    text = json.dumps({"name": "net", "cniVersion": version, "plugins": plugins, **more})
    return cni_config.parse(text.encode(), "net.conflist")


def test_a_chain_is_called_forwards_and_backwards(fakes: Fakes) -> None:
    network = listed("first", "second")
    result = fakes.plugins.add(network, TARGET)
    assert cni.addresses(result) == ("10.1.0.2/24",)
    (first, one), (second, two) = fakes.calls()
    assert first == ["first", "ADD", "c1", "/run/netns/x", "eth0", "K8S_POD_NAME=p"]
    assert second[:2] == ["second", "ADD"]
    assert one == {"type": "first", "own": "first", "name": "net", "cniVersion": "1.1.0"}
    assert two["prevResult"] == {"cniVersion": "1.1.0", "ips": [{"address": "10.1.0.2/24"}]}
    assert two["runtimeConfig"] == {"portMappings": [{"hostPort": 1}]}

    fakes.plugins.check(network, TARGET)
    calls = fakes.calls()
    assert [words[:2] for words, _ in calls] == [["first", "CHECK"], ["second", "CHECK"]]
    assert all(config["prevResult"] == result for _, config in calls)

    fakes.plugins.delete(listed("second"), TARGET.replace(netns="", args={}))
    calls = fakes.calls()
    assert [words[:2] for words, _ in calls] == [["second", "DEL"], ["first", "DEL"]], "by what was written down"
    assert all(config["prevResult"] == result for _, config in calls)
    assert fakes.plugins.attachments() == []
    fakes.plugins.delete(network, TARGET)
    assert [words[:2] for words, _ in fakes.calls()] == [["second", "DEL"], ["first", "DEL"]]
    with pytest.raises(NotFound):
        fakes.plugins.check(network, TARGET)


def test_what_fails_is_taken_down_and_told_in_the_plugins_words(fakes: Fakes) -> None:
    with pytest.raises(cni.PluginFailed, match=r"bad failed \(ADD\): try again") as failure:
        fakes.plugins.add(listed("first", "bad", "second"), TARGET)
    assert (failure.value.code, failure.value.details) == (11, "later")
    assert fakes.names() == ["first ADD", "bad ADD", "second DEL", "bad DEL", "first DEL"]
    [left] = fakes.plugins.attachments("net")
    assert left.result is None, "what could not be taken down is tried again"
    with pytest.raises(cni.PluginFailed, match="bad failed") as failure:
        fakes.plugins.collect(listed("first"), [("other", "eth0")])
    assert failure.value.details == "words on the wrong side"
    calls = fakes.calls()
    assert [" ".join(words[:2]) for words, _ in calls] == ["second DEL", "bad DEL", "first DEL", "first GC"]
    assert calls[-1][1]["cni.dev/valid-attachments"] == [{"containerID": "other", "ifname": "eth0"}]
    with pytest.raises(Unsupported, match="incompatible CNI versions"):
        fakes.plugins.add(listed("old"), TARGET.replace(container_id="c2"))
    with pytest.raises(NotFound, match="nosuch"):
        fakes.plugins.add(listed("nosuch"), TARGET.replace(container_id="c3"))
    for wrong in (TARGET.replace(container_id="../x"), TARGET.replace(interface="a/b"), TARGET.replace(interface="..")):
        with pytest.raises(Invalid):
            fakes.plugins.add(listed("first"), wrong)


def test_versions_decide_what_is_asked(fakes: Fakes) -> None:
    old = listed("first", version="0.3.1")
    fakes.plugins.add(old, TARGET)
    fakes.plugins.check(old, TARGET)
    assert fakes.plugins.collect(old, [("c1", "eth0")]) == []
    assert fakes.names() == ["first ADD"]
    assert fakes.plugins.collect(old, []) == [("c1", "eth0")]
    [(words, config)] = fakes.calls()
    assert words[:2] == ["first", "DEL"]
    assert "prevResult" not in config
    quiet = listed("first", disableCheck=True, disableGC="true")
    fakes.plugins.add(quiet, TARGET)
    fakes.plugins.check(quiet, TARGET)
    fakes.plugins.collect(quiet, [("c1", "eth0")])
    assert fakes.names() == ["first ADD"]


def test_the_first_file_that_makes_sense_counts(tmp_path: Path) -> None:
    files = {
        "05-broken.conflist": "{",
        "06-old.conf": '{"name": "old", "cniVersion": "0.2.0", "type": "bridge"}',
        "07-path.conf": '{"name": "path", "cniVersion": "1.0.0", "type": "../bin/sh"}',
        "10-one.conf": '{"name": "one", "cniVersion": "0.4.0", "type": "bridge", "bridge": "b0"}',
        "20-two.conflist": '{"name": "two", "cniVersions": ["1.0.0", "1.1.0", "9.0.0"], "plugins": [{"type": "x"}]}',
        "30-three.txt": "{}",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    told: list[str] = []
    found = cni_config.load(str(tmp_path), notice=told.append)
    assert (found.name, found.version, found.plugins[0]["bridge"]) == ("one", "0.4.0", "b0")
    assert [os.path.basename(text.partition(" is passed over")[0]) for text in told] == sorted(files)[:3]
    assert cni_config.load(str(tmp_path), "two", notice=told.append).version == "1.1.0"
    with pytest.raises(NotFound):
        cni_config.load(f"{tmp_path}/nosuch", notice=told.append)


def test_capabilities_are_written_as_the_conventions_have_them() -> None:
    port = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp", "hostIP": "127.0.0.1"}
    assert cni.port_mappings([Published("tcp", "127.0.0.1", 8080, 80)]) == {"portMappings": [port]}
    assert cni.bandwidth() == {}
    limit = cni.bandwidth(egress_bits_s=1000, burst_bits=500)
    assert limit == {"bandwidth": {"egressRate": 1000, "egressBurst": 500}}


@pytest.fixture
def spaces(tmp_path: Path) -> Iterator[Sequence[str]]:
    """A network namespace that stands for the host's, and one for the container."""
    paths = [f"{tmp_path}/host", f"{tmp_path}/container"]
    for path in paths:
        namespaces.new_network(path)
        with Netlink(path) as net:
            net.set_up(1)
    yield paths
    for path in paths:
        namespaces.remove_network(path)


@host.needs_root
@host.needs_program("iptables")
@host.needs_program("ip")
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("echo '[1]'", "it is not an object"),
        ("echo hello", "no JSON value"),
        ("""echo '{"code":1e999,"msg":"x"}'; exit 1""", r"failed \(ADD\): exit status 1"),
        ("kill -9 $$", "exit status 137"),
    ],
)
def test_an_answer_that_is_none_is_refused(fakes: Fakes, answer: str, why: str) -> None:
    Path(fakes.places[0], "first").write_text(f"#!/bin/sh\n{answer}\n")
    with pytest.raises(ArgosyError, match=why):
        fakes.plugins.add(listed("first"), TARGET)


def test_addresses_of_a_hostile_result_are_refused() -> None:
    for ips in (5, [5], "x"):
        with pytest.raises(Invalid):
            cni.addresses({"ips": ips})


@pytest.mark.parametrize("plugin", [{"type": "a\0b"}, {"type": "../a"}, {"type": "a", "capabilities": 5}])
def test_a_plugin_that_makes_no_sense_is_refused(plugin: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        cni_config.parse(json.dumps({"cniVersion": "1.0.0", "name": "net", "plugins": [plugin]}).encode(), "x")


@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0"])
@pytest.mark.skipif(not os.path.exists("/usr/lib/cni/bandwidth"), reason="containernetworking-plugins is not installed")
def test_debians_plugins_connect_a_namespace(tmp_path: Path, spaces: Sequence[str], version: str) -> None:
    here, there = spaces
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "ipam": {
            "type": "host-local",
            "dataDir": f"{tmp_path}/leases",
            "ranges": [[{"subnet": "10.217.0.0/24"}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    limits = {"type": "bandwidth", "capabilities": {"bandwidth": True}}

    def chain(*chained: dict[str, Any]) -> cni_config.NetworkList:
        text = json.dumps({"name": "real", "cniVersion": version, "plugins": [bridge, *chained]})
        return cni_config.parse(text.encode(), "real.conflist")

    # CHECK of portmap 1.1.1 looks for rules of IPv6 whatever the container has: it is asked of the others alone.
    checked, network = chain(limits), chain(portmap, limits)
    plugins = Plugins(f"{tmp_path}/cache", ("/usr/lib/cni",))
    capabilities = cni.port_mappings([Published("tcp", "", 8080, 80)])
    capabilities |= cni.bandwidth(ingress_bits_s=8_000_000, egress_bits_s=8_000_000, burst_bits=800_000)
    target = Target("c1", there, capabilities=capabilities)

    def inside(action: Callable[[], Any]) -> Any:
        return namespaces.in_network(here, action)

    def ruled() -> str:
        rules = inside(lambda: subprocess.run(["iptables-save"], check=True, capture_output=True, text=True).stdout)
        return str(rules)

    inside(lambda: plugins.add(checked, target))
    inside(lambda: plugins.check(checked, target))
    subprocess.run(["nsenter", f"--net={there}", "ip", "route", "del", "default"], check=True)
    if version != "0.3.1":
        with pytest.raises(ArgosyError, match="CHECK"):
            inside(lambda: plugins.check(checked, target))
    inside(lambda: plugins.delete(checked, target))

    result = inside(lambda: plugins.add(network, target))
    assert cni.addresses(result) == ("10.217.0.3/24",)
    with Netlink(there) as net:
        assert "10.217.0.3/24" in [str(address) for address in net.addresses()]
        assert any(route.gateway == "10.217.0.1" for route in net.routes())
    assert "8080" in ruled()
    with Netlink(here) as net:
        assert any(link.kind == "ifb" for link in net.links())
    assert inside(lambda: plugins.collect(network, [("c1", "eth0")])) == []
    assert inside(lambda: plugins.collect(network, [])) == [("c1", "eth0")]
    assert [name for name in os.listdir(f"{tmp_path}/leases/real") if name.startswith("10.")] == []
    assert "8080" not in ruled()
    inside(lambda: plugins.delete(network, target))
