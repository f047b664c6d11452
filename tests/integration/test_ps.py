"""`ps`: columns, formats, filters, order, and containers whose files are damaged."""

from __future__ import annotations

import os
import re
import subprocess
import time
from typing import Any

import pytest

from tests.rig.program import Program

pytestmark = pytest.mark.usefixtures("busybox")
FULL_ID = re.compile(r"[0-9a-f]{64}")


def create(program: Program, name: str, *flags: str, command: tuple[str, ...] = ("true",)) -> str:
    return program.run("create", "--name", name, "--network", "none", *flags, "busybox", *command).stdout.strip()


def start(program: Program, name: str, *flags: str) -> str:
    words = ("run", "-d", "--name", name, "--network", "none", *flags, "busybox", "sleep", "1000")
    return program.run(*words).stdout.strip()


def end(program: Program, name: str, status: int) -> None:
    words = ("run", "--name", name, "--network", "none", "busybox", "sh", "-c", f"exit {status}")
    program.run(*words, check=status)


def names(program: Program, *args: str, **options: Any) -> list[str]:
    return program.run("ps", "--format", "{{.Names}}", *args, **options).lines


def test_columns(argosy_both: Program) -> None:
    program = argosy_both
    assert program.run("ps").lines == [
        "CONTAINER ID  IMAGE       COMMAND     CREATED     STATUS      PORTS       NAMES"
    ]
    ids = [create(program, "new", command=("sh", "-c", "echo one two three")), start(program, "busy")]
    end(program, "done", 3)
    heading, *rows = program.run("ps", "-a").lines
    assert heading.split() == ["CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]
    cells = [re.split(r"\s{2,}", row.strip()) for row in rows]
    age = r"(Less than a second|\d+ seconds?) ago"
    expected = [
        ["new", "sh -c echo one tw...", "Created"],
        ["busy", "sleep 1000", f"Up {age}"],
        ["done", "sh -c exit 3", rf"Exited \(3\) {age}"],
    ]
    for found, (name, command, status) in zip(cells, expected, strict=True):
        assert found[1:3] == ["localhost/busybox:latest", command]
        assert re.fullmatch(age, found[3])
        assert re.fullmatch(status, found[4])
        assert found[5] == name
    assert [found[0] for found in cells[:2]] == [container_id[:12] for container_id in ids]
    assert [row.split()[-1] for row in program.run("ps", "--noheading").lines] == ["busy"]


def test_ids(argosy: Program) -> None:
    new, busy = create(argosy, "new"), start(argosy, "busy")
    assert argosy.run("ps", "-q").lines == [busy[:12]]
    assert argosy.run("ps", "-aq").lines == [new[:12], busy[:12]]
    assert argosy.run("ps", "-aq", "--no-trunc").lines == [new, busy]
    assert FULL_ID.fullmatch(new)
    long = create(argosy, "long", command=("echo", "a" * 40))
    row = next(row for row in argosy.run("ps", "-a", "--no-trunc").lines if row.startswith(long))
    assert f"echo {'a' * 40}" in row


def test_other_spellings(argosy: Program) -> None:
    busy = start(argosy, "busy")
    for words in (("ps",), ("container", "ps"), ("container", "ls"), ("container", "list")):
        assert argosy.run(*words, "-q").lines == [busy[:12]]
    assert argosy.run("ps", "-q", "--sync").lines == [busy[:12]]


def test_json(argosy_both: Program) -> None:
    program = argosy_both
    assert program.run("ps", "--format", "json").json() == []
    before = int(time.time())
    busy = start(program, "busy", "--label", "role=web", "-v", "data:/data", "--tmpfs", "/scratch")
    end(program, "done", 4)
    running, ended = program.run("ps", "-a", "--format", "json").json()
    assert running["Id"] == busy
    assert (running["State"], running["Exited"], running["ExitedAt"]) == ("running", False, -62135596800)
    assert os.path.exists(f"/proc/{running['Pid']}")
    assert before <= running["Created"] <= running["StartedAt"] <= time.time()
    assert (running["Labels"], running["Mounts"], running["Names"]) == (
        {"role": "web"},
        ["/scratch", "/data"],
        ["busy"],
    )
    assert running["Command"] == ["sleep", "1000"]
    assert (ended["State"], ended["Exited"], ended["ExitCode"], ended["Pid"]) == ("exited", True, 4, 0)
    assert ended["StartedAt"] <= ended["ExitedAt"] <= time.time()
    assert ended["Labels"] is None


def test_templates(argosy: Program) -> None:
    busy = start(argosy, "busy", "--label", "role=web")
    line = argosy.run("ps", "--format", "{{.ID}} {{.Names}} {{.Labels}} {{index .Labels `role`}} {{.ImageID}}").stdout
    image = argosy.run("image", "inspect", "-f", "{{.Id}}", "busybox").stdout[:12]
    assert line == f"{busy[:12]} busy map[role:web] web {image}\n"
    table = argosy.run("ps", "--format", "table {{.Names}}\t{{.RunningFor}} {{.CreatedAt}}").lines
    assert table[0].split() == ["NAMES", "RUNNING", "FOR", "CREATED", "AT"]
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000 UTC$", table[1])
    assert argosy.run("ps", "--format", "table").stdout == argosy.run("ps").stdout
    assert argosy.run("ps", "--noheading", "--format", "table {{.Names}}").lines == ["busy"]
    refused = argosy.run("ps", "--format", "{{.Bogus}}", check=125)
    assert "can't evaluate field Bogus in type containers.psReporter" in refused.stderr
    assert refused.stdout == ""


def test_namespaces(argosy: Program) -> None:
    busy = start(argosy, "busy")
    (row,) = argosy.run("ps", "--format", "json", "--ns").json()
    numbers = {kind: str(os.stat(f"/proc/{row['Pid']}/ns/{kind}").st_ino) for kind in ("mnt", "pid", "user", "uts")}
    assert row["Namespaces"]["Mnt"] == numbers["mnt"]
    assert (
        argosy.run("ps", "--format", "{{.PIDNS}} {{.Namespaces.UTS}}").stdout == f"{numbers['pid']} {numbers['uts']}\n"
    )
    heading, line = argosy.run("ps", "--ns").lines
    assert heading.split() == [
        "CONTAINER",
        "ID",
        "NAMES",
        "PID",
        "CGROUPNS",
        "IPC",
        "MNT",
        "NET",
        "PIDNS",
        "USERNS",
        "UTS",
    ]
    assert line.split()[:3] == [busy[:12], "busy", str(row["Pid"])]
    assert line.split()[-1] == numbers["uts"]


def test_size(argosy_both: Program) -> None:
    program = argosy_both
    program.run(
        "run", "--name", "wrote", "--network", "none", "busybox", "dd", "if=/dev/zero", "of=/f", "bs=1000", "count=123"
    )
    program.run("start", "wrote")
    (row,) = program.run("ps", "-a", "--size", "--format", "json").json()
    image = program.run("image", "inspect", "busybox").json()[0]["Size"]
    assert row["Size"] == {"rwSize": 123_000, "rootFsSize": image + 123_000}
    heading, line = program.run("ps", "-as").lines
    assert heading.endswith("SIZE")
    assert re.search(r"wrote +123kB \(virtual [\d.]+MB\)$", line)
    assert program.run("ps", "-a", "--format", "{{.Size}}").stdout.startswith("123kB (virtual ")


def test_order_and_last(argosy: Program) -> None:
    end(argosy, "zeta", 0)
    start(argosy, "beta")
    create(argosy, "alpha")
    assert names(argosy, "-a") == ["zeta", "beta", "alpha"]
    assert names(argosy, "-a", "--sort", "names") == ["alpha", "beta", "zeta"]
    assert names(argosy, "-a", "--sort", "status") == ["alpha", "zeta", "beta"]
    assert names(argosy, "-a", "--sort", "runningfor") == ["alpha", "zeta", "beta"]
    assert names(argosy, "-a", "--sort", "id") == [
        row["Names"][0] for row in sorted(argosy.run("ps", "-a", "--format", "json").json(), key=lambda row: row["Id"])
    ]
    assert names(argosy, "--last", "2") == ["beta", "alpha"]
    assert names(argosy, "-n", "9") == ["zeta", "beta", "alpha"]
    assert names(argosy, "--latest") == ["alpha"]
    assert names(argosy, "-n", "0") == ["beta"]


def test_sort_by_size(argosy: Program) -> None:
    for name, count in (("big", 3), ("empty", 0), ("small", 1)):
        words = ("dd", "if=/dev/zero", "of=/f", "bs=1000", f"count={count}")
        argosy.run("run", "--name", name, "--network", "none", "busybox", *words)
    assert names(argosy, "-a", "--sort", "size") == ["empty", "small", "big"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--sort", "age"), '"age" is not a valid value'),
        (("--latest", "--last", "2"), "last and latest are mutually exclusive"),
        (("-q", "-s"), "quiet conflicts with size and namespace"),
        (("-s", "--ns"), "size and namespace options conflict"),
        (("busy",), "takes no arguments"),
        (("-f", "bogus=1"), "bogus is an invalid filter"),
        (("-f", "label"), 'invalid filter "label"'),
        (("-f", "status=busy"), "unknown container state: busy: invalid argument"),
        (("-f", "exited=x"), "exited code out of range"),
        (("-f", "before=nobody"), 'no container with name or ID "nobody" found: no such container'),
        (("-f", "until=soon"), 'failed to parse value as time or duration: "soon"'),
        (("-f", "name=("), 'invalid name filter "("'),
        (("-f", "nonsense=1"), "nonsense is an invalid filter"),
        (("--watch", "x"), 'invalid argument "x" for "-w, --watch" flag'),
    ],
)
def test_refused(argosy: Program, args: tuple[str, ...], message: str) -> None:
    refused = argosy.run("ps", *args, check=125)
    assert message in refused.stderr
    assert refused.stdout == ""


