"""No user namespace can be had: containers of root with CAP_SYS_CHROOT, isolated by chroot alone."""

from __future__ import annotations

import contextlib
import os
import tarfile
from collections.abc import Callable, Iterator

import pytest

from tests.rig import host, processes, terminals
from tests.rig.lacking import lacking
from tests.rig.program import Program

pytestmark = host.needs_root

POD = "-sys_admin,-sys_ptrace,-net_admin,-mknod"
ONE_ID = "-all,+sys_chroot,+dac_override"


@pytest.fixture(scope="module", params=[POD, ONE_ID], ids=["pod", "one-id"])
def pod(new_shared: Callable[[str], Program], request: pytest.FixtureRequest) -> Iterator[Program]:
    """A program for root in a pod that grants nothing, with the image "busybox"."""
    program = new_shared("")
    ids = "0 0 1" if request.param == ONE_ID else "0 0 100000"
    with lacking(ids=ids, forbid=True, drop=request.param) as program.prefix:
        program.busybox()
        yield program
        program.run("rm", "--all", "--force", "--time", "0")
    program.prefix = []


@pytest.fixture
def strange(argosy: Program) -> Iterator[Callable[[str], Program]]:
    """A program where no user namespaces can be had, given the capabilities that are missing too."""
    with contextlib.ExitStack() as stack:

        def make(drop: str) -> Program:
            argosy.prefix = stack.enter_context(lacking(forbid=True, drop=drop))
            return argosy

        yield make
        argosy.prefix = []


def test_what_a_container_sees(pod: Program) -> None:
    script = (
        "id -u; pwd; ls /; cat /etc/hostname; echo lost >/dev/null; test -s /etc/resolv.conf && echo servers; exit 7"
    )
    done = pod.run("run", "--rm", "-w", "/etc", "-e", "LANG=C.UTF-8", "busybox", "sh", "-c", script, check=7)
    assert done.lines[:2] == ["0", "/etc"]
    assert {"bin", "dev", "etc"} <= set(done.lines) and "proc" in done.lines
    assert done.lines[-2:] == [os.uname().nodename, "servers"]
    assert done.stderr == ""


def test_it_is_said_once(strange: Callable[[str], Program]) -> None:
    program = strange("-sys_admin")
    first, second = program.run("images"), program.run("images")
    assert first.stderr.count("isolated by chroot alone") == 1
    assert "argosy doctor userns" in first.stderr
    assert second.stderr == ""


def test_a_life(pod: Program) -> None:
    pod.run("run", "-d", "--name", "life", "busybox", "sh", "-c", "sleep 1001 & exec sleep 1002")
    try:
        assert "Up " in pod.run("ps").stdout
        assert pod.run("exec", "life", "sh", "-c", "echo within; exit 3", check=3).stdout == "within\n"
        assert "not found in $PATH" in pod.run("exec", "life", "nosuch", check=127).stderr
        assert pod.run("exec", "life", "sh", "-c", "cd /; echo $A", check=0).stdout == "\n"
        pod.run("exec", "-d", "life", "sleep", "1003")
        shown = "{{.OCIRuntime}} {{.State.Running}} {{.HostConfig.PidMode}} {{.HostConfig.NetworkMode}}"
        assert pod.run("inspect", "--format", shown, "life").stdout == "chroot true host host\n"
        pod.run("export", "-o", f"{pod.files}/life.tar", "life")
        assert "bin/busybox" in pod.call("tar", "tf", f"{pod.files}/life.tar").lines
    finally:
        pod.run("stop", "-t", "2", "life")
    left = [line for line in processes.descendants().values() if "sleep 100" in line]
    assert left == []
    assert "Exited (" in pod.run("ps", "-a").stdout
    pod.run("start", "life")
    pod.run("rm", "-f", "-t", "0", "life")
    assert pod.run("ps", "-aq").stdout == ""


def test_messages_and_statuses_of_what_cannot_be_run(pod: Program) -> None:
    assert "not found in $PATH" in pod.run("run", "--rm", "busybox", "nosuch", check=127).stderr
    assert pod.run("run", "--rm", "busybox", "/etc", check=126).stderr
    assert pod.run("ps", "-aq").stdout == ""


