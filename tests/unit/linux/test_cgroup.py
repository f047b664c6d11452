"""Control groups: every layout from its /proc text, and real groups where this host lets us make some."""

from __future__ import annotations

import os
import subprocess
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.linux import cgroup
from argosy.linux.cgroup import Cgroups, Hierarchy
from tests.rig import host
from tests.rig.as_user import PYTHON, AsUser
from tests.rig.program import CHECKOUT

V1 = (
    "34 25 0:29 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "35 34 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
    "36 34 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "37 34 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "38 34 0:33 / /sys/fs/cgroup/blkio ro,nosuid - cgroup cgroup rw,blkio\n"
)
V1_OWN = "4:blkio:/\n3:memory:/job\n2:cpu,cpuacct:/\n1:name=systemd:/job\n"
V2 = "30 25 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
HYBRID = V1 + "39 34 0:34 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"


def test_v1_has_a_hierarchy_for_each_controller() -> None:
    found = {h.path.rpartition("/")[2]: h for h in cgroup.hierarchies(V1, V1_OWN)}
    assert {name: h.controllers for name, h in found.items()} == {
        "systemd": (),
        "cpu,cpuacct": ("cpu", "cpuacct"),
        "memory": ("memory",),
        "blkio": ("blkio",),
    }
    assert {h.version for h in found.values()} == {1}
    assert not found["blkio"].writable


def test_v2_and_hybrid_are_told_apart() -> None:
    assert [h.version for h in cgroup.hierarchies(V2, "0::/user.slice\n")] == [2]
    assert sorted(h.version for h in cgroup.hierarchies(HYBRID, V1_OWN + "0::/\n")) == [1, 1, 1, 1, 2]
    assert cgroup.hierarchies("", "") == ()


def test_root_reaches_the_whole_tree_and_a_user_his_own_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "_MOUNTED_AT", str(tmp_path))
    (tmp_path / "own").mkdir()
    (tmp_path / "cgroup.controllers").write_text("cpu io memory pids\n")
    (tmp_path / "own/cgroup.controllers").write_text("memory pids\n")
    for directory in (tmp_path, tmp_path / "own"):
        (directory / "cgroup.procs").touch()
    mountinfo = V2.replace("/sys/fs/cgroup", str(tmp_path))
    [root], [user] = (cgroup.hierarchies(mountinfo, "0::/own\n", rootless=rootless) for rootless in (False, True))
    assert root == Hierarchy(2, str(tmp_path), f"{tmp_path}/own", ("cpu", "io", "memory", "pids"), True)
    assert user == root.replace(controllers=("memory", "pids"))
    [read_only] = cgroup.hierarchies(mountinfo.replace(" rw,nosuid ", " ro,nosuid "), "0::/own\n")
    assert not read_only.writable


def test_trees_that_are_mounted_elsewhere_are_not_ours() -> None:
    assert cgroup.hierarchies(V2.replace("/sys/fs/cgroup ", "/mnt/container/sys/fs/cgroup "), "0::/\n") == ()
    assert cgroup.hierarchies(V2.replace("/sys/fs/cgroup ", "/sys/fs/cgroup2 "), "0::/\n") == ()


@pytest.mark.parametrize(
    ("root", "path", "below"),
    [
        ("/", "/", ""),
        ("/", "/a/b", "/a/b"),
        ("/", "/gone", ""),
        ("/docker/x", "/docker/x", ""),
        ("/docker/x", "/docker/x/a", "/a"),
        ("/docker/x", "/docker/xy", ""),
        ("/docker/x", "/elsewhere", ""),
        ("/..", "/", ""),
        ("/", "/../a", ""),
        ("/", "/a/../..", ""),
    ],
)
def test_our_own_group_is_found_below_its_mount(tmp_path: Path, root: str, path: str, below: str) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    assert cgroup._directory(str(tmp_path), root, path) == f"{tmp_path}{below}"


def made(mode: str, **fields: object) -> Cgroups:
    """A host that has cgroups of this kind, all of them for us."""
    unified = Hierarchy(2, "/cg", "/cg/user.slice/user-7.slice/session-1.scope", ("cpu", "io", "memory", "pids"), True)
    old = tuple(Hierarchy(1, f"/cg/{name}", f"/cg/{name}", (name,), True) for name in ("memory", "blkio"))
    defaults = Cgroups(
        mode=mode,
        hierarchies=(unified,) if mode == "v2" else old,
        controllers=("cpu", "io", "memory", "pids") if mode == "v2" else ("io", "memory"),
        manager="cgroupfs",
        delegated=False,
    )
    return defaults.replace(**fields)


def test_a_limit_that_can_hold_has_no_reason_against_it() -> None:
    for mode in ("v1", "v2"):
        for controller in ("memory", "io", "blkio"):
            assert cgroup.can_limit(made(mode), controller) == ""


