"""info, unshare and the system commands, on real stores."""

from __future__ import annotations

import json
import os

import pytest

from tests.rig import processes
from tests.rig.program import Program


def test_info_tells_where_the_store_is_and_who_we_are(argosy_both: Program) -> None:
    document = argosy_both.run("info", "--format", "json").json()
    assert document["store"]["graphRoot"] == argosy_both.root
    assert document["store"]["runRoot"] == argosy_both.runroot
    assert document["host"]["security"]["rootless"] == argosy_both.rootless
    if argosy_both.rootless:
        assert document["host"]["idMappings"]["uidmap"][0] == {
            "container_id": 0,
            "host_id": argosy_both.uid,
            "size": 1,
        }


def test_info_counts(argosy: Program, busybox: str) -> None:
    argosy.run("create", "--network", "none", busybox)
    argosy.run("run", "-d", "--network", "none", busybox, "sleep", "1000")
    text = "{{.Store.ImageStore.Number}} {{.Store.ContainerStore.Number}} {{.Store.ContainerStore.Running}}"
    assert argosy.run("info", "--format", text).stdout == "1 2 1\n"
    assert "graphDriverName: overlay\n" in argosy.run("info").stdout


def test_unshare_is_root_of_the_store(argosy_user: Program) -> None:
    done = argosy_user.run("unshare", "sh", "-c", "id -u; cat /proc/self/uid_map; echo $CONTAINERS_GRAPHROOT")
    assert done.lines[0] == "0"
    assert done.lines[1].split() == ["0", str(argosy_user.uid), "1"]
    assert done.lines[-1] == argosy_user.root


def test_unshare_keeps_the_working_directory_and_the_status(argosy_user: Program) -> None:
    done = argosy_user.run("unshare", "sh", "-c", "pwd; exit 7", cwd=argosy_user.files, check=7)
    assert done.stdout == argosy_user.files + "\n"


@pytest.mark.parametrize(
    ("program", "status"), [("no-such-program", 127), ("/no/such/program", 127), ("/etc/passwd", 126)]
)
def test_unshare_of_what_cannot_run(argosy_user: Program, program: str, status: int) -> None:
    assert argosy_user.run("unshare", program, check=status).stderr.startswith("Error: ")


def test_unshare_gives_signals_their_default_actions_back(argosy_user: Program) -> None:
    done = argosy_user.run("unshare", "sh", "-c", "grep SigIgn /proc/self/status")
    assert int(done.stdout.split()[1], 16) & (1 << 12) == 0


def test_unshare_is_not_for_root(argosy: Program) -> None:
    if argosy.rootless:
        pytest.skip("needs root")
    assert "please use unshare with rootless" in argosy.run("unshare", "true", check=125).stderr


def test_reset_leaves_nothing(argosy_both: Program, busybox: str) -> None:
    argosy_both.run("run", "-d", "--network", "none", busybox, "sleep", "1000")
    argosy_both.run("create", "-v", "data:/data", busybox)
    argosy_both.run("system", "reset", "--force")
    assert not os.path.exists(argosy_both.root)
    assert not os.path.exists(argosy_both.runroot)
    assert not [line for line in processes.settle(set(), 5).values() if argosy_both.base in line]
    assert argosy_both.run("info", "--format", "{{.Store.ContainerStore.Number}}").stdout == "0\n"


def test_reset_asks_first(argosy: Program, busybox: str) -> None:
    for answer in ("n\n", "", "\n"):
        assert "remove:\n\t- all pods and containers" in argosy.run("system", "reset", input=answer).stdout
        argosy.run("image", "exists", busybox)
    argosy.run("system", "reset", input="y\n")
    assert not os.path.exists(argosy.root)


def test_prune_removes_what_nobody_uses(argosy: Program, busybox: str) -> None:
    argosy.run("run", "--name", "ended", "--network", "none", busybox, "true")
    running = argosy.run("run", "-d", "--network", "none", "-v", "used:/x", busybox, "sleep", "1000").stdout.strip()
    argosy.run("create", "--name", "new", "-v", "unused:/x", busybox)
    archive = argosy.write("rootfs.tar", argosy_archive())
    argosy.run("import", archive)  # no name: dangling
    done = argosy.run("system", "prune", "--force")
    assert "Deleted Containers\n" in done.stdout
    assert "Deleted Images\n" in done.stdout
    assert "Total reclaimed space: " in done.stdout
    assert json.loads(argosy.run("info", "--format", "{{json .Store.ContainerStore}}").stdout)["number"] == 1
    assert argosy.run("images", "--quiet").stdout.count("\n") == 1
    done = argosy.run("system", "prune", "--force", "--volumes")
    assert "Deleted Volumes\nunused\n" in done.stdout
    assert os.path.isdir(f"{argosy.root}/volumes/used")
    assert not os.path.exists(f"{argosy.root}/volumes/unused")
    argosy.run("exec", running, "true")


