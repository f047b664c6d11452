"""Containers on a disk that is full, or loses its power.

A power cut keeps the boot id, as when a disk is pulled: only the mount tells that time has passed.
ARGOSY_FAULT_POINTS is at how many moments the power goes.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.disk import Disk, can_cut
from tests.rig import leaks, processes
from tests.rig.checkpointing import Runtime
from tests.rig.program import Completed, Program, finish

pytestmark = pytest.mark.skipif(not can_cut(), reason="needs root, loop devices and mkfs.ext4")

POINTS = int(os.environ.get("ARGOSY_FAULT_POINTS", "6"))
NO_NETWORK = ("--network", "none")
ROOM = (0, 4096, 8192, 16384, 32768, 65536)  # what is left on the disk that is full


@pytest.fixture
def known(argosy_both: Program) -> set[int]:
    """The processes that may stay, before any command has run."""
    return set(processes.descendants())


@pytest.fixture
def disk(argosy_both: Program, known: set[int]) -> Iterator[Disk]:
    """The program's store is a disk of its own, with busybox on it.  At the end nothing but that is there."""
    program = argosy_both
    with Disk(program.base, 24, path=program.root, uid=program.uid) as made:
        program.busybox()
        assert processes.settle(known | leaks.pause_processes(program)) == {}
        yield made
        program.run("rm", "-f", "-a", "-t", "0")
        program.run("system", "check", "--repair")
        left = [text for text in leaks.left_over(program, known) if text != f"mount: {program.root}"]
        processes.kill(dict.fromkeys(leaks.pause_processes(program), ""))
        assert left == []


def names(program: Program) -> list[str]:
    """The containers that are shown, each of them whole; and the image is there."""
    shown = program.run("ps", "-a", "--format", "{{.Names}}")
    assert shown.stderr == ""
    for name in shown.lines:
        program.run("inspect", name)
    assert "busybox" in program.run("images").stdout
    return sorted(shown.lines)


def status(program: Program, name: str) -> str:
    return program.run("ps", "-a", "--filter", f"name=^{name}$", "--format", "{{.Status}}").stdout.strip()


def succeeds_or_says_why(program: Program, *args: str) -> Completed:
    done = program.run(*args, check=False)
    assert done.returncode == 0 or "no space left" in done.stderr.lower(), done.stderr
    assert done.returncode in (0, 125, 126, 127)  # the runtime has its own idea of what is missing
    return done


FULL: dict[str, tuple[tuple[str, ...] | None, tuple[str, ...]]] = {
    "create": (None, ("create", "--name", "c", *NO_NETWORK, "busybox", "true")),
    "run": (None, ("run", "--name", "c", *NO_NETWORK, "busybox", "true")),
    "run -d": (None, ("run", "-d", "--name", "c", *NO_NETWORK, "-v", "data:/bin", "busybox", "sleep", "600")),
    "start": (("create", "--name", "c", *NO_NETWORK, "busybox", "sleep", "600"), ("start", "c")),
}


@pytest.mark.parametrize("command", FULL)
def test_full_disk(argosy_both: Program, disk: Disk, known: set[int], command: str) -> None:
    """The command fails and says why; with room again it succeeds.  Seeing and removing need no room."""
    program = argosy_both
    before, words = FULL[command]
    failures = 0
    for room in ROOM:
        if before:
            program.run(*before)
        filling = disk.fill(room)
        done = succeeds_or_says_why(program, *words)
        failures += done.returncode != 0
        there = names(program)
        assert there in (([], ["c"]) if before is None else (["c"],))
        if done.returncode and before is None and there:
            program.run("rm", "-f", "-t", "0", "c")
            there = []
        os.unlink(filling)
        if done.returncode:
            program.run(*words)
        filling = disk.fill()
        assert names(program) == ["c"]
        program.run("rm", "-f", "-v", "-t", "0", "c")
        os.unlink(filling)
        assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"
    assert failures