def test_a_limit_that_cannot_hold_says_why() -> None:
    assert cgroup.can_limit(made("v1"), "pids") == "this kernel, or its configuration, offers no pids controller"
    user = made("v2", delegated=True, controllers=("memory", "pids"))
    assert cgroup.can_limit(user, "cpu") == "the cpu controller is not delegated to this user"
    none = made("v1", manager="none", controllers=(), why_none="because")
    assert cgroup.can_limit(none, "memory") == "because"


@pytest.mark.parametrize(
    ("fields", "options", "path", "directories"),
    [
        ({}, {}, "/argosy/ID", ["/cg/argosy/ID"]),
        ({}, {"parent": "/jobs/"}, "/jobs/ID", ["/cg/jobs/ID"]),
        ({}, {"parent": "jobs"}, "/jobs/ID", ["/cg/jobs/ID"]),
        ({}, {"parent": "../../jobs/../x"}, "/x/ID", ["/cg/x/ID"]),
        ({"delegated": True, "uid": 7}, {}, "/user.slice/user-7.slice/session-1.scope/argosy/ID", None),
        ({"manager": "systemd"}, {}, "machine.slice:argosy:ID", ["/cg/machine.slice/argosy-ID.scope"]),
        (
            {"manager": "systemd"},
            {"parent": "a-b.slice"},
            "a-b.slice:argosy:ID",
            ["/cg/a.slice/a-b.slice/argosy-ID.scope"],
        ),
        (
            {"manager": "systemd", "delegated": True, "uid": 7},
            {},
            "user.slice:argosy:ID",
            ["/cg/user.slice/user-7.slice/user@7.service/user.slice/argosy-ID.scope"],
        ),
        ({"manager": "none"}, {}, "", []),
        ({}, {"manager": "systemd"}, "machine.slice:argosy:ID", None),
    ],
)
def test_a_container_has_a_path_in_the_managers_form(
    fields: dict[str, object], options: dict[str, str], path: str, directories: list[str] | None
) -> None:
    found = made("v2", **fields)
    assert cgroup.container_path(found, "ID", **options) == path
    if directories is not None:
        assert list(cgroup.directories(found, path)) == directories


def given(tree: Path, *, beside: bool = False) -> Cgroups:
    """A tree in which the group /jobs/mine was given to a user, who works in it; and with `beside` /jobs too."""
    for name in ("jobs/mine", "jobs"):
        (tree / name).mkdir(parents=True, exist_ok=True)
        for file in ("cgroup.procs", "cgroup.subtree_control", "cgroup.type"):
            (tree / name / file).write_text("")
        (tree / name / "cgroup.controllers").write_text("cpu memory pids\n")
    if not beside:
        (tree / "jobs/cgroup.procs").unlink()
    unified = Hierarchy(2, str(tree), f"{tree}/jobs/mine", ("cpu", "memory", "pids"), True)
    return Cgroups("v2", (unified,), unified.controllers, "cgroupfs", delegated=True, uid=7)


def test_a_users_containers_are_beside_the_own_group_or_in_it(tmp_path: Path) -> None:
    assert cgroup.container_path(given(tmp_path, beside=True), "ID") == "/jobs/argosy/ID"
    groups = given(tmp_path)
    assert cgroup.container_path(groups, "ID") == "/jobs/mine/argosy/ID"
    moved = groups.hierarchies[0].replace(own=f"{tmp_path}/jobs/mine/{cgroup.SUPERVISOR}")
    assert cgroup.container_path(groups.replace(hierarchies=(moved,)), "ID") == "/jobs/mine/argosy/ID"


def test_a_group_that_holds_processes_is_emptied_to_pass_its_controllers_on(tmp_path: Path) -> None:
    groups, own = given(tmp_path), tmp_path / "jobs/mine"
    (own / "cgroup.procs").write_text("4711\n")
    (own / cgroup.SUPERVISOR).mkdir()
    (own / cgroup.SUPERVISOR / "cgroup.procs").write_text("")
    cgroup.make_room(groups)
    assert (own / cgroup.SUPERVISOR / "cgroup.procs").read_text() == "4711"
    assert (own / "cgroup.subtree_control").read_text().startswith("+pids")


@pytest.mark.parametrize("reason", ["passed on already", "the real root", "systemd"])
def test_it_is_left_alone_where_there_is_nothing_to_do(tmp_path: Path, reason: str) -> None:
    groups, own = given(tmp_path), tmp_path / "jobs/mine"
    (own / "cgroup.procs").write_text("4711\n")
    if reason == "passed on already":
        (own / "cgroup.subtree_control").write_text("cpu memory pids\n")
    elif reason == "the real root":
        (own / "cgroup.type").unlink()
    else:
        groups = groups.replace(manager="systemd")
    cgroup.make_room(groups)
    assert not (own / cgroup.SUPERVISOR).exists()


