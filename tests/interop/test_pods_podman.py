"""Pods, podman's and ours: what commands print and end with, and every field of their documents.

What differs on purpose is left out, with the reason:

- the image of the infra container, and the label of the tool that podman builds it with: ours has none;
- without an infra container podman's pods have no control group, and so no limits; ours have one;
- a clone: podman's loses the limits and the command line of the pod;
- `pod rm` of a pod that runs: podman adds that the infra container has others that depend on it;
- the heading of `{{.ID}}` in a table, which podman has forgotten;
- hints: ours stand on lines of their own behind podman's message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.interop.peer import Podman, podman, side_by_side  # noqa: F401 -- a fixture
from tests.rig import host, images
from tests.rig.program import Program

pytestmark = [host.needs_root, host.needs_podman_4()]

_ID = re.compile(r"[0-9a-f]{64}|\b[0-9a-f]{12}\b")
_SINCE = re.compile(r"Less than a second ago|(\d+|About a) (second|minute)s? ago")
_FIELDS = "{{.ID}} {{.Name}} {{.Status}} {{.Created}} {{.InfraID}} {{.NumberOfContainers}} {{.Networks}} {{.Labels}}"
# Of several containers or pods the order is podman's map's: each of these is told of one, or sorted.
CALLS: tuple[tuple[str, ...], ...] = (
    ("pod", "create", "--name", "one", "--network", "none", "--label", "a=b", "--infra-name", "hold"),
    ("pod", "create", "--name", "one"),
    ("pod", "create", "--name", "two", "--infra=false", "--exit-policy", "stop"),
    ("pod", "ps", "--filter", "name=one"),
    ("pod", "ps", "--filter", "name=two", "--ns"),
    ("pod", "ps", "--filter", "name=one", "--ctr-ids", "--ctr-names", "--ctr-status"),
    ("pod", "ps", "--filter", "name=one", "--noheading", "--no-trunc"),
    ("pod", "ps", "--format", _FIELDS),
    ("pod", "ps", "--format", "table {{.Name}} {{.Status}} {{.NumberOfContainers}} {{.InfraID}}"),
    ("pod", "ps", "-q"),
    ("pod", "ps", "--sort", "bad"),
    *(
        ("pod", "ps", "--format", "{{.Name}}", "--filter", text)
        for text in (
            *("name=o", "status=created", "status=bad", "label=a", "label=a=c", "ctr-number=1", "ctr-number=x"),
            *(
                "ctr-names=hold",
                "ctr-ids=zz",
                "ctr-status=created",
                "ctr-status=bad",
                "id=zz",
                "x",
                "bad=1",
                "until=1h",
            ),
        )
    ),
    ("create", "--pod", "one", "--name", "c1", "busybox", "sleep", "1000"),
    ("create", "--pod", "one", "-p", "80:80", "busybox"),
    ("create", "--pod", "one", "--hostname", "x", "busybox"),
    ("create", "--pod", "one", "--add-host", "a:1.2.3.4", "busybox"),
    ("create", "--pod", "one", "--ip", "10.88.0.9", "busybox"),
    ("create", "--pod", "one", "--userns", "auto", "busybox"),
    ("create", "--pod", "nosuch", "busybox"),
    ("create", "--pod", "new:", "busybox"),
    ("create", "--pod", "new:one", "busybox"),
    ("create", "--init-ctr", "once", "busybox"),
    ("create", "--init-ctr", "x", "--pod", "one", "busybox"),
    ("pod", "exists", "one"),
    ("pod", "exists", "nosuch"),
    ("pod", "start"),
    ("pod", "start", "nosuch"),
    ("pod", "start", "one"),
    ("ps", "-a", "--pod", "--filter", "name=c1"),
    ("ps", "-a", "--filter", "pod=one", "--sort", "names", "--format", "{{.Names}} {{.Pod}} {{.IsInfra}} {{.Command}}"),
    ("pod", "pause", "one"),
    ("pod", "ps", "--filter", "name=one"),
    ("pod", "unpause", "one"),
    ("pod", "kill", "-s", "USR2", "one"),
    ("pod", "top", "one", "pid", "nosuch"),
    ("pod", "logs", "-c", "nosuch", "one"),
    ("pod", "logs"),
    ("pod", "stats", "--no-stream", "nosuch"),
    ("rm", "-f", "hold"),
    ("pod", "stop", "-t", "0", "one"),
    ("pod", "stop", "nosuch"),
    ("pod", "stop", "--ignore", "nosuch"),
    ("pod", "ps", "--filter", "name=one"),
    ("pod", "inspect", "nosuch"),
    ("pod", "inspect", "one", "--format", "{{.Name}} {{.State}} {{.NumContainers}} {{.InfraConfig.HostNetwork}}"),
    ("inspect", "--type", "pod", "two", "--format", "{{.Name}} {{.CreateInfra}} {{.ExitPolicy}}"),
    ("inspect", "one", "--format", "{{.Name}}"),
    ("pod", "rm", "-t", "1", "one"),
    ("pod", "rm", "--all", "one"),
    ("pod", "prune", "--force"),
    ("pod", "ps", "--format", "{{.Name}}"),
    ("pod", "clone", "nosuch"),
    ("pod", "rm", "two"),
    ("pod", "rm", "two"),
    ("pod", "rm", "--ignore", "two"),
    ("pod", "create", "--share", "mnt"),
    ("pod", "create", "--share", "cgroup"),
    ("pod", "create", "--exit-policy", "bad"),
    ("pod", "create", "--infra=false", "-p", "80"),
    ("pod", "create", "--infra=false", "--network", "none"),
    ("pod", "create", "--replace"),
    ("pod", "create", "--name", "a b"),
    ("pod", "create", "--name", "a", "b"),
    ("pod", "create", "a", "b"),
)


@pytest.fixture
def both(argosy: Program, busybox: str, podman: Podman) -> Iterator[tuple[Program, Podman]]:  # noqa: F811
    assert busybox
    podman.run("import", images.busybox_archive(), "busybox:latest")
    yield argosy, podman
    podman.run("pod", "rm", "--all", "--force", "--time", "0", check=False)


def _plain(text: str) -> str:
    text = text.replace("libpod_parent", "argosy")
    lines = (" ".join(_SINCE.sub("AGO", _ID.sub("ID", line)).split()) for line in text.splitlines())
    return "\n".join(sorted(line for line in lines if not line.startswith("time=")))


def _answer(run: Callable[..., Any], *words: str, **more: str) -> tuple[int, str, str]:
    done = run(*words, check=False, **more)
    return done.returncode, _plain(done.stdout), done.stderr


def test_same_words_same_answers(both: tuple[Program, Podman]) -> None:
    argosy, peer = both
    different = []
    for words in CALLS:
        ours, theirs = side_by_side(
            partial(_answer, argosy.run, *words, name="podman"), partial(_answer, peer.run, *words)
        )
        if theirs[:2] != ours[:2]:
            different.append(f"{words}: {theirs[:2]} is here {ours[:2]}")
        first = next((line for line in theirs[2].splitlines() if not line.startswith("time=")), "")
        if _plain(first).removeprefix("Error: ") not in " ".join(_plain(ours[2]).split("\n")):
            different.append(f"{words}: {first!r} is here {ours[2]!r}")
    assert "\n".join(different) == ""


# Flags of `pod create` whose documents are compared; each pod has one container.
SHAPES: tuple[tuple[str, ...], ...] = (
    ("-p", "18973:80", "-p", "127.0.0.1:18974:53/udp"),
    ("--network", "none", "--hostname", "boat", "--share", "+pid"),
    ("--network", "host", "--share", "ipc,net"),
    ("--dns", "1.1.1.1", "--dns-search", "example.org", "--dns-option", "ndots:2", "--add-host", "a:1.2.3.4"),
    ("--network", "none", "--memory", "100m", "--cpus", "0.5", "--cpu-shares", "300", "--cpuset-cpus", "0"),
    ("--network", "none", "-v", "/tmp:/data:ro", "--security-opt", "seccomp=unconfined", "--no-hosts"),
    ("--infra=false",),
    ("--network", "none", "--uts", "host", "--exit-policy", "stop"),
)
_DROPPED = ("Id", "Created", "CreateCommand", "InfraContainerID", "CgroupPath")


def test_documents(both: tuple[Program, Podman]) -> None:
    argosy, peer = both

    def make(run: Callable[..., Any]) -> None:
        for number, flags in enumerate(SHAPES):
            run("pod", "create", "--name", f"p{number}", *flags)
            run("create", "--pod", f"p{number}", "--name", f"c{number}", "--label", "x=y", "busybox", "sleep", "1")

    side_by_side(partial(make, argosy.run), partial(make, peer.run))
    for number in range(len(SHAPES)):
        ours, theirs = (_pod(run, f"p{number}") for run in (argosy.run, peer.run))
        assert ours == theirs, SHAPES[number]
        assert _member(argosy.run, f"c{number}") == _member(peer.run, f"c{number}"), SHAPES[number]
    assert _listed(argosy.run) == _listed(peer.run)
    assert _members(argosy.run) == _members(peer.run)


def _pod(run: Callable[..., Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("pod", "inspect", name).stdout)
    for key in _DROPPED:
        found.pop(key, None)
    found["CgroupParent"] = found["CgroupParent"].replace("libpod_parent", "argosy")
    found["SharedNamespaces"] = sorted(found.get("SharedNamespaces", ()))
    found["Containers"] = sorted(_ID.sub("ID", one["Name"]) + one["State"] for one in found["Containers"])
    return found


def _member(run: Callable[..., Any], name: str) -> Any:
    """What a container has of its pod."""
    (found,) = json.loads(run("container", "inspect", name).stdout)
    configured = found["HostConfig"]
    keys = ("NetworkMode", "IpcMode", "PidMode", "UTSMode", "UsernsMode", "CgroupParent", "SecurityOpt", "PortBindings")
    shown = {key: configured[key] for key in keys}
    if not found["Dependencies"]:
        shown.pop("CgroupParent")
    told = [found["Pod"], found["IsInfra"], found["Dependencies"], found["Mounts"], shown, found["Config"]["Labels"]]
    text = json.dumps(told).replace("libpod_parent", "argosy")
    return json.loads(_ID.sub("ID", text))


def _listed(run: Callable[..., Any]) -> list[dict[str, Any]]:
    listed = json.loads(run("pod", "ps", "--format", "json").stdout)
    for one in listed:
        one["Cgroup"] = one["Cgroup"].replace("libpod_parent", "argosy")
        one["Containers"] = sorted(_ID.sub("ID", f"{c['Names']} {c['Status']} {c['Id']}") for c in one["Containers"])
        assert one.pop("Created").endswith("Z")
        one.update({key: _ID.sub("ID", one[key]) for key in ("Id", "InfraId")})
        one["Networks"] = one["Networks"] or []
    return sorted(listed, key=lambda one: str(one["Name"]))


def _members(run: Callable[..., Any]) -> list[dict[str, Any]]:
    """`ps --pod --format json`, but for what tells of the image."""
    listed = json.loads(run("ps", "-a", "--pod", "--format", "json").stdout)
    for one in listed:
        for key in ("CreatedAt", "Created", "Id", "Image", "ImageID", "Status", "Labels"):
            one.pop(key)
        one["Pod"] = _ID.sub("ID", one["Pod"])
        one["Names"] = [_ID.sub("ID", name) for name in one["Names"]]
        one["Mounts"] = [place for place in one["Mounts"] if place != "/catatonit"]
    return sorted(listed, key=lambda one: (str(one["PodName"]), str(one["Names"])))
