"""kill -9, power cuts and full disks under pull, import, tag, rmi and prune.

Afterwards `images` works and shows whole images only, the same command again succeeds, and after that nothing is left
over.  What `import` reported as done is there after a power cut, byte for byte.

ARGOSY_FAULT_POINTS is how many places each command is hit at (a large number means: all).
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.disk import Disk, can_cut
from tests.faults.injection import calls, chosen, kill_all_at, kill_at, needs_strace
from tests.rig import leaks, processes
from tests.rig.program import Program
from tests.rig.registry import Registry, image, sha256

POINTS = int(os.environ.get("ARGOSY_FAULT_POINTS", "6"))
INSECURE = "--tls-verify=false"
FILES = {f"file{number}": os.urandom(40_000) for number in range(6)}

needs_disk = pytest.mark.skipif(not can_cut(), reason="needs root, loop devices and mkfs.ext4")


def archive(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def shows_whole_images(program: Program) -> list[str]:
    """The names that `images` shows; every image that is shown can be inspected and has all its layers."""
    done = program.run("images", "--format", "json")
    assert done.stderr == ""
    for document in done.json():
        (inspected,) = program.run("image", "inspect", document["Id"]).json()
        data = inspected["GraphDriver"]["Data"]
        for tree in [data["UpperDir"], *filter(None, data.get("LowerDir", "").split(":"))]:
            assert os.path.isdir(tree)
    return sorted({name for document in done.json() for name in document["Names"]})


def holds(program: Program, name: str, files: dict[str, bytes]) -> None:
    """The image's only layer has exactly these files."""
    (inspected,) = program.run("image", "inspect", name).json()
    tree = inspected["GraphDriver"]["Data"]["UpperDir"]
    found = {}
    for entry in os.listdir(tree):
        with open(f"{tree}/{entry}", "rb") as file:
            found[entry] = file.read()
    assert found == files


def store_of(program: Program) -> str:
    """The store's directory: the last `--root` counts."""
    return program.flags[-1] if program.flags else program.root


def helpers(known: set[int]) -> dict[int, str]:
    """Processes that commands have left running, beside those that were there before."""
    return {pid: line for pid, line in processes.descendants().items() if pid not in known}


def is_tidy(program: Program, known: set[int]) -> None:
    """After `system check --repair` nothing is wrong, and nothing unfinished is left."""
    assert processes.settle(known | leaks.pause_processes(program), 20) == {}
    program.run("system", "check", "--repair")
    assert program.run("system", "check").returncode == 0
    assert os.listdir(f"{store_of(program)}/tmp") == []


def reset(program: Program) -> None:
    shutil.rmtree(program.root, ignore_errors=True)
    shutil.rmtree(program.runroot, ignore_errors=True)


def made(program: Program, name: str) -> None:
    program.run("import", "-q", "-", name, input=archive({"name": name.encode()}))


def with_one(program: Program) -> None:
    made(program, "one:1")


def with_dangling(program: Program) -> None:
    made(program, "one:1")
    made(program, "two:1")
    program.run("untag", "two:1")


def nothing(_program: Program) -> None:
    pass


COMMANDS: dict[str, tuple[Callable[[Program], None], tuple[str, ...], list[str]]] = {
    "import": (nothing, ("import", "-q", "ARCHIVE", "new:1"), ["localhost/new:1"]),
    "import again": (with_one, ("import", "-q", "ARCHIVE", "one:1"), ["localhost/one:1"]),
    "tag": (with_one, ("tag", "one:1", "two:1"), ["localhost/one:1", "localhost/two:1"]),
    "untag": (with_one, ("untag", "one:1"), []),
    "rmi": (with_one, ("rmi", "-f", "one:1"), []),
    "prune": (with_dangling, ("image", "prune", "-f"), ["localhost/one:1"]),
}


@pytest.fixture
def known(request: pytest.FixtureRequest) -> set[int]:
    """The processes that are there before any command runs, the registry among them."""
    if "insecure_registry" in request.fixturenames:
        request.getfixturevalue("insecure_registry")
    return set(processes.descendants())


@needs_strace
@pytest.mark.parametrize("name", COMMANDS)
def test_killed(argosy: Program, known: set[int], name: str) -> None:
    prepare, words, expected = COMMANDS[name]
    path = argosy.write("archive.tar", archive(FILES))
    command = tuple(path if word == "ARCHIVE" else word for word in words)
    prepare(argosy)
    points = chosen(calls(argosy, *command), POINTS)
    for point in points:
        reset(argosy)
        prepare(argosy)
        before = shows_whole_images(argosy)
        kill_at(argosy, point, *command)
        assert shows_whole_images(argosy) in (before, expected), point
        again = argosy.run(*command, check=False)
        # a name that is gone already cannot be taken away again
        assert again.returncode in ((0, 125) if name == "untag" else (0,)), again.stderr
        assert shows_whole_images(argosy) == expected
        is_tidy(argosy, known)