def test_containers_on_a_full_disk_can_be_ended(argosy_both: Program, disk: Disk) -> None:
    program = argosy_both
    for name in ("stopped", "killed", "removed", "ended"):
        program.run("run", "-d", "--name", name, *NO_NETWORK, "busybox", "sh", "-c", "sleep 600")
    filling = disk.fill()
    program.run("stop", "-t", "0", "stopped")
    program.run("kill", "killed")
    program.run("rm", "-f", "-t", "0", "removed")
    os.kill(program.run("inspect", "ended").json()[0]["State"]["Pid"], 9)
    assert program.run("wait", "stopped", "killed", "ended").lines == ["137"] * 3
    for name in ("stopped", "killed", "ended"):
        assert status(program, name).startswith("Exited (137)")
    os.unlink(filling)
    program.run("start", "ended")
    assert status(program, "ended").startswith("Up")


def test_checkpoints_on_a_full_disk(argosy_both: Program, disk: Disk) -> None:
    """The processes run on, or are restored when there is room again."""
    program = argosy_both
    if program.rootless:
        pytest.skip("CRIU works for root alone")
    Runtime(program)
    exported, refused = f"{program.root}/exported", 0
    for number, room in enumerate(ROOM):
        program.run("run", "-d", "--name", "c", "--stop-timeout", "0", *NO_NETWORK, "busybox", "sleep", "600")
        words = ("container", "checkpoint", *(("--export", exported) if number % 2 else ()), "c")
        filling = disk.fill(room)
        done = program.run(*words, check=False)
        assert "internal error" not in done.stderr
        refused += done.returncode != 0
        os.unlink(filling)
        if status(program, "c").startswith("Up"):
            assert done.returncode
            program.run(*words)
        program.run("container", "restore", "c")
        assert status(program, "c").startswith("Up")
        program.run("rm", "-f", "-t", "0", "c")
        if os.path.exists(exported):
            os.unlink(exported)
        assert [name for name in os.listdir(program.root) if "exported" in name] == []
    assert refused


def test_what_needs_no_room_or_says_so(argosy_both: Program, disk: Disk) -> None:
    """exec, logs and every look at things work on a full disk; names cannot be given, and nothing half is left."""
    program = argosy_both
    program.run("run", "-d", "--name", "c", *NO_NETWORK, "busybox", "sh", "-c", "echo said; sleep 600")
    while not program.run("logs", "c").stdout:
        time.sleep(0.05)
    filling = disk.fill()
    assert program.run("exec", "c", "echo", "well").stdout == "well\n"
    assert program.run("exec", "-d", "c", "true").returncode == 0
    full = program.run("exec", "c", "sh", "-c", "dd if=/dev/zero of=/big bs=1M count=8", check=1)
    assert "No space left on device" in full.stderr
    assert program.run("logs", "c").stdout == "said\n"
    for words in (
        ("ps", "-a"),
        ("inspect", "c"),
        ("top", "c"),
        ("history", "busybox"),
        ("image", "inspect", "busybox"),
    ):
        program.run(*words)
    succeeds_or_says_why(program, "tag", "busybox", "deep/er/named:1")
    program.run("system", "check", "--repair", "--quick", check=False)
    assert names(program) == ["c"]
    os.unlink(filling)
    program.run("tag", "busybox", "deep/er/named:1")
    program.run("untag", "deep/er/named:1")
    program.run("exec", "c", "rm", "/big")
    assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"


def test_a_log_that_finds_no_room(argosy_both: Program, disk: Disk) -> None:
    """What cannot be logged is lost; the container goes on, and ends as it would have."""
    program = argosy_both
    filling = disk.fill(50_000)
    script = (
        "i=0; while [ $i -lt 4000 ]; do echo line $i of many, of which not all can be kept; i=$((i+1)); done; exit 7"
    )
    program.run("run", "-d", "--name", "talker", *NO_NETWORK, "busybox", "sh", "-c", script)
    assert program.run("wait", "talker").stdout == "7\n"
    assert program.run("logs", "talker").lines[0] == "line 0 of many, of which not all can be kept"
    assert status(program, "talker").startswith("Exited (7)")
    os.unlink(filling)
    program.run("start", "talker")
    assert program.run("wait", "talker").stdout == "7\n"


def test_full_run_directory(argosy_both: Program, disk: Disk) -> None:
    """The other file system that can be full: a small tmpfs."""
    program = argosy_both
    program.run("create", "--name", "c", *NO_NETWORK, "busybox", "true")
    for size in (4096, 16384, 40960, 1 << 20):
        for command in (("start", "-a", "c"), ("run", "--rm", *NO_NETWORK, "busybox", "true")):
            os.makedirs(program.runroot, exist_ok=True)
            with _Tmpfs(program, size):
                succeeds_or_says_why(program, *command)
                assert names(program) == ["c"]
            program.run(*command)