@pytest.fixture
def various(argosy: Program) -> Program:
    """Three containers: one new, one that runs, one that has ended with status 3."""
    create(
        argosy,
        "web-new",
        "--label",
        "role=web",
        "--label",
        "level=1",
        "--tmpfs",
        "/scratch",
        "--restart",
        "on-failure:2",
    )
    start(argosy, "db", "--label", "role=db", "-v", "data:/var/db", "-v", "/usr:/host:ro")
    end(argosy, "job", 3)
    return argosy


def test_filters(various: Program) -> None:
    ids = dict(line.split() for line in various.run("ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.ID}}").lines)
    image = various.run("image", "inspect", "-f", "{{.Id}}", "busybox").stdout.strip()
    cases: list[tuple[tuple[str, ...], list[str]]] = [
        (("status=created",), ["web-new"]),
        (("status=running",), ["db"]),
        (("status=exited",), ["job"]),
        (("status=stopped",), ["job"]),
        (("status=paused",), []),
        (("status=exited", "status=created"), ["web-new", "job"]),
        (("exited=3",), ["job"]),
        (("exited=0",), []),
        (("name=b",), ["web-new", "db", "job"]),
        (("name=^db$",), ["db"]),
        (("name=^/db$",), ["db"]),
        (("name=^web", "name=^job"), ["web-new", "job"]),
        ((f"id={ids['db']}",), ["db"]),
        ((f"id={ids['job'][:9]}",), ["job"]),
        ((f"id=^{ids['job'][:9]}",), ["job"]),
        ((f"id={ids['db'][9:]}",), []),
        (("label=role",), ["web-new", "db"]),
        (("label=role=web",), ["web-new"]),
        (("label=role", "label=level=1"), ["web-new"]),
        (("label=rol",), []),
        (("restart-policy=on-failure",), ["web-new"]),
        (("restart-policy=always",), []),
        (("before=db",), ["web-new"]),
        (("since=db",), ["job"]),
        (("since=web-new", "before=job"), ["db"]),
        (("until=0s",), ["web-new", "db", "job"]),
        (("until=1h",), []),
        (("volume=data",), ["db"]),
        (("volume=/var/db",), ["db"]),
        (("volume=data:/var/db",), ["db"]),
        (("volume=data:/elsewhere",), []),
        (("volume=/usr",), ["db"]),
        (("volume=/scratch",), ["web-new"]),
        (("network=none",), ["web-new", "db", "job"]),
        (("network=host",), []),
        (("ancestor=busybox",), ["web-new", "db", "job"]),
        (("ancestor=localhost/busybox:latest",), ["web-new", "db", "job"]),
        ((f"ancestor={image}",), ["web-new", "db", "job"]),
        ((f"ancestor=sha256:{image[:10]}",), ["web-new", "db", "job"]),
        (("ancestor=other",), []),
        (("status=running", "label=role=web"), []),
    ]
    for filters, expected in cases:
        flags = [word for text in filters for word in ("--filter", text)]
        assert names(various, "-a", *flags) == expected, filters
    assert names(various, "--filter", "name=o") == []
    assert names(various, "--filter", "status=exited") == ["job"]
    assert names(various, "-f", "label=role,name=^d") == ["db"]