def argosy_archive() -> bytes:
    """An image's worth of nothing."""
    import io
    import tarfile

    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("etc"))
    return file.getvalue()


def test_prune_by_label_and_age(argosy: Program, busybox: str) -> None:
    argosy.run("create", "--label", "keep=no", busybox)
    argosy.run("create", "--label", "keep=yes", busybox)
    argosy.run("system", "prune", "--force", "--filter", "label=keep=no", "--filter", "until=1h")
    assert argosy.run("info", "--format", "{{.Store.ContainerStore.Number}}").stdout == "2\n"
    argosy.run("system", "prune", "--force", "--filter", "label=keep=no")
    assert argosy.run("info", "--format", "{{.Store.ContainerStore.Number}}").stdout == "1\n"


def test_a_wrong_filter_removes_nothing(argosy: Program, busybox: str) -> None:
    argosy.run("create", busybox)
    argosy.run("system", "prune", "--force", "--filter", "colour=red", check=125)
    assert argosy.run("info", "--format", "{{.Store.ContainerStore.Number}}").stdout == "1\n"


def test_check_of_a_good_store(argosy_both: Program, busybox: str) -> None:
    argosy_both.run("create", busybox)
    assert argosy_both.run("system", "check").stdout == "No damage, nothing left over\n"


def test_what_was_only_mounted_has_not_ended(argosy: Program, busybox: str) -> None:
    """An upper directory without an end is what mounting and copying make: nothing is wrong with it."""
    argosy.run("create", "--name", "created", "--network", "none", busybox)
    argosy.run("cp", argosy.write("file", "x"), "created:/")
    assert argosy.run("system", "check", "--quick", "--repair").stdout == "No damage, nothing left over\n"
    assert argosy.run("ps", "-a", "--format", "{{.Status}}").stdout == "Created\n"


def test_check_names_a_damaged_store_file_and_makes_it_again(argosy: Program, busybox: str) -> None:
    path = f"{argosy.root}/store.json"
    with open(path, "r+b") as file:
        file.truncate(20)
    for _ in range(2):
        done = argosy.run("system", "check", check=1)
        assert path in done.stdout
        assert "system check --repair" in done.stdout
        assert busybox in argosy.run("images").stdout
    assert "repaired" in argosy.run("system", "check", "--repair").stdout
    argosy.run("image", "exists", busybox)
    os.unlink(f"{path}.damaged")


def test_check_finds_what_a_killed_command_left(argosy: Program, busybox: str) -> None:
    left = f"{argosy.root}/tmp/{'0' * 32}"
    os.mkdir(left)
    with open(f"{left}/half", "wb") as file:
        file.write(b"x")
    assert left in argosy.run("system", "check", check=1).stdout
    assert os.path.exists(left)
    argosy.run("system", "check", "--repair")
    assert not os.path.exists(left)


def test_another_storage_driver_than_the_stores_is_refused(argosy: Program, busybox: str) -> None:
    driver = argosy.run("info", "--format", "{{.Store.GraphDriverName}}").stdout.strip()
    argosy.run("--storage-driver", driver, "images")
    other = "vfs" if driver != "vfs" else "overlay"
    assert f'not with "{other}"' in argosy.run("--storage-driver", other, "images", check=125).stderr


def test_a_full_disk_or_closed_pipe_is_not_success(argosy: Program, busybox: str) -> None:
    done = argosy.call("sh", "-c", " ".join(argosy.argv("info")) + " >/dev/full", check=125)
    assert done.stderr == "Error: cannot write standard output: No space left on device\n"
    script = " ".join(argosy.argv("info")) + " | true; echo ${PIPESTATUS[0]}"
    assert argosy.call("bash", "-c", script).stdout in ("141\n", "0\n")
