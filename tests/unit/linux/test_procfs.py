from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from argosy.linux import procfs


@pytest.fixture
def shell() -> Iterator[subprocess.Popen[bytes]]:
    """A shell with a child; it has said that both are there."""
    words = ["sh", "-c", "sleep 60 & echo; wait", "an argument", ""]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.read(1)
        yield process
        for pid in procfs.descendants(process.pid):
            os.kill(pid, 9)


def test_arguments_are_told_as_they_were_given(shell: subprocess.Popen[bytes]) -> None:
    assert procfs.arguments(shell.pid)[:4] == ["sh", "-c", "sleep 60 & echo; wait", "an argument"]
    assert dict(procfs.command_lines())[shell.pid] == procfs.arguments(shell.pid)


def test_families_are_told(shell: subprocess.Popen[bytes]) -> None:
    (child,) = procfs.descendants(shell.pid)
    assert procfs.parent(child) == shell.pid
    assert procfs.parent(shell.pid) == os.getpid()
    assert {shell.pid, child} <= set(procfs.descendants(os.getpid()))


def test_we_are_not_among_the_others() -> None:
    assert os.getpid() not in dict(procfs.command_lines())


def test_what_is_gone_tells_nothing() -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert procfs.arguments(pid) == []  # a zombie
    os.waitpid(pid, 0)
    assert procfs.arguments(pid) == []
    assert procfs.parent(pid) == 0
    assert procfs.descendants(pid) == []


def test_is_exiting() -> None:
    assert not procfs.is_exiting(os.getpid())
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert procfs.is_exiting(pid)
    os.waitpid(pid, 0)
    assert procfs.is_exiting(pid)


PLAIN = (
    "30 1 254:0 / / rw - ext4 /dev/vda rw\n"
    "31 30 0:21 / /proc rw,nosuid - proc proc rw\n"
    "32 30 0:22 / /sys rw,nosuid - sysfs sysfs rw\n"
    "33 31 0:40 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw\n"
    "34 32 0:41 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    "35 34 0:42 / /sys/fs/cgroup/below rw - tmpfs tmpfs rw\n"
    "36 32 0:43 / /sys/kernel/debug rw - debugfs debugfs rw\n"
    "37 30 0:44 / /srv/proc/x rw - tmpfs tmpfs rw\n"
)


@pytest.mark.parametrize(
    ("more", "covered"),
    [
        ("", ()),
        ("40 31 0:6 /null /proc/kcore ro - devtmpfs devtmpfs rw\n", ("/proc",)),
        ("40 31 0:21 /sys /proc/sys ro,relatime - proc proc rw\n", ("/proc",)),
        ("40 32 0:50 / /sys/firmware ro - tmpfs tmpfs rw\n", ("/sys",)),
        ("40 32 0:50 / /sys/firmware/efi/efivars rw - efivarfs efivarfs rw\n", ()),
        ("40 30 0:22 / /sys ro,nosuid - sysfs sysfs rw\n", ("/sys",)),
    ],
)
def test_what_a_container_around_us_has_covered(more: str, covered: tuple[str, ...]) -> None:
    assert procfs.covered_by(PLAIN + more) == covered
