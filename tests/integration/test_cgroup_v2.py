"""A group of the unified hierarchy that was given to a user, as on a host with cgroups v2 and no systemd.

Where the host has v1 beside it, a mount namespace of the test's own shows v2 alone.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from argosy.linux import cgroup
from tests.rig.program import Program

ALONE = ("--network", "none")
# $1 the hierarchy, $2 a group below it, $3 a directory to keep the hierarchy in while the others go
ENTER = """set -e
mount --bind "$1" "$3"
umount --recursive /sys/fs/cgroup
mount --bind "$3" /sys/fs/cgroup
umount "$3"
echo $$ >"/sys/fs/cgroup/$2/cgroup.procs"
shift 3
exec "$@"
"""


class Given:
    """A user's group, `path` in the hierarchy mounted at `mount`; commands start in the group `shell` in it."""

    def __init__(self, program: Program, mount: str, path: str) -> None:
        self.program = program
        self.mount = mount
        self.path = path
        self.controllers = cgroup_file(f"{mount}/{path}/cgroup.controllers").split()

    def run(self, *words: str, check: int = 0) -> subprocess.CompletedProcess[str]:
        user = pwd.getpwnam(self.program.user or "root")
        enter = ["unshare", "--mount", "sh", "-c", ENTER, "sh", self.mount, f"{self.path}/shell", self.program.base]
        become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
        done = subprocess.run(
            [*enter, *become, *self.program.argv(*words)],
            env=self.program.environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == check, done.stderr
        return done

    def group_of(self, container: str) -> str:
        pid = self.run("inspect", "--format", "{{.State.Pid}}", container).stdout.strip()
        lines = cgroup_file(f"/proc/{pid}/cgroup").splitlines()
        return next(line.removeprefix("0::") for line in lines if line.startswith("0::"))


def cgroup_file(path: str) -> str:
    with open(path) as file:
        return file.read()


@pytest.fixture
def given(argosy_user: Program) -> Iterator[Given]:
    if os.geteuid() or not argosy_user.user:
        pytest.skip("needs root, to give a control group to a user")
    unified = [h.path for h in cgroup.detect().hierarchies if h.version == 2 and h.writable]
    if not unified:
        pytest.skip("needs cgroups v2")
    path = f"argosy-test-{os.getpid()}"
    whole = f"{unified[0]}/{path}"
    os.makedirs(f"{whole}/shell")
    for directory in (whole, f"{whole}/shell"):
        for name in ("", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"):
            shutil.chown(directory + name, argosy_user.user)
    yield Given(argosy_user, unified[0], path)
    cgroup.kill_all(whole)
    for directory, _, _ in os.walk(whole, topdown=False):
        os.rmdir(directory)


def test_containers_live_in_the_group_and_outlive_the_shell(given: Given) -> None:
    image = given.program.busybox()
    given.program.run("system", "migrate")  # the namespace is to be made from within the group
    first, second = (given.run("run", "-d", *ALONE, image, "sleep", "600").stdout.strip() for _ in range(2))
    assert [given.group_of(one) for one in (first, second)] == [
        f"/{given.path}/argosy/{one}" for one in (first, second)
    ]
    end = time.monotonic() + 30  # what still writes to disk may take a while
    while (left := cgroup.pids(f"{given.mount}/{given.path}/shell")) and time.monotonic() < end:
        time.sleep(0.05)
    assert left == [], "the end of a login or of a CI job would end these"
    assert given.run("exec", first, "cat", "/proc/1/comm").stdout == "sleep\n"
    assert set(given.run("ps", "-q", "--no-trunc").stdout.split()) == {first, second}
    limited = ("run", "--rm", *ALONE, "--pids-limit", "33", image, "true")
    if "pids" in given.controllers:
        given.run(*limited)
    else:
        refused = given.run(*limited, check=125)
        assert "the pids controller is not delegated to this user" in refused.stderr
    given.run("rm", "-f", "-t", "0", first, second)
    assert sorted(name for name in os.listdir(f"{given.mount}/{given.path}/argosy") if "." not in name) == ["conmon"]