def test_a_split_group_is_within_our_own() -> None:
    own = "/user.slice/user-7.slice/session-1.scope"
    assert cgroup.split_path(made("v2"), "x") == f"{own}/x"
    again = made("v2").hierarchies[0].replace(own=f"/cg{own}/{cgroup.SUPERVISOR}")
    assert cgroup.split_path(made("v2", hierarchies=(again,)), "x") == f"{own}/x"
    assert cgroup.split_path(made("v1"), "x") == ""


def test_v1_has_a_directory_in_each_hierarchy() -> None:
    assert cgroup.directories(made("v1"), "/argosy/ID") == ("/cg/memory/argosy/ID", "/cg/blkio/argosy/ID")


@pytest.mark.parametrize(
    ("name", "path"),
    [("machine.slice", "/machine.slice"), ("a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice"), ("-.slice", "")],
)
def test_a_slice_lies_below_those_that_its_name_begins_with(name: str, path: str) -> None:
    assert cgroup.slice_path(name) == path


def test_this_host_has_one_layout() -> None:
    found = cgroup.detect()
    assert found.mode in ("v1", "v2", "hybrid", "none")
    assert bool(found.why_none) == (found.manager == "none")
    assert all(os.path.isdir(h.own) for h in found.hierarchies)
    assert Cgroups.from_json(found.to_json()) == found


def test_a_user_without_delegation_is_told_so(as_user: AsUser) -> None:
    if not host.is_root():
        pytest.skip("needs root: whoever runs this may have a delegated group")
    said = as_user.run("""
        from argosy.linux import cgroup
        found = cgroup.detect(rootless=True, uid=os.getuid(), environ={})
        print(found.manager, found.delegated, found.controllers, cgroup.can_limit(found, "memory"))
        print(repr(cgroup.container_path(found, "ID")))
    """)
    first, second = said.splitlines()
    assert first.startswith("none False () ")
    assert "delegated" in first
    assert second == "''"


@pytest.fixture
def group() -> Iterator[str]:
    """A real group of our own, in the first hierarchy that lets us make one."""
    writable = [h for h in cgroup.detect().hierarchies if h.writable]
    if not writable:
        pytest.skip("no control group can be made here")
    path = f"{writable[0].own}/argosy-test-{os.getpid()}"
    os.mkdir(path)
    yield path
    for directory, _, _ in os.walk(path, topdown=False):
        os.rmdir(directory)


def start_in(directory: str, count: int = 1, program: str = "exec sleep 60") -> list[subprocess.Popen[bytes]]:
    script = f'echo $$ >"$1/cgroup.procs" && {program}'
    children = [subprocess.Popen(["sh", "-c", script, "sh", directory]) for _ in range(count)]
    while len(cgroup.pids(directory)) < count:
        time.sleep(0.005)
    return children


def test_processes_are_listed_with_those_of_the_groups_below(group: str) -> None:
    os.mkdir(f"{group}/below")
    children = [*start_in(group), *start_in(f"{group}/below")]
    try:
        assert sorted(cgroup.pids(group)) == sorted(child.pid for child in children)
        assert cgroup.pids(f"{group}/missing") == []
        with pytest.raises(ArgosyError, match=r"cannot remove the control group .*below"):
            cgroup.remove(group, timeout_s=0.05)
    finally:
        cgroup.kill_all(group)
        for child in children:
            child.wait()
    assert cgroup.pids(group) == []


def test_the_group_that_we_are_in_is_never_killed(group: str) -> None:
    code = f"""
        import os, sys
        sys.path.insert(0, {CHECKOUT!r})
        from argosy.errors import ArgosyError
        from argosy.linux import cgroup
        try:
            cgroup.kill_all({group!r})
        except ArgosyError as error:
            print(error)
    """
    os.mkdir(f"{group}/below")
    script = f'echo $$ >"{group}/below/cgroup.procs" && exec "$@"'
    argv = ["sh", "-c", script, "sh", PYTHON, "-I", "-S", "-c", textwrap.dedent(code)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "not killing the processes" in done.stdout


def test_all_are_killed_even_while_they_multiply(group: str) -> None:
    os.makedirs(f"{group}/a/b")
    fork_on = "while :; do sh -c 'sleep 60 & sleep 60' & sleep 0.01; done"
    children = [*start_in(f"{group}/a/b", 2, fork_on), *start_in(group, 2)]
    time.sleep(0.1)
    assert len(cgroup.pids(group)) > 4
    cgroup.kill_all(group)
    for child in children:
        assert child.wait() == -9
    cgroup.remove(f"{group}/a")
    assert not os.path.exists(f"{group}/a")
    cgroup.kill_all(f"{group}/a")
    cgroup.remove(f"{group}/a")