def test_a_build(pod: Program) -> None:
    """Layers hold what the steps did, and nothing of what they were given: name servers, devices, host names."""
    pod.write("copied", b"data")
    steps = (
        "FROM busybox\n"
        "ENV A=b\n"
        "RUN echo $A > /made && cat /etc/resolv.conf >/dev/null && mkdir -p /etc && echo own > /etc/own\n"
        "COPY copied /etc/copied\n"
        "RUN test -s /etc/copied && rm /etc/copied && sleep 1003 &\n"
        'CMD ["cat", "/made"]\n'
    )
    file = pod.write("Dockerfile", steps)
    pod.run("build", "-t", "built", "-f", file, pod.files)
    again = pod.run("build", "--isolation", "chroot", "--no-cache", "-f", file, pod.files)
    assert "Using cache" not in again.stdout
    assert pod.run("run", "--rm", "built").stdout == "b\n"
    pod.run("save", "-o", f"{pod.files}/built.tar", "built")
    names = set()
    with tarfile.open(f"{pod.files}/built.tar") as archive:
        for member in archive:
            if member.name.endswith(".tar"):
                with tarfile.open(fileobj=archive.extractfile(member)) as layer:
                    names |= {entry.name for entry in layer}
    assert {"made", "etc/own", "etc/copied"} <= names
    assert not {name for name in names if name.startswith(("dev/", "etc/h", "etc/resolv", "run/."))}
    done = pod.run("build", "-f", pod.write("Dockerfile", "FROM busybox\nRUN exit 3\n"), pod.files, check=3)
    assert "exit status 3" in done.stderr


REFUSED = (
    ("-v", "/tmp:/x"),
    ("--tmpfs", "/x"),
    ("--network", "none"),
    ("--pid", "private"),
    ("--read-only",),
    ("--privileged",),
    ("--init",),
    ("--hostname", "other"),
    ("--cap-drop", "all"),
    ("--memory", "64m"),
    ("--security-opt", "seccomp=/dev/null"),
)


def test_what_cannot_be_had_is_refused_and_nothing_is_left(pod: Program) -> None:
    for flags in REFUSED:
        done = pod.run("run", *flags, "busybox", "true", check=125)
        assert "chroot" in done.stderr, flags
    assert pod.run("ps", "-aq").stdout == ""


def test_a_terminal(pod: Program) -> None:
    with terminals.Terminal(pod, "run", "--rm", "-it", "busybox", "sh") as terminal:
        terminal.expect(b"# ")
        terminal.type(b"test -t 0 && echo a-terminal; exit 4\n")
        terminal.expect(b"a-terminal\r\n")
        assert terminal.finish() == 4


def test_variables_that_would_steer_the_hosts_programs_reach_the_container_alone(pod: Program) -> None:
    library = pod.write("evil.so", b"not a library")
    done = pod.run(
        "run", "--rm", "-e", f"LD_PRELOAD={library}", "-e", "A=b", "busybox", "sh", "-c", "echo $LD_PRELOAD $A"
    )
    assert done.stdout == f"{library} b\n"
    assert "ld.so" not in done.stderr


def test_another_user(pod: Program) -> None:
    if pod.prefix[-1].endswith(ONE_ID):
        assert "not mapped" in pod.run("run", "--rm", "-u", "5:6", "busybox", "true", check=125).stderr
        return
    script = "id -u; id -g; id -G; cat /proc/self/status 2>/dev/null; touch /x 2>&1"
    done = pod.run("run", "--rm", "-u", "5:6", "--group-add", "7", "busybox", "sh", "-c", script, check=1)
    assert done.lines == ["5", "6", "6 7", "touch: /x: Permission denied"]


def test_without_the_capability_to_change_roots(strange: Callable[[str], Program]) -> None:
    program = strange("-sys_admin,-sys_chroot")
    done = program.run("images", check=125)
    assert "CAP_SYS_CHROOT" in done.stderr
    assert "sysctl -w user.max_user_namespaces" in done.stderr
