"""A state file that was flipped, cut or deleted: `system check` names it, and nothing else is hidden or broken."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.rig.program import Program

Damage = Callable[[str, bytes], None]


def flip(path: str, data: bytes) -> None:
    """One bit in the middle."""
    place = len(data) // 2
    write(path, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


def cut(path: str, data: bytes) -> None:
    write(path, data[: len(data) // 2])


def delete(path: str, _data: bytes) -> None:
    os.unlink(path)


def write(path: str, data: bytes) -> None:
    """In place, as a disk does it."""
    with open(path, "r+b") as file:
        file.write(data)
        file.truncate()


DAMAGES: dict[str, Damage] = {"flipped": flip, "cut": cut, "deleted": delete}
NO_NETWORK = ("--network", "none")
CONTAINERS = ["ended", "made", "running"]

# What is not Argosy's own (trees, the container's network files, the runtime's records), and what may go without harm
# (locks, caches, and what tells of the user namespace, which the next command finds again).
PASSED_OVER = ("diff", "upper", "work", "merged", "_data", "runtime", "cache")
HARMLESS = (
    "gc.lock",
    "userns.lock",
    "userns.json",
    "filled",
    "ctr.log",
    ".pruned",
    "events.log",
    "hosts",
    "hostname",
    "containerenv",
    "resolv.conf",
)


@dataclass
class Case:
    """One file, what is done to it, and the words that may name it in the output of `system check`."""

    path: str
    damage: Damage

    def happen(self) -> None:
        with open(self.path, "rb") as file:
            self.data = file.read()
        self._before = os.stat(self.path)
        os.chmod(self.path, self._before.st_mode | 0o200)  # blobs are read-only, also for their owner
        self.damage(self.path, self.data)

    def undo(self) -> None:
        with open(self.path, "wb") as file:
            file.write(self.data)
        os.chmod(self.path, self._before.st_mode & 0o7777)
        os.chown(self.path, self._before.st_uid, self._before.st_gid)

    def is_named(self, text: str) -> bool:
        """A tag that is gone leaves its directory to be named."""
        directory = os.path.dirname(self.path)
        return self.path in text or (
            directory.endswith("/_tags") and not os.path.exists(self.path) and directory in text
        )


def state_files(*directories: str) -> list[str]:
    found = []
    for top in directories:
        for directory, below, names in os.walk(top):
            below[:] = [name for name in below if name not in PASSED_OVER and not name.startswith("exec-")]
            found += [f"{directory}/{name}" for name in names if name not in HARMLESS]
    return sorted(path for path in found if os.path.isfile(path) and not os.path.islink(path))


@pytest.fixture
def program(argosy_both: Program, busybox: str) -> Program:
    """Three containers, one of which has been renamed, a volume, two names of one image."""
    argosy_both.run("tag", busybox, "other:1")
    argosy_both.run("run", "-d", "--name", "running", *NO_NETWORK, "-v", "data:/data", busybox, "sleep", "600")
    argosy_both.run("run", "--name", "ended", *NO_NETWORK, busybox, "false", check=1)
    argosy_both.run("container", "cleanup", "ended")
    argosy_both.run("create", "--name", "first", *NO_NETWORK, busybox, "true")
    argosy_both.run("rename", "first", "made")
    for directory, _, names in os.walk(f"{argosy_both.runroot}/exits"):
        for name in names:
            os.unlink(f"{directory}/{name}")  # last.json has it by now
    return argosy_both


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_and_goes_no_further(program: Program, damage: str) -> None:
    paths = state_files(program.root, program.runroot)
    kinds = {os.path.basename(path) for path in paths}
    assert {"container.json", "started.json", "last.json", "image.json", "layer.json", "volume.json", "latest"} <= kinds
    assert {
        "changes.json",
        "store.json",
        "prepared.json",
        "network.json",
        "config.json",
        "pidfile",
        "conmon.pid",
    } <= kinds
    owner = {program.run("inspect", name).json()[0]["Id"]: name for name in CONTAINERS}
    image = os.path.basename(os.path.dirname(next(path for path in paths if path.endswith("image.json"))))
    for path in paths:
        case = Case(path, DAMAGES[damage])
        case.happen()
        quick = () if "/blobs/" in path else ("--quick",)
        checked = program.run("system", "check", *quick, check=1)
        assert case.is_named(checked.stdout), path
        hit = next((name for container_id, name in owner.items() if container_id in path), "")
        shown = program.run("ps", "-a", "--format", "{{.Names}}")
        others = [name for name in CONTAINERS if name != hit]
        assert sorted(name for name in shown.lines if name in others) == others, path
        known = {hit, "first"} if path.endswith("changes.json") else {hit}  # the record's own name is left
        assert not hit or known & {*shown.lines} or path in shown.stderr
        for name in others:
            program.run("inspect", name)
        program.run("exec", "running", "true", check=hit != "running")
        listed = program.run("images")
        assert "other" in listed.stdout or "other" in path or image in path
        case.undo()
        assert program.run("system", "check", *quick).stdout == "No damage, nothing left over\n"
        assert sorted(program.run("ps", "-a", "--format", "{{.Names}}").lines) == CONTAINERS


REPAIRED = ("started.json", "last.json", "prepared.json", "pidfile", "conmon.pid", "store.json")


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_can_be_found_out_is_written_again(program: Program, damage: str) -> None:
    for path in state_files(program.root, program.runroot):
        if os.path.basename(path) not in REPAIRED:
            continue
        case = Case(path, DAMAGES[damage])
        case.happen()
        repaired = program.run("system", "check", "--repair", "--quick")
        assert case.is_named(repaired.stdout), path
        assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"
        assert program.run("ps", "--format", "{{.Names}}").stdout == "running\n"
        program.run("exec", "running", "true")
        assert sorted(program.run("ps", "-a", "--format", "{{.Names}}").lines) == CONTAINERS


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_container_can_be_removed(program: Program, damage: str) -> None:
    for name in CONTAINERS:
        container_id = program.run("inspect", name).json()[0]["Id"]
        Case(f"{program.root}/containers/{container_id}/container.json", DAMAGES[damage]).happen()
        program.run("rm", "-f", "-t", "0", name)
        assert name not in program.run("ps", "-a", "--format", "{{.Names}}").lines
    assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"


TREE_DAMAGES: dict[str, Callable[[str], object]] = {
    "a flipped bit": lambda tree: flip_file(f"{tree}/etc/passwd"),
    "another mode": lambda tree: os.chmod(f"{tree}/bin/busybox", 0o4755),
    "a file that is gone": lambda tree: os.unlink(f"{tree}/etc/passwd"),
    "a file too many": lambda tree: os.mkfifo(f"{tree}/etc/more"),
    "another time": lambda tree: os.utime(f"{tree}/etc/passwd", (1, 1)),
}


def flip_file(path: str) -> None:
    with open(path, "rb") as file:
        flip(path, file.read())


def test_damage_within_a_layer(argosy_both: Program, busybox: str) -> None:
    """The whole check finds it, by the layer's name; a repair applies the layer again from its blob."""
    (layer,) = os.listdir(f"{argosy_both.root}/layers")
    tree = f"{argosy_both.root}/layers/{layer}/diff"
    for damage in TREE_DAMAGES.values():
        damage(tree)
        checked = argosy_both.run("system", "check", check=1)
        assert f"layer sha256:{layer}: " in checked.stdout
        assert "its tree is not what its blob says" in checked.stdout
        assert "applied again" in argosy_both.run("system", "check", "--repair").stdout
        assert argosy_both.run("system", "check").stdout == "No damage, nothing left over\n"
    argosy_both.run("run", "--rm", *NO_NETWORK, busybox, "cat", "/etc/passwd")