class _Tmpfs:
    """A small file system in place of the run directory, whose content is there again afterwards."""

    def __init__(self, program: Program, size: int) -> None:
        self._program, self._size = program, size

    def __enter__(self) -> None:
        self._end_namespace()
        self._kept = f"{self._program.base}/kept"
        os.rename(self._program.runroot, self._kept)
        os.mkdir(self._program.runroot)
        options = f"size={self._size},mode=0700,uid={self._program.uid}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self._program.runroot], check=True)

    def __exit__(self, *_error: object) -> None:
        self._end_namespace()
        subprocess.run(["umount", "-l", self._program.runroot], check=True)
        os.rmdir(self._program.runroot)
        os.rename(self._kept, self._program.runroot)

    def _end_namespace(self) -> None:
        """A mount namespace that was made before does not see what is mounted now."""
        processes.kill(dict.fromkeys(leaks.pause_processes(self._program), ""))


def cut(program: Program, disk: Disk, known: set[int], *, run_directory: bool) -> None:
    """Lose the power, and with it all processes and mounts, and the run directory unless that is kept."""
    disk.lose_power()
    while left := processes.settle(known, 0):
        processes.kill(left)
    for mount in leaks.mounts(program, set()):
        if mount != f"mount: {program.root}":
            subprocess.run(["umount", "-l", mount.removeprefix("mount: ")], check=True)
    disk.mount_again()
    if not run_directory:
        assert program.runroot.startswith("/tmp/")
        subprocess.run(["rm", "-rf", program.runroot], check=True)


@pytest.mark.parametrize("run_directory", [True, False], ids=["run directory there", "run directory gone"])
def test_power_cut(argosy_both: Program, disk: Disk, known: set[int], run_directory: bool) -> None:
    """What create and run -d have reported as done is there, with what the container has synced."""
    program = argosy_both
    program.run("run", "-d", "--rm", "--name", "fleeting", *NO_NETWORK, "busybox", "sleep", "600")
    program.run("run", "-d", "--name", "old", *NO_NETWORK, "busybox", "sh", "-c", "echo kept >/file; sync; sleep 600")
    while program.run("exec", "old", "test", "-s", "/file", check=False).returncode:
        time.sleep(0.05)
    program.run("run", "-d", "--name", "new", *NO_NETWORK, "busybox", "sleep", "600")
    program.run("create", "--name", "made", *NO_NETWORK, "busybox", "true")
    cut(program, disk, known, run_directory=run_directory)
    assert set(names(program)) - {"fleeting"} == {"made", "new", "old"}
    for name in ("old", "new"):
        assert status(program, name).startswith(("Exited (255)", "Created"))
        program.run("start", name)
        assert status(program, name).startswith("Up")
    assert program.run("exec", "old", "cat", "/file").stdout == "kept\n"
    program.run("start", "made")
    assert program.run("wait", "made").stdout == "0\n"
    program.run("system", "check", "--repair")
    assert names(program) == ["made", "new", "old"]


COMMANDS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "create": lambda name: ("create", "--name", name, *NO_NETWORK, "busybox", "true"),
    "run -d": lambda name: ("run", "-d", "--name", name, *NO_NETWORK, "busybox", "sleep", "600"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_power_cut_meanwhile(argosy_both: Program, disk: Disk, known: set[int], command: str) -> None:
    """The power goes at some moment of the command: what it was making is there, whole, or is not."""
    program = argosy_both
    words = COMMANDS[command]
    for number in range(POINTS):
        name = f"victim{number}"
        process = program.start(*words(name))
        time.sleep(0.04 + 0.02 * number)
        cut(program, disk, known, run_directory=bool(number % 2))
        done = finish(process, check=False)
        there = names(program)
        assert there == [name] or (there == [] and done.returncode != 0)
        if there:
            program.run("start", name)
            program.run("rm", "-f", "-t", "0", name)
        program.run(*words(name))
        program.run("rm", "-f", "-t", "0", name)
        subprocess.run(["sync", "-f", program.root], check=True)  # a removal may come undone otherwise
