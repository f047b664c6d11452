"""Additional image stores: used from a read-only mount, by root and by a user whose ids are others."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import tarfile
from collections.abc import Callable, Iterator

import pytest

from tests.rig import host
from tests.rig.program import Program

pytestmark = host.needs_root


@contextlib.contextmanager
def read_only(source: str, target: str) -> Iterator[str]:
    """The directory once more, at a mount that nothing can be written through."""
    os.mkdir(target, 0o755)
    subprocess.run(["mount", "--bind", source, target], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", target], check=True)
        yield target
    finally:
        subprocess.run(["umount", target], check=True)
        os.rmdir(target)


def readable(program: Program) -> None:
    """What the manual says a store needs that others shall use: all but the layers' files can be read by them."""
    os.chmod(program.base, 0o755)
    for path, directories, names in os.walk(program.root):
        os.chmod(path, os.stat(path).st_mode | 0o055)
        directories[:] = [name for name in directories if name not in ("layers", "chains", "tmp", "containers")]
        for name in names:
            os.chmod(f"{path}/{name}", os.stat(f"{path}/{name}").st_mode | 0o044)


@pytest.fixture
def lent(new_program: Callable[[str], Program]) -> Iterator[tuple[Program, str]]:
    """A store with busybox in it, and a read-only mount of it."""
    program = new_program("")
    program.busybox("shared:1")
    readable(program)
    with read_only(program.root, f"{program.base}/lent") as path:
        yield program, path


def damage(path: str) -> None:
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.write(b"damage")


def listing(program: Program) -> set[tuple[str, ...]]:
    return {tuple(line.split()) for line in program.run("images", "--format", "{{.Repository}} {{.ReadOnly}}").lines}


def test_the_life_of_a_lent_image(lent: tuple[Program, str], argosy_both: Program) -> None:
    lender, path = lent
    before = lender.run("images", "--format", "json").stdout
    mine = argosy_both
    mine.flags += ["--storage-opt", f"additionalimagestore={path}"]
    assert listing(mine) == {("localhost/shared", "true")}
    table = mine.run("images").lines
    assert (table[0].split()[-1], table[1].split()[-1]) == ("R/O", "true")
    [document] = mine.run("images", "--format", "json").json()
    assert document["ReadOnly"] is True

    # used: a notice where the owners are others, and never again
    done = mine.run("run", "--name", "c", "--network", "none", "shared:1", "stat", "-c", "%u:%g", "/bin/busybox")
    assert done.stdout == "0:0\n"
    assert ("belong to other ids than ours" in done.stderr) == mine.rootless
    assert mine.run("run", "--rm", "--network", "none", "shared:1", "true").stderr == ""
    mapped = ("--uidmap", "0:1000:1", "--uidmap", "1:1:999", "shared:1", "stat", "-c", "%u", "/bin/busybox")
    assert mine.run("run", "--rm", "--network", "none", *mapped).stdout == "0\n"
    lowers = mine.run("inspect", "c", "--format", "{{.GraphDriver.Data.LowerDir}}").stdout
    assert lowers.startswith(mine.root if mine.rootless else path)
    assert mine.run("start", "-a", "c").stdout == "0:0\n"
    assert mine.run("image", "exists", "shared:1").returncode == 0
    assert mine.run("history", "-q", "shared:1").stdout
    assert "shared:1" in mine.run("image", "tree", "shared:1").stdout
    assert mine.run("pull", "--policy", "missing", "shared:1").stdout.strip() == document["Id"]
    mine.run("save", "-o", f"{mine.files}/saved.tar", "shared:1")
    told = mine.run("info", "--format", "{{.Store.ImageStore.Number}} {{json .Store.GraphOptions}}").stdout
    assert told == f'1 {{"overlay.imagestore":"{path}"}}\n'

    # not changed
    failed = mine.run("rmi", "shared:1", check=125)
    assert failed.stderr.startswith(f'Error: cannot remove read-only image "{document["Id"]}"\n')
    assert path in failed.stderr
    assert "read-only" in mine.run("untag", "shared:1", check=125).stderr
    mine.run("rm", "c")
    mine.run("tag", "shared:1", "own:2")
    assert listing(mine) == {("localhost/shared", "true"), ("localhost/own", "false")}
    assert mine.run("run", "--rm", "--network", "none", "own:2", "echo", "hi").stdout == "hi\n"
    mine.run("system", "prune", "--force")
    mine.run("system", "check")
    assert "localhost/own:2" in mine.run("rmi", "own:2").stdout
    mine.run("tag", "shared:1", "own:3")
    mine.run("rmi", "--all")
    mine.run("image", "prune", "--all", "--force")
    assert listing(mine) == {("localhost/shared", "true")}
    assert mine.run("images", "--filter", "readonly=false", "-q").stdout == ""
    assert lender.run("images", "--format", "json").stdout == before
    lender.run("system", "check")


def test_a_second_store_of_the_same_user(argosy_user: Program, new_program: Callable[[str], Program]) -> None:
    lender = new_program(argosy_user.user)
    lender.busybox("shared:1")
    argosy_user.flags += ["--storage-opt", f"additionalimagestore={lender.root}"]
    call = ("run", "--rm", "--network", "none")
    assert "cannot be used" not in argosy_user.run(*call, "shared:1", "true").stderr
    mapped = ("--uidmap", "0:5:1", "--uidmap", "1:6:999", "shared:1", "sh", "-c", "stat -c %u /bin/busybox; echo >/new")
    assert argosy_user.run(*call, *mapped).stdout == "0\n"
    assert os.listdir(f"{argosy_user.root}/layers") == []


