"""Pods: their life, and containers that share their namespaces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.rig.program import Program

ALONE = ("--network", "none")


@pytest.fixture(scope="module")
def program(shared_both: Program) -> Program:
    shared_both.busybox()
    return shared_both


def inspected(program: Program, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(program.run("pod", "inspect", name).stdout)
    return found


def states(program: Program, name: str) -> dict[str, str]:
    return {one["Name"]: one["State"] for one in inspected(program, name)["Containers"]}


def test_the_life_of_a_pod(program: Program) -> None:
    pod_id = program.run("pod", "create", "--name", "web", "--label", "a=b", "--infra-name", "hold", *ALONE).lines[0]
    assert program.run("pod", "exists", "web").stdout == ""
    assert inspected(program, "web")["State"] == "Created"
    program.run("create", "--pod", "web", "--name", "one", "busybox", "sleep", "1000")
    program.run("create", "--pod", pod_id[:12], "--name", "two", "busybox", "sleep", "1000")
    assert program.run("pod", "start", "web").lines == [pod_id]
    assert states(program, "web") == {"hold": "running", "one": "running", "two": "running"}
    listed = program.run("pod", "ps", "--format", "{{.Name}} {{.Status}} {{.NumberOfContainers}} {{.Labels}}").lines
    assert listed == ["web Running 3 map[a:b]"]
    program.run("stop", "-t", "0", "one")
    assert inspected(program, "web")["State"] == "Degraded"
    # A member brings its pod up again.
    program.run("pod", "stop", "-t", "0", "web")
    assert inspected(program, "web")["State"] == "Exited"
    program.run("start", "one")
    assert states(program, "web") == {"hold": "running", "one": "running", "two": "exited"}
    program.run("pod", "kill", "web")
    program.run("wait", "one")
    program.run("pod", "restart", "web")
    assert states(program, "web") == {"hold": "running", "one": "running", "two": "running"}
    assert "as it is running" in program.run("pod", "rm", "web", check=125).stderr
    assert "is the infra container of pod" in program.run("rm", "-f", "hold", check=125).stderr
    assert program.run("pod", "rm", "-f", "-t", "0", "web").lines == [pod_id]
    program.run("pod", "exists", "web", check=1)
    assert program.run("ps", "-aq").stdout == ""


def test_members_share_what_the_pod_shares(program: Program) -> None:
    program.run("pod", "create", "--name", "shared", "--hostname", "boat", "--share", "+pid", "--add-host", "a:1.2.3.4")
    program.run(
        "run", "-d", "--pod", "shared", "--name", "server", "busybox", "nc", "-l", "-p", "7", "-e", "echo", "hi"
    )
    script = "hostname; cat /etc/hostname; grep -c 1.2.3.4 /etc/hosts; ps | grep -c '[c]atatonit'; "
    script += "until nc 127.0.0.1 7; do sleep 0.05; done"
    assert program.run("run", "--rm", "--pod", "shared", "busybox", "sh", "-c", script).lines == [
        *("boat", "boat", "1", "1", "hi"),
    ]
    links = "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts"
    seen = {program.run("run", "--rm", "--pod", "shared", "busybox", "sh", "-c", links).stdout for _ in range(2)}
    assert len(seen) == 1
    alone = program.run("run", "--rm", "--pod", "shared", "--network", "none", "busybox", "sh", "-c", links).lines
    assert alone[0] != seen.pop().splitlines()[0]
    program.run("pod", "rm", "-f", "-t", "0", "shared")


def test_what_belongs_to_the_pod_is_refused_to_its_members(program: Program) -> None:
    program.run("pod", "create", "--name", "strict")
    refused: tuple[tuple[tuple[str, ...], str], ...] = (
        (("-p", "80:80"), "published or exposed ports must be defined when the pod is created"),
        (("--hostname", "x"), "cannot set hostname when joining the pod UTS namespace"),
        (("--add-host", "a:1.2.3.4"), "extra host entries must be specified on the pod"),
        (("--ip", "10.88.0.77"), "networks must be defined when the pod is created"),
        (("--userns", "auto"), "--userns and --pod cannot be set together"),
        (("--init-ctr", "never"), "init-ctr value must be 'always' or 'once'"),
        (("--pod-id-file", "x"), "cannot specify both --pod and --pod-id-file"),
    )
    for words, message in refused:
        assert message in program.run("create", "--pod", "strict", *words, "busybox", "true", check=125).stderr
    wrong: tuple[tuple[tuple[str, ...], str], ...] = (
        (("run", "--pod", "nosuch", "busybox"), "no pod with name or ID nosuch found: no such pod"),
        (("run", "--pod", "new:", "busybox"), "new pod name must be at least one character"),
        (("run", "--pod", "new:strict", "busybox"), 'name "strict" is in use: pod already exists'),
        (("run", "--pod-id-file", "/nonexistent", "busybox"), "reading pod ID file: open /nonexistent"),
        (("run", "--init-ctr", "once", "busybox"), "must specify pod value with init-ctr"),
        (("pod", "create", "strict"), 'name "strict" is in use: pod already exists'),
        (("pod", "create", "--name", "a b"), "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument"),
        (("pod", "create", "--name", "x", "y"), "cannot specify --name and NAME at the same time"),
        (("pod", "create", "--replace"), "cannot replace pod without --name being set"),
        (("pod", "create", "--share", "foo"), "invalid kernel namespace to share: foo"),
        (("pod", "create", "--share", "cgroup"), "cannot define the pod as the cgroup parent"),
        (("pod", "create", "--exit-policy", "bad"), 'invalid pod exit policy: "bad"'),
        (("pod", "create", "--infra=false", "-p", "80"), "you must have an infra container to publish port bindings"),
        (("pod", "create", "--infra=false", "--network", "none"), "NoInfra and network modes cannot be used together"),
        (("pod", "create", "--infra=false", "--share", "net"), "without an infra container"),
        (("pod", "create", "--infra=false", "--dns", "1.1.1.1"), "NoInfra and DNSServer are mutually exclusive"),
        (("pod", "ps", "--sort", "bad"), "invalid option for --sort"),
        (("pod", "ps", "--filter", "bad=x"), "bad is an invalid filter"),
        (("pod", "start", "nosuch"), "no pod with name or ID nosuch found: no such pod"),
        (("pod", "stop"), "you must provide at least one name or id"),
        (("pod", "rm", "--all", "strict"), "no arguments are needed with --all"),
        (("pod", "rm", "-t", "1", "strict"), "--force option must be specified to use the --time option"),
        (("pod", "inspect", "nosuch"), "no such pod nosuch"),
    )
    for words, message in wrong:
        assert message in program.run(*words, check=125).stderr
    assert program.run("pod", "rm", "--ignore", "nosuch").stdout == ""
    assert program.run("pod", "ps", "--format", "{{.Name}} {{.Status}}").lines == ["strict Created"]
    assert len(program.run("ps", "-aq").lines) == 1
    program.run("pod", "rm", "strict")


def test_a_pod_for_a_container_and_files_with_ids(program: Program) -> None:
    program.run("run", "-d", "--name", "first", "--pod", "new:made", "--hostname", "h", *ALONE, "busybox", "top")
    assert program.run("run", "--rm", "--pod", "made", "busybox", "hostname").lines == ["h"]
    program.run("pod", "stop", "-t", "0", "made")
    path = f"{program.base}/pod-id"
    pod_id = program.run("pod", "create", "--replace", "--name", "made", "--pod-id-file", path, *ALONE).lines[0]
    with open(path, encoding="ascii") as file:
        assert file.read() == pod_id
    assert "pod id file exists" in program.run("pod", "create", "--pod-id-file", path, check=125).stderr
    assert program.run("run", "--rm", "--pod-id-file", path, "busybox", "hostname").lines == ["made"]
    assert program.run("pod", "stop", "-t", "0", "--pod-id-file", path).lines == [pod_id]
    assert program.run("pod", "rm", "--pod-id-file", path).lines == [pod_id]
    assert program.run("ps", "-aq").stdout == ""


def test_a_pod_without_an_infra_container(program: Program) -> None:
    program.run("pod", "create", "--infra=false", "--name", "loose")
    assert program.run("pod", "start", "loose").lines
    program.run("run", "-d", "--name", "it", "--pod", "loose", *ALONE, "busybox", "sleep", "1000")
    found = inspected(program, "loose")
    assert (found["CreateInfra"], found["NumContainers"], found["State"]) == (False, 1, "Running")
    assert "InfraContainerID" not in found and "SharedNamespaces" not in found
    program.run("pod", "rm", "-f", "-t", "0", "loose")
    program.run("pod", "create", "--share", "none", "--name", "loose")
    assert not inspected(program, "loose")["CreateInfra"]
    program.run("pod", "rm", "loose")


def test_the_exit_policy_stops_the_pod_with_its_last_container(program: Program) -> None:
    program.run("pod", "create", "--exit-policy", "stop", "--infra-name", "hold", "--name", "brief", *ALONE)
    program.run("run", "--name", "it", "--pod", "brief", "busybox", "true")
    program.run("wait", "hold")
    assert states(program, "brief") == {"hold": "exited", "it": "exited"}
    program.run("run", "--rm", "--pod", "brief", "busybox", "true")
    program.run("wait", "hold")
    program.run("pod", "rm", "brief")


def test_logs_processes_and_clones(program: Program) -> None:
    program.run("pod", "create", "--name", "talk", "--label", "a=b", *ALONE)
    script = "echo said; exec sleep 1000"
    for name in ("one", "two"):
        program.run("run", "-d", "--pod", "talk", "--name", name, "busybox", "sh", "-c", script)
    while sorted(program.run("pod", "logs", "--names", "talk").lines) != ["one said", "two said"]:
        pass
    assert program.run("pod", "logs", "-c", "two", "talk").lines == ["said"]
    assert "container nosuch is not in pod talk" in program.run("pod", "logs", "-c", "nosuch", "talk", check=125).stderr
    assert sorted(program.run("pod", "top", "talk", "args").lines) == [
        *("/catatonit -P", "COMMAND", "sleep 1000", "sleep 1000"),
    ]
    program.run("pod", "clone", "--label", "c=d", "talk")
    found = inspected(program, "talk-clone")
    assert (found["State"], found["Labels"], found["NumContainers"]) == ("Created", {"a": "b", "c": "d"}, 3)
    cloned = json.loads(program.run("container", "inspect", "one-clone").stdout)[0]
    assert (cloned["Pod"], cloned["Dependencies"]) == (found["Id"], [found["InfraContainerID"]])
    program.run("container", "clone", "--pod", "talk", "one-clone", "third")
    assert inspected(program, "talk")["NumContainers"] == 4
    program.run("pod", "stop", "-t", "0", "talk")
    pod_id = inspected(program, "talk")["Id"]
    assert program.run("pod", "prune", "--force").lines == [pod_id]  # that one ran, the other did not
    assert program.run("pod", "ps", "--format", "{{.Name}}").lines == ["talk-clone"]
    assert len(program.run("container", "prune", "--force").lines) == 2
    assert "talk-clone" in program.run("inspect", "--type", "pod", "--format", "{{.Name}}", "talk-clone").lines
    assert program.run("rm", "--all", "--force").lines
    assert program.run("pod", "ps", "-q").stdout == ""


def test_init_containers_run_first(program: Program) -> None:
    program.run("pod", "create", "--name", "begun", *ALONE)
    mount = ("--mount", "type=volume,source=begun,target=/data")
    program.run("create", "--pod", "begun", "--init-ctr", "once", "--name", "i", *mount, "busybox", "touch", "/data/a")
    program.run("create", "--pod", "begun", "--name", "it", *mount, "busybox", "ls", "/data")
    program.run("pod", "start", "begun")
    assert program.run("wait", "it").lines == ["0"]
    assert program.run("logs", "it").lines == ["a"]
    program.run("container", "exists", "i", check=1)
    refused = program.run("create", "--pod", "begun", "--init-ctr", "once", "busybox", "true", check=125).stderr
    assert "cannot add init-ctr to a running pod" in refused
    program.run("pod", "stop", "-t", "0", "begun")
    program.run("create", "--pod", "begun", "--init-ctr", "always", "--name", "i", "busybox", "sh", "-c", "exit 3")
    assert "exited with code 3" in program.run("pod", "start", "begun", check=125).stderr
    assert states(program, "begun")["it"] == "exited"
    program.run("pod", "rm", "-f", "-t", "0", "begun")
    program.run("volume", "rm", "begun")


def test_what_containers_conf_says_of_pods(program: Program) -> None:
    text = '[engine]\npod_exit_policy = "stop"\ninfra_image = "busybox"\ninfra_command = \'["sleep", "1000"]\'\n'
    program.env["CONTAINERS_CONF"] = program.write("containers.conf", text)
    try:
        program.run("pod", "create", "--name", "said", *ALONE)
        program.run("run", "-d", "--name", "it", "--pod", "new:too", *ALONE, "busybox", "sleep", "1000")
    finally:
        del program.env["CONTAINERS_CONF"]
    for name in ("said", "too"):
        found = inspected(program, name)
        infra = json.loads(program.run("container", "inspect", found["InfraContainerID"]).stdout)[0]
        assert (found["ExitPolicy"], infra["Path"], infra["Args"]) == ("stop", "sleep", ["1000"])
    program.run("pod", "rm", "-f", "-t", "0", "said", "too")


def test_what_goes_by_force_takes_its_pod_along(program: Program) -> None:
    image = program.busybox(tag="forpods")
    program.run("network", "create", "forpods")
    program.run("pod", "create", "--name", "netted", "--network", "forpods")
    program.run("pod", "create", "--name", "filled", "-v", "forpods:/data", *ALONE)
    program.run("pod", "create", "--name", "based", "--infra-image", image, *ALONE)
    for name in ("netted", "filled", "based"):
        program.run("create", "--pod", name, "busybox", "true")
    for words, name in (
        (("network", "rm", "-f", "forpods"), "netted"),
        (("volume", "rm", "-f", "forpods"), "filled"),
        (("rmi", "-f", image), "based"),
    ):
        program.run("pod", "exists", name)
        program.run(*words)
        program.run("pod", "exists", name, check=1)
    assert program.run("ps", "-aq").stdout == ""


def test_the_system_knows_pods(program: Program) -> None:
    ended = program.run("pod", "create", "--name", "ended", *ALONE).lines[0]
    program.run("pod", "create", "--name", "fresh", *ALONE)
    program.run("run", "--pod", "ended", "busybox", "true")
    program.run("pod", "stop", "ended")
    assert program.run("system", "prune", "--force").lines[:2] == ["Deleted Pods", ended]
    assert program.run("pod", "ps", "--format", "{{.Name}}").lines == ["fresh"]
    told = program.run("events", "--stream=false", "--since", "5m", "--filter", "pod=ended", "--format", "{{.Status}}")
    assert told.lines == ["create", "stop", "remove"]
    program.run("pod", "rm", "fresh")
