"""`generate spec`: what podman writes of a container, ours write of the same container, field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.interop.peer import Podman, podman  # noqa: F401 -- a fixture
from tests.rig import host, images
from tests.rig.program import Program

pytestmark = [host.needs_root, host.needs_podman_4()]

CASES: list[list[str]] = [
    [],
    [
        *("--memory", "64m", "--cpus", "1.5", "-p", "8080:80", "-p", "127.0.0.1:90-91:90-91/udp", "-e", "A=B"),
        *("-v", "/tmp:/mnt:ro", "-v", "volume1:/data", "--tmpfs", "/t", "--label", "x=y", "--hostname", "hh"),
        *("--user", "5:6", "--workdir", "/bin", "-it", "--group-add", "77", "--device", "/dev/zero:/dev/zz:r"),
        *("--pids-limit", "33", "--expose", "99", "--tz", "UTC", "--umask", "0027", "--restart", "on-failure:3"),
        *("--entrypoint", '["sh"]', "--shm-size", "32000000", "--timeout", "77", "--cpuset-cpus", "0"),
        *("--ip", "10.88.0.77", "--mac-address", "92:d0:c6:0a:29:33", "--network-alias", "other"),
        *("--device-cgroup-rule", "c 1:3 rwm", "--cpu-shares", "7", "--memory-reservation", "10m"),
    ],
    ["--privileged", "--rm", "--ipc", "host", "--network", "slirp4netns", "--security-opt", "label=type:foo"],
    ["--read-only", "--init", "--cap-add", "net_admin", "--cap-drop", "mknod", "--sdnotify", "conmon"],
    ["--mount", "type=image,source=busybox,destination=/img", "-v", "/tmp:/over:O", "--requires", "first"],
]
# Values that podman writes of something else: its own defect, or another default.
OTHER = {
    "containerCreateCommand": "each has its own command line",
    "image": "imported at another moment",
    "shm_size": "podman reads 65536k as 65,536,000 bytes",
    "pidns": "podman forgets a namespace that is the host's or a container's",
    "utsns": "podman forgets a namespace that is the host's or a container's",
}


@pytest.fixture
def pair(argosy: Program, busybox: str, podman: Podman) -> tuple[Program, Podman]:  # noqa: F811
    podman.run("import", "--change", 'CMD ["sh"]', images.busybox_archive(), "busybox:latest")
    for runner in (argosy.run, podman.run):
        runner("create", "--name", "first", "--network", "none", "busybox")
    return argosy, podman


def test_the_fields_of_podman(pair: tuple[Program, Podman]) -> None:
    for number, flags in enumerate(CASES):
        name = f"it{number}"
        ids = [runner("create", "--name", name, *flags, "busybox").stdout.strip() for runner in (run(pair))]
        first = [runner("inspect", "--format", "{{.Id}}", "first").stdout.strip() for runner in run(pair)]
        ours, theirs = (
            plain(json.loads(runner("generate", "spec", name).stdout), known)
            for runner, known in zip(run(pair), zip(ids, first, strict=True), strict=True)
        )
        for field, value in theirs.items():
            assert field in ours, (flags, field)
            if field not in OTHER:
                assert ours[field] == value, (flags, field)


def run(pair: tuple[Program, Podman]) -> list[Any]:
    return [pair[0].run, pair[1].run]


def plain(document: dict[str, Any], ids: tuple[str, str]) -> dict[str, Any]:
    """The document without ids, and with lists whose order says nothing in one order."""
    text = json.dumps(document)
    for number, container_id in enumerate(ids):
        text = text.replace(container_id, f"ID{number}").replace(container_id[:12], f"ID{number}")
    found: dict[str, Any] = json.loads(text)
    for field in ("mounts", "portmappings", "volumes"):
        found.get(field, []).sort(key=json.dumps)
    return found


def test_how_it_is_printed(pair: tuple[Program, Podman]) -> None:
    outputs: list[object] = []
    for runner in run(pair):
        files = f"{pair[0].files}/{len(outputs)}"
        compact = runner("generate", "spec", "-c", "--name=false", "first").stdout
        written = runner("generate", "spec", "-f", files, "first").stdout
        with open(files, encoding="utf-8") as file:
            text = file.read()
        wrong = runner("generate", "spec", "nobody", check=False)
        outputs.append(
            (compact.count("\n"), compact[:16], written.replace(files, "F"), text[:26], wrong.returncode, wrong.stderr)
        )
    assert outputs[0] == outputs[1]


POD = ["--hostname", "hh", "-p", "8099:80", "--label", "x=y", "--share", "net,uts,ipc", "--memory", "64m"]
OTHER_OF_PODS = {
    **OTHER,
    "infra_image": "ours has none",
    "resource_limits": "podman adds what its infra container has by default",
    "labels": "podman's infra image has some",
}


def test_pods(pair: tuple[Program, Podman]) -> None:
    documents = []
    for runner in run(pair):
        pod_id = runner("pod", "create", "--name", "p", *POD).stdout.strip()
        infra_id = runner("pod", "inspect", "p", "--format", "{{.InfraContainerID}}").stdout.strip()
        documents.append(plain(json.loads(runner("generate", "spec", "p").stdout), (pod_id, infra_id)))
        runner("create", "--name", "member", "--pod", "p", "busybox")
        assert json.loads(runner("generate", "spec", "member").stdout)["pod"] == pod_id
    for runner in run(pair):
        runner("pod", "rm", "--force", "p")
    ours, theirs = documents
    for field, value in theirs.items():
        if field not in OTHER_OF_PODS:
            assert field in ours, field
            assert ours[field] == value, field
    assert ours["labels"] == {"x": "y"}
    assert sorted(ours["shared_namespaces"]) == ["ipc", "net", "uts"]
