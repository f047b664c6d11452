"""`inspect`: containers and images, by name and id, in whole documents and by templates."""

from __future__ import annotations

import json
import os
import re
import time
from typing import Any

import pytest

from tests.rig import host
from tests.rig.program import Program

pytestmark = pytest.mark.usefixtures("busybox")
ZERO_TIME = "0001-01-01T00:00:00Z"


def create(program: Program, name: str, *flags: str) -> str:
    words = ("create", "--name", name, "--network", "none", *flags, "busybox", "sleep", "1000")
    return program.run(*words).stdout.strip()


def start(program: Program, name: str, *flags: str) -> str:
    words = ("run", "-d", "--name", name, "--network", "none", *flags, "busybox", "sleep", "1000")
    return program.run(*words).stdout.strip()


def document(program: Program, *args: str) -> dict[str, Any]:
    (found,) = program.run("inspect", *args).json()
    assert isinstance(found, dict)
    return found


def seconds(text: str) -> float:
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone + float(f"0.{fraction or 0}")


def test_life_of_a_container(argosy_both: Program) -> None:
    program = argosy_both
    began = time.time()
    container_id = create(program, "it", "--label", "x=y", "-e", "A=B")
    new = document(program, "it")
    assert new["Id"] == container_id
    assert (new["Path"], new["Args"]) == ("sleep", ["1000"])
    state = new["State"]
    assert (state["Status"], state["Running"], state["Pid"], state["ExitCode"]) == ("created", False, 0, 0)
    assert (state["StartedAt"], state["FinishedAt"]) == (ZERO_TIME, ZERO_TIME)
    assert "OCIConfigPath" not in new
    assert began - 1 < seconds(new["Created"]) < time.time() + 1

    program.run("start", "it")
    running = document(program, "it")
    state = running["State"]
    assert (state["Status"], state["Running"]) == ("running", True)
    with open(f"/proc/{state['Pid']}/cmdline", "rb") as file:
        assert file.read() == b"sleep\x001000\0"
    with open(f"/proc/{state['ConmonPid']}/comm", "rb") as file:
        assert file.read() == b"conmon\n"
    assert seconds(new["Created"]) < seconds(state["StartedAt"]) < time.time() + 1
    with open(running["PidFile"], "rb") as file:
        assert int(file.read()) == state["Pid"]
    for place in ("HostnamePath", "OCIConfigPath", "ConmonPidFile", "StaticDir"):
        assert program.call("stat", running[place]).returncode == 0

    program.run("stop", "-t", "0", "it")
    ended = document(program, "it")
    state = ended["State"]
    assert (state["Status"], state["Running"], state["Pid"], state["ExitCode"]) == ("exited", False, 0, 137)
    assert seconds(running["State"]["StartedAt"]) <= seconds(state["FinishedAt"]) < time.time() + 1
    assert ended["HostnamePath"] == ""
    for key in ("Id", "Created", "Path", "Args", "Image", "Name", "Driver", "BoundingCaps", "Mounts", "Dependencies"):
        assert new[key] == running[key] == ended[key], key
    for key in new["HostConfig"].keys() - {"NetworkMode", "Ulimits", "PidsLimit"}:
        assert new["HostConfig"][key] == running["HostConfig"][key] == ended["HostConfig"][key], key


def test_container_that_could_not_be_started(argosy: Program) -> None:
    argosy.run("create", "--name", "it", "--network", "none", "busybox", "/nothing")
    failed = argosy.run("start", "it", check=False)
    state = document(argosy, "it")["State"]
    assert state["Status"] == "created"
    assert state["Error"]
    assert state["Error"].split("\n")[0] in failed.stderr


def test_container_that_was_restarted(argosy: Program) -> None:
    argosy.run("run", "-d", "--name", "it", "--network", "none", "--restart", "on-failure:2", "busybox", "false")
    deadline = time.monotonic() + 30
    while (found := document(argosy, "it"))["RestartCount"] < 2 or found["State"]["Status"] != "exited":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    assert found["State"]["ExitCode"] == 1


