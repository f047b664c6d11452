"""What keeps a user's containers in sight: the process that holds the namespace, and the run directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess

from tests.rig import host, leaks
from tests.rig.program import Program, finish


def holder(program: Program) -> int:
    """The pause process."""
    (pid,) = leaks.pause_processes(program)
    return pid


def test_the_end_of_the_caller_is_not_that_of_the_namespace(argosy_user: Program) -> None:
    argosy_user.busybox()
    argosy_user.run("system", "migrate")
    shell = [
        "sh",
        "-c",
        '"$@" && echo made && exec sleep 1001',
        "sh",
        *argosy_user.argv("run", "-d", "busybox", "sleep", "1002"),
    ]
    job = argosy_user.spawn(shell, stdout=subprocess.PIPE, start_new_session=True)
    assert job.stdout is not None
    assert b"made\n" in iter(job.stdout.readline, b"")
    pid = holder(argosy_user)
    assert os.getsid(pid) == pid
    with open(f"/proc/{pid}/environ", "rb") as environ:  # a CI's clean-up looks for its mark in there
        assert environ.read().split(b"\0")[:-1] == [f"_ARGOSY_PAUSE={argosy_user.runroot}".encode()]
    os.killpg(job.pid, signal.SIGKILL)
    finish(job, check=False)
    assert holder(argosy_user) == pid
    assert "Up " in argosy_user.run("ps").stdout


def test_its_loss_is_repaired_while_a_container_runs(argosy_user: Program) -> None:
    argosy_user.busybox()
    argosy_user.run("run", "-d", "--name", "c", "busybox", "sleep", "1003")
    before = holder(argosy_user)
    inode = os.stat(f"/proc/{before}/ns/user").st_ino
    os.kill(before, signal.SIGKILL)
    assert argosy_user.run("exec", "c", "echo", "here").stdout == "here\n"
    after = holder(argosy_user)
    assert after != before
    assert os.stat(f"/proc/{after}/ns/user").st_ino == inode
    argosy_user.run("rm", "-f", "-t", "0", "c")
    assert argosy_user.run("ps", "-aq").stdout == ""


def test_two_logins_see_the_same_containers(argosy_user: Program) -> None:
    """They differ in XDG_RUNTIME_DIR, and give no place for the store."""
    program = argosy_user
    for name in ("first", "second"):
        program.call("mkdir", "-m", "700", f"{program.base}/home/{name}")
    places = {"XDG_DATA_HOME": f"{program.base}/home/data"}
    program.flags, root, runroot = [], f"{program.base}/home/data/argosy", f"{program.base}/home/first/argosy"

    def login(name: str, *words: str) -> str:
        pipe = subprocess.PIPE
        env = {**places, "XDG_RUNTIME_DIR": f"{program.base}/home/{name}"}
        return finish(program.spawn([program.launcher, *words], env=env, stdout=pipe, stderr=pipe)).stdout

    with open(program.write("image.tar", b""), "wb") as file:
        from tests.rig import images

        with open(images.busybox_archive(), "rb") as archive:
            file.write(archive.read())
    login("first", "import", f"{program.files}/image.tar", "busybox")
    login("first", "run", "-d", "--name", "c", "busybox", "sleep", "1004")
    try:
        assert login("second", "ps", "--format", "{{.Names}}") == "c\n"
        assert login("second", "exec", "c", "echo", "here") == "here\n"
        assert not os.path.exists(f"{program.base}/home/second/argosy")
        with open(f"{root}/store.json", encoding="utf-8") as store:
            assert json.load(store)["run"] == runroot
    finally:
        login("second", "rm", "-f", "-t", "0", "c")
        login("second", "system", "reset", "--force")


@host.needs_root
def test_migrate_changes_the_runtime_of_what_is_there(argosy: Program) -> None:
    argosy.busybox()
    argosy.run("run", "-d", "--name", "c", "busybox", "sleep", "1005")
    assert "no such runtime is defined" in argosy.run("system", "migrate", "--new-runtime", "nosuch", check=125).stderr
    assert argosy.run("inspect", "--format", "{{.State.Running}}", "c").stdout == "true\n"
    assert argosy.run("system", "migrate", "--new-runtime", "runc").stdout.startswith("stopped ")
    argosy.run("start", "c")
    assert argosy.run("inspect", "--format", "{{.OCIRuntime}}", "c").stdout == "runc\n"