def test_stores_that_cannot_be_used_are_named(argosy: Program) -> None:
    argosy.busybox("own:1")
    podman = f"{argosy.files}/podman"
    os.makedirs(f"{podman}/overlay-images")
    argosy.flags += ["--storage-opt", f"overlay.imagestore={podman}"]
    done = argosy.run("images", "-q")
    assert len(done.lines) == 1
    assert done.stderr.count("\n") == 1
    assert f"podman --root {podman} save IMAGE | argosy load" in done.stderr
    assert argosy.run("ps").stderr == ""
    argosy.flags[-1] = "additionalimagestore=/nonexistent"
    assert "can't stat imageStore dir /nonexistent" in argosy.run("images", check=125).stderr


def test_a_store_on_a_read_only_file_system_by_its_own_name(lent: tuple[Program, str]) -> None:
    program, path = lent
    call = [program.launcher, "--root", path, "--runroot", f"{program.base}/other-run"]
    assert program.call(*call, "images", "-q").stdout
    assert program.call(*call, "ps", "-a").returncode == 0
    for words in (("system", "check"), ("system", "check", "--repair")):
        assert program.call(*call, *words).stdout == "No damage, nothing left over\n"
    failed = program.call(*call, "run", "--rm", "shared:1", "true", check=125)
    assert failed.stderr.startswith(f"Error: the store at {path} is on a read-only file system\n")
    assert f"--storage-opt additionalimagestore={path}" in failed.stderr
    blobs = f"{program.root}/blobs/sha256"
    name = max(os.listdir(blobs), key=lambda name: os.path.getsize(f"{blobs}/{name}"))
    damage(f"{blobs}/{name}")
    for words in (("system", "check"), ("system", "check", "--repair")):
        found = program.call(*call, *words, check=1)
        assert f"blob sha256:{name}" in found.stdout
        assert "repaired" not in found.stdout
        assert ("nothing is repaired" in found.stderr) == ("--repair" in words)
        assert os.path.exists(f"{blobs}/{name}")


def test_storage_conf_names_stores_and_places(lent: tuple[Program, str], argosy_both: Program) -> None:
    _, path = lent
    mine = argosy_both
    moved = f"{mine.files}/moved"
    text = f'[storage]\ngraphroot="{moved}"\nrunroot="{mine.base}/xdg/moved"\n[storage.options]\n'
    conf = mine.write(
        "storage.conf", f'{text}additionalimagestores=["{path}"]\n[storage.options.overlay]\nmountopt="nodev"\n'
    )
    environment = {"CONTAINERS_STORAGE_CONF": conf}
    launcher = [mine.launcher]

    def call(*words: str, check: bool | int = True) -> str:
        process = mine.spawn([*launcher, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=60)
        assert process.returncode == (0 if check is True else check), err.decode()
        return (out + err).decode()

    assert call("info", "--format", "{{.Store.GraphRoot}} {{.Store.RunRoot}}") == (
        f"{moved}/argosy {mine.base}/xdg/moved/argosy\n"
    )
    assert call("images", "--format", "{{.Repository}}") == "localhost/shared\n"
    assert "nodev" in call(
        "--runtime", "runc", "run", "--rm", "--network", "none", "shared:1", "grep", " / ", "/proc/mounts"
    )  # crun of this time makes the flags of a root anew
    # what starts by itself again has the same options
    call("run", "-d", "--name", "again", "--restart", "on-failure:1", "--network", "none", "shared:1", "false")
    call("wait", "again")
    # with --root they do not count, as with podman
    assert call("--root", mine.root, "--runroot", mine.runroot, "images", "-q") == ""
    mine.write("storage.conf", f'{text}\n\nsize="1g"\n')
    assert f"{conf} (at line 7) is not supported with size" in call("ps", check=125)
    mine.write("storage.conf", text)
    keeper = f"{mine.base}/xdg/moved/argosy/userns.json"
    if mine.rootless:
        with open(keeper, encoding="utf-8") as file:
            os.kill(json.load(file)["pid"], signal.SIGKILL)  # what it is for goes now
    call("system", "reset", "--force")
    assert not os.path.exists(f"{moved}/argosy")


def test_owners_that_a_user_cannot_have(argosy_user: Program) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, owner in (("far", 3_000_000), ("near", 7)):
            entry = tarfile.TarInfo(name)
            entry.uid = entry.gid = owner
            tar.addfile(entry)
    argosy_user.write("a.tar", archive.getvalue())
    call = ("import", f"{argosy_user.files}/a.tar", "owners:1")
    failed = argosy_user.run(*call, check=125)
    assert 'the owner 3000000:3000000 of the entry "far" is not in the id map' in failed.stderr
    assert "ignore_chown_errors" in failed.stderr
    argosy_user.flags += ["--storage-opt", "overlay.ignore_chown_errors=true"]
    argosy_user.run(*call)
    [tree] = argosy_user.run("image", "inspect", "owners:1", "--format", "{{.GraphDriver.Data.UpperDir}}").lines
    found = argosy_user.run("unshare", "stat", "-c", "%n %u", f"{tree}/far", f"{tree}/near").lines
    assert [line.rpartition("/")[2] for line in found] == ["far 0", "near 7"]