def test_filter_by_joined_network(argosy: Program) -> None:
    first = start(argosy, "first")
    argosy.run("create", "--name", "second", "--network", "container:first", "busybox", "true")
    for name in ("first", first, first[:10]):
        assert names(argosy, "-a", "-f", f"network=container:{name}") == ["second"]
    assert names(argosy, "-a", "-f", "network=container:second") == []


def test_filter_by_an_image_that_others_are_built_on(argosy: Program) -> None:
    argosy.run("import", "-c", "LABEL a=b", "-", "base", input=empty_tar())
    argosy.run("create", "--name", "of-base", "base", "true")
    create(argosy, "of-busybox")
    assert names(argosy, "-a", "-f", "ancestor=base") == ["of-base"]
    argosy.run("rmi", "--force", "base", check=False)
    assert names(argosy, "-a", "-f", "ancestor=busybox") == ["of-busybox"]


def empty_tar() -> bytes:
    import io
    import tarfile

    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    return data.getvalue()


@pytest.mark.parametrize("damage", ["cut", "flipped", "deleted", "not an object"])
def test_damaged_container_is_named_and_hides_nothing(argosy: Program, damage: str) -> None:
    whole, broken = create(argosy, "whole"), create(argosy, "broken")
    path = f"{argosy.root}/containers/{broken}/container.json"
    with open(path, "rb") as file:
        data = file.read()
    os.unlink(path)
    if damage != "deleted":
        changed = {
            "cut": data[: len(data) // 2],
            "flipped": data.replace(b"broken", b"brokem"),
            "not an object": b"7\n",
        }
        with open(path, "wb") as file:
            file.write(changed[damage])
    listed = argosy.run("ps", "-aq", "--no-trunc")
    assert listed.lines == [whole]
    assert f"container.json of container {broken}: " in listed.stderr
    assert names(argosy, "-a", "--filter", "name=o") == ["whole"]
    argosy.run("rm", "-f", broken)


def test_listing_while_containers_come_and_go(argosy: Program) -> None:
    start(argosy, "stays")
    script = 'for i in 1 2 3 4 5 6; do "$@" create --network none --name c$i busybox true || exit; done'
    churn = argosy.spawn(["sh", "-c", script, "sh", *argosy.argv()], stdout=subprocess.DEVNULL)
    while churn.poll() is None:
        listed = argosy.run("ps", "-a", "--format", "{{.Names}} {{.Status}}")
        assert listed.stderr == ""
        assert listed.lines[0].startswith("stays Up ")
    assert churn.wait() == 0
    assert len(names(argosy, "-a")) == 7