def test_options_are_shown(argosy: Program) -> None:
    outside = argosy.write("data", "x")
    create(
        argosy,
        "it",
        *("-v", f"{outside}:/in:ro,z", "-v", "named:/vol", "--tmpfs", "/scratch:size=1m"),
        *("--cap-add", "net_admin", "--cap-drop", "chown", "--user", "7:8", "--workdir", "/vol"),
        *("--hostname", "box", "--stop-signal", "USR1", "--stop-timeout", "5", "--security-opt", "no-new-privileges"),
        *("--annotation", "a=b", "--shm-size", "2m", "-it", "--rm"),
    )
    found = document(argosy, "it")
    assert found["Mounts"] == [
        {
            "Type": "volume",
            "Name": "named",
            "Source": f"{argosy.root}/volumes/named/_data",
            "Destination": "/vol",
            "Driver": "local",
            "Mode": "",
            "Options": ["nosuid", "nodev", "rbind"],
            "RW": True,
            "Propagation": "rprivate",
        },
        {
            "Type": "bind",
            "Source": outside,
            "Destination": "/in",
            "Driver": "",
            "Mode": "z",
            "Options": ["rbind"],
            "RW": False,
            "Propagation": "rprivate",
        },
    ]
    config, host = found["Config"], found["HostConfig"]
    assert (config["Hostname"], config["User"], config["WorkingDir"]) == ("box", "7:8", "/vol")
    assert (config["Tty"], config["OpenStdin"]) == (True, True)
    assert (config["StopSignal"], config["StopTimeout"]) == (10, 5)
    assert config["Annotations"] == {"a": "b"}
    assert (host["ShmSize"], host["AutoRemove"]) == (2 << 20, True)
    assert "CAP_NET_ADMIN" in host["CapAdd"]
    assert "CAP_CHOWN" in host["CapDrop"]
    assert "CAP_NET_ADMIN" in found["EffectiveCaps"]
    assert host["Tmpfs"] == {"/scratch": "size=1m,rw,rprivate,nosuid,nodev,tmpcopyup"}
    assert host["SecurityOpt"] == ["no-new-privileges"]


@host.needs_root
def test_limits_are_shown(argosy: Program) -> None:
    create(argosy, "it", "--memory", "64m", "--cpus", "0.5", "--pids-limit", "9")
    shown = document(argosy, "it")["HostConfig"]
    assert (shown["Memory"], shown["NanoCpus"], shown["CpuQuota"]) == (64 << 20, 500_000_000, 50_000)
    assert shown["PidsLimit"] == 9


def test_annotations_that_we_set_for_the_runtime_are_left_out(argosy: Program) -> None:
    start(argosy, "it")
    annotations = document(argosy, "it")["Config"]["Annotations"]
    assert not [key for key in annotations if key.startswith("run.oci.")]
    assert sum(map(len, annotations.values())) < 1000


def test_joined_containers_are_dependencies(argosy: Program) -> None:
    first = start(argosy, "first")
    argosy.run("create", "--name", "it", "--network", "container:first", "busybox", "true")
    found = document(argosy, "it")
    assert found["Dependencies"] == [first]
    assert found["HostConfig"]["NetworkMode"] == f"container:{first}"
    argosy.run("rename", "first", "other")
    assert document(argosy, "it")["Dependencies"] == [first]


def test_size(argosy: Program) -> None:
    argosy.run(
        "run", "--name", "it", "--network", "none", "busybox", "sh", "-c", "head -c 5000 /dev/zero >/f; ln /f /g"
    )
    found = document(argosy, "--size", "it")
    image = document(argosy, "busybox")["Size"]
    assert (found["SizeRw"], found["SizeRootFs"]) == (5000, image + 5000)
    assert "SizeRw" not in document(argosy, "it")
    template = "{{.SizeRw}} {{.SizeRootFs}} {{json .}}"
    unknown, total, shown = argosy.run("inspect", "--format", template, "it").stdout.split(" ", 2)
    assert (unknown, total) == ("<nil>", "0"), "a script that forgot --size gets podman's answer"
    assert "SizeRw" not in shown


def test_by_name_and_id_and_of_several_kinds(argosy: Program) -> None:
    container_id = create(argosy, "it")
    image_id = document(argosy, "busybox")["Id"]
    for name in ("it", container_id, container_id[:12], container_id[:6]):
        assert document(argosy, name)["Id"] == container_id
    both = argosy.run("inspect", "it", "busybox").json()
    assert [found["Id"] for found in both] == [container_id, image_id]
    assert both[1] == argosy.run("image", "inspect", "busybox").json()[0]
    assert both[0] == argosy.run("container", "inspect", "it").json()[0]
    create(argosy, "busybox")
    assert "State" in document(argosy, "busybox"), "a container's name goes before an image's"
    assert document(argosy, "--type", "image", "busybox")["Id"] == image_id
    assert "State" in document(argosy, "--type", "container", "busybox")
    assert document(argosy, "--latest")["Name"] == "busybox"