@needs_strace
@pytest.mark.parametrize("kill", [kill_at, kill_all_at], ids=["itself", "any of its processes"])
def test_a_killed_pull(
    argosy: Program, insecure_registry: Registry, known: set[int], kill: Callable[..., object]
) -> None:
    pulled = image([{"a": os.urandom(300_000)}, FILES, {"c": b"3"}])
    reference = insecure_registry.push("faults/pull", "1", pulled)
    command = ("pull", "-q", INSECURE, reference)
    points = chosen(calls(argosy, *command), POINTS * 2)
    for point in points:
        reset(argosy)
        kill(argosy, point, *command)
        assert shows_whole_images(argosy) in ([], [reference]), point
        argosy.run(*command)
        assert shows_whole_images(argosy) == [reference]
        is_tidy(argosy, known)


@pytest.fixture
def disk(argosy: Program, known: set[int], tmp_path: Path) -> Iterator[Disk]:
    """A small disk, on which the program has its store."""
    with Disk(str(tmp_path)) as small:
        argosy.flags += ["--root", f"{small.path}/root"]
        yield small
        argosy.run("rmi", "-a", "-f", check=False)
        processes.settle(known, 20)


@needs_disk
def test_what_import_reported_is_there_after_a_power_cut(argosy: Program, disk: Disk, known: set[int]) -> None:
    data = archive(FILES)
    made_id = argosy.run("import", "-q", "-", "kept:1", input=data).stdout.strip()
    disk.cut()
    assert shows_whole_images(argosy) == ["localhost/kept:1"]
    (inspected,) = argosy.run("image", "inspect", "kept:1").json()
    assert f"sha256:{inspected['Id']}" == made_id
    assert inspected["RootFS"]["Layers"] == [sha256(data)]
    holds(argosy, "kept:1", FILES)
    with open(f"{disk.path}/root/blobs/sha256/{sha256(data)[7:]}", "rb") as file:
        assert file.read() == data
    is_tidy(argosy, known)


@needs_disk
def test_a_pull_that_lost_power_is_pulled_again(
    argosy: Program, disk: Disk, insecure_registry: Registry, known: set[int]
) -> None:
    reference = insecure_registry.push("faults/cut", "1", image([FILES]))
    for _ in range(3):
        argosy.run("pull", "-q", INSECURE, reference)
        processes.kill(helpers(known))  # what would make it stable on disk does not come to that
        disk.cut()
        argosy.run("images")
        argosy.run("pull", "-q", INSECURE, reference)
        holds(argosy, reference, FILES)
        assert argosy.run("images").stderr == ""
        argosy.run("rmi", reference)


@needs_disk
def test_layers_that_lost_power_come_back_from_their_blobs(
    argosy: Program, disk: Disk, insecure_registry: Registry, known: set[int]
) -> None:
    """All of the image is on disk, but nobody has marked the layer as stable: a run applies it again from its blob."""
    reference = insecure_registry.push("faults/marks", "1", image([{"bin/x": b"x"}]))
    argosy.run("pull", "-q", INSECURE, reference)
    assert processes.settle(known | leaks.pause_processes(argosy), 20) == {}
    (layer,) = os.listdir(f"{disk.path}/root/layers")
    os.chmod(f"{disk.path}/root/layers/{layer}/layer.json", 0o600)
    os.unlink(f"{disk.path}/root/layers/{layer}/diff/bin/x")
    disk.cut()
    argosy.run("create", "--pull", "never", "--network", "none", "--name", "c", reference, "/bin/x")
    with open(f"{disk.path}/root/layers/{layer}/diff/bin/x", "rb") as file:
        assert file.read() == b"x"
    argosy.run("rm", "c")


@needs_disk
def test_a_disk_that_is_full_at_any_point(
    argosy: Program, disk: Disk, insecure_registry: Registry, known: set[int]
) -> None:
    pulled = image([{"a": os.urandom(1_500_000)}, {"b": os.urandom(1_500_000)}])
    reference = insecure_registry.push("faults/full", "1", pulled)
    path = argosy.write("archive.tar", archive({"a": os.urandom(2_000_000)}))
    argosy.run("images")
    for command, name in ((("pull", "-q", INSECURE, reference), reference), (("import", "-q", path, "x:1"), "x:1")):
        for leave_bytes in (0, 100_000, 500_000, 1_000_000, 2_000_000, 3_500_000, 5_000_000):
            filling = disk.fill(leave_bytes)
            done = argosy.run(*command, check=False)
            assert done.returncode in (0, 125)
            if done.returncode:
                assert "space" in done.stderr.lower()
                assert shows_whole_images(argosy) == []
            os.unlink(filling)
            argosy.run(*command)
            assert len(shows_whole_images(argosy)) == 1
            argosy.run("rmi", name)
            is_tidy(argosy, known)