def test_form_is_podman_s(argosy: Program) -> None:
    create(argosy, "it", "--label", 'quote="<&>\\\u00e9')
    text = argosy.run("inspect", "it").stdout
    assert text == json.dumps(json.loads(text), indent=5, ensure_ascii=False) + "\n"
    for format_ in ("json", "{{json .}}", "{{ json . }}"):
        assert argosy.run("inspect", "--format", format_, "it").stdout == text


def test_templates(argosy: Program) -> None:
    container_id = create(argosy, "it", "--label", "x=y")
    cases = {
        "{{.Id}} {{.Name}}": f"{container_id} it",
        "{{.State.Status}}/{{.State.Running}}": "created/false",
        '{{index .Config.Labels "x"}}{{.Config.Labels.x}}': "yy",
        "{{range .Config.Env}}{{if eq . `container=podman`}}found{{end}}{{end}}": "found",
        "{{.State.FinishedAt}}": "0001-01-01 00:00:00 +0000 UTC",
        "{{json .State.FinishedAt}}": '"0001-01-01T00:00:00Z"',
        "{{len .Mounts}}": "0",
    }
    for template, expected in cases.items():
        assert argosy.run("inspect", "--format", template, "it").stdout == expected + "\n"
    created = argosy.run("inspect", "-f", "{{.Created}}", "it").stdout
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC\n", created)
    assert argosy.run("inspect", "-f", "{{.Id}}", "it", "busybox").lines[0] == container_id
    refused = argosy.run("inspect", "--format", "{{.Id}} {{.Bogus}}", "it", check=125)
    assert "can't evaluate field Bogus" in refused.stderr
    assert refused.stdout == ""


def test_what_is_missing_is_told_after_what_is_there(argosy: Program) -> None:
    create(argosy, "it")
    shown = argosy.run("inspect", "nobody", "it", check=125)
    assert [found["Name"] for found in shown.json()] == ["it"]
    assert shown.stderr == 'Error: inspecting object: no such object: "nobody"\n'
    assert argosy.run("inspect", "nobody", check=125).stdout == "[]\n"
    assert argosy.run("inspect", "-f", "{{.Id}}", "nobody", check=125).stdout == ""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("inspect",), "no names or ids specified"),
        (("inspect", "--latest"), "there are no containers"),
        (("inspect", "--latest", "--type", "image"), 'latest is not supported for type "image"'),
        (("inspect", "--latest", "it"), "--latest and arguments cannot be used together"),
        (
            ("inspect", "--type", "bogus", "it"),
            'invalid type "bogus": must be "container", "image", "network", "pod", "volume", or "all"',
        ),
        (("inspect", "--type", "container", "busybox"), "no such container busybox"),
        (("inspect", "--type", "image", "nothing"), "nothing: image not known"),
        (("container", "inspect", "busybox"), "no such container busybox"),
        (("container", "inspect"), "no names or ids specified"),
        (("container", "inspect", "--type", "image", "busybox"), "unknown flag: --type"),
    ],
)
def test_refused(argosy: Program, args: tuple[str, ...], message: str) -> None:
    assert message in argosy.run(*args, check=125).stderr


def test_damaged_container_is_named(argosy: Program) -> None:
    create(argosy, "whole")
    container_id = create(argosy, "broken")
    path = f"{argosy.root}/containers/{container_id}/container.json"
    os.truncate(path, 100)
    shown = argosy.run("inspect", "broken", "whole", check=125)
    assert [found["Name"] for found in shown.json()] == ["whole"]
    assert container_id in shown.stderr
    assert "damaged" in shown.stderr
    argosy.run("rm", "-f", "broken")


def test_volumes_of_the_image(argosy: Program) -> None:
    argosy.write("none", "")
    archive = argosy.call("tar", "-C", argosy.files, "-cf", "-", "none").stdout_bytes
    argosy.run("import", "-c", "VOLUME /v", "-c", 'CMD ["x"]', "-", "with-volume", input=archive)
    argosy.run("create", "--name", "it", "with-volume")
    (mount,) = document(argosy, "it")["Mounts"]
    assert (mount["Destination"], mount["Type"], len(mount["Name"])) == ("/v", "volume", 64)
    assert os.path.isdir(mount["Source"])
