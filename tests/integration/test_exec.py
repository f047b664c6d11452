"""`exec`: one more process in a running container, in the foreground, on a terminal, detached."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.rig import host
from tests.rig.program import Program, finish
from tests.rig.terminals import Terminal

pytestmark = pytest.mark.usefixtures("busybox")
NAME = "target"


def start(program: Program, *flags: str) -> Program:
    """The program with a container to run things in."""
    program.flags += ["--log-level", "error"]
    program.run("run", "-d", "--name", NAME, "--network", "none", *flags, "busybox", "sleep", "1000")
    return program


def wait_for(program: Program, path: str) -> None:
    deadline = time.monotonic() + 20
    while program.run("exec", NAME, "test", "-e", path, check=False).returncode:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_streams_and_status(argosy_both: Program) -> None:
    start(argosy_both)
    done = argosy_both.run("exec", NAME, "sh", "-c", "echo out; echo err >&2; exit 9", check=9)
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_input(argosy_both: Program) -> None:
    start(argosy_both)
    data = os.urandom(1_000_000)
    assert argosy_both.run("exec", "-i", NAME, "cat", input=data).stdout_bytes == data
    assert argosy_both.run("exec", NAME, "cat", input=b"unseen").stdout == ""


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        ("no-such-program", 127, "executable file"),
        ("/etc/passwd", 126, "cannot execute /etc/passwd: it may not be executed"),
    ],
)
def test_what_cannot_be_run_is_said_once(argosy_both: Program, command: str, status: int, words: str) -> None:
    start(argosy_both)
    done = argosy_both.run("exec", NAME, command, check=status)
    assert done.stderr.count(words) == 1
    assert done.stderr.startswith("Error: ")
    done = argosy_both.run("exec", "-d", NAME, command, check=125)
    assert words in done.stderr


def test_a_status_of_255_is_the_processs_own(argosy: Program) -> None:
    start(argosy)
    done = argosy.run("exec", NAME, "sh", "-c", "echo words >&2; exit 255", check=255)
    assert done.stderr == "words\n"


def test_user_environment_and_directory(argosy_both: Program) -> None:
    start(argosy_both, "-e", "A=container", "-e", "B=kept")
    script = "echo $(id -u):$(id -g) $A $B $(pwd) $HOME"
    done = argosy_both.run("exec", "-u", "7:8", "-e", "A=exec", "-w", "/tmp", NAME, "sh", "-c", script)
    assert done.stdout.split()[:4] == ["7:8", "exec", "kept", "/tmp"]


def test_an_unprivileged_user_has_no_capabilities(argosy: Program) -> None:
    start(argosy)
    done = argosy.run("exec", "-u", "7", NAME, "grep", "CapEff", "/proc/self/status")
    assert int(done.stdout.split()[1], 16) == 0
    done = argosy.run("exec", "--privileged", NAME, "grep", "CapEff", "/proc/self/status")
    own = argosy.run("exec", NAME, "grep", "CapEff", "/proc/self/status")
    assert int(done.stdout.split()[1], 16) > int(own.stdout.split()[1], 16) > 0


def test_a_container_that_does_not_run(argosy: Program) -> None:
    argosy.run("create", "--name", NAME, "--network", "none", "busybox", "true")
    done = argosy.run("exec", NAME, "true", check=255)
    assert "container state improper" in done.stderr
    assert "no such container" in argosy.run("exec", "nobody", "true", check=125).stderr


def test_a_dying_container_is_named_as_such(argosy_both: Program) -> None:
    """Whatever the runtime or conmon say when it goes from under them; the process may also have had its time."""
    for turn in range(4):
        start(argosy_both)
        words = [("exec", NAME, "true"), ("exec", "-d", NAME, "sleep", "60")]
        under_way = [argosy_both.start(*command) for command in words * 3]
        argosy_both.run("kill" if turn % 2 else "stop", *(() if turn % 2 else ("-t", "0")), NAME)
        for process in under_way:
            done = finish(process, check=False)
            assert done.returncode in (0, 125, 137, 255)
            assert not done.stderr or done.stderr.startswith("Error: can only create exec sessions on running"), done
        argosy_both.run("rm", "-f", "-t", "0", NAME)


def test_a_terminal(argosy_both: Program) -> None:
    start(argosy_both)
    with Terminal(argosy_both, "exec", "-it", NAME, "sh", rows=33, columns=101) as terminal:
        terminal.expect(b"#")
        terminal.type(b"tty; stty size\n")
        terminal.expect(b"/dev/pts/")
        terminal.expect(b"33 101")
        terminal.resize(44, 55)
        time.sleep(0.2)
        terminal.type(b"stty size\n")
        terminal.expect(b"44 55")
        terminal.type(b"exit 3\n")
        assert terminal.finish() == 3
        assert terminal.attributes() == terminal.settings


def test_a_terminal_has_no_way_to_type_into_ours(argosy: Program) -> None:
    """The process is on a terminal of the container's own, whatever ours is connected to."""
    start(argosy)
    with Terminal(argosy, "exec", NAME, "sh", "-c", "readlink /proc/self/fd/1; tty") as terminal:
        assert terminal.finish() == 1
        assert b"pipe:[" in terminal.output
        assert b"not a tty" in terminal.output


def test_detaching_leaves_the_process_running(argosy_both: Program) -> None:
    start(argosy_both)
    with Terminal(argosy_both, "exec", "-it", NAME, "sh") as terminal:
        terminal.expect(b"#")
        terminal.type(b"sleep 1; echo output; touch /survived\n")
        terminal.expect(b"touch /survived")
        terminal.type(b"\x10\x11")
        assert terminal.finish() == 0
        assert terminal.attributes() == terminal.settings
    wait_for(argosy_both, "/survived")


def test_detached(argosy_both: Program) -> None:
    start(argosy_both)
    session = argosy_both.run("exec", "-d", NAME, "sh", "-c", "echo $0 > /made; sleep 1000").stdout.strip()
    assert len(session) == 64
    wait_for(argosy_both, "/made")
    assert argosy_both.run("exec", NAME, "cat", "/made").stdout == "sh\n"


def test_a_detached_process_that_ends_leaves_no_files(argosy: Program) -> None:
    start(argosy)
    argosy.run("exec", "-dt", NAME, "true")
    (container,) = os.listdir(f"{argosy.runroot}/containers")
    deadline = time.monotonic() + 20
    while any(name.startswith("exec-") for name in os.listdir(f"{argosy.runroot}/containers/{container}")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_signals_are_passed_on(argosy_both: Program) -> None:
    start(argosy_both)
    script = "trap 'echo caught; exit 5' TERM; touch /ready; while :; do sleep 0.05; done"
    process = argosy_both.start("exec", NAME, "sh", "-c", script)
    wait_for(argosy_both, "/ready")
    process.send_signal(signal.SIGTERM)
    assert finish(process, check=5).stdout == "caught\n"


def test_what_holds_the_streams_open_is_not_waited_for(argosy: Program) -> None:
    start(argosy)
    began = time.monotonic()
    done = argosy.run("exec", NAME, "sh", "-c", "sleep 500 & echo started")
    assert done.stdout == "started\n"
    assert time.monotonic() - began < 60


def test_preserved_descriptors(argosy: Program) -> None:
    start(argosy)
    path = argosy.write("three", "from descriptor three\n")
    fd = os.open(path, os.O_RDONLY)
    try:
        script = f'exec 3<"{path}"; exec "$@"'
        done = argosy.call(
            "sh", "-c", script, "sh", *argosy.argv("exec", "--preserve-fds", "1", NAME, "cat", "/proc/self/fd/3")
        )
        assert done.stdout == "from descriptor three\n"
    finally:
        os.close(fd)


def test_descriptors_that_were_not_passed(argosy: Program) -> None:
    """Descriptor 3 is then one of Argosy's own, which a container must never see."""
    start(argosy)
    for command in (("exec", "--preserve-fds", "1", NAME), ("run", "--rm", "--preserve-fds", "1", "busybox")):
        done = argosy.run(*command, "cat", "/proc/self/fd/3", check=125)
        assert "file descriptor 3 is not available" in done.stderr
        assert not done.stdout


def test_the_runtime_that_made_the_container_is_used(argosy: Program) -> None:
    """Whatever would be chosen now."""
    argosy.run("--runtime", "runc", "run", "-d", "--name", NAME, "--network", "none", "busybox", "sleep", "1000")
    assert argosy.run("--runtime", "crun", "exec", NAME, "echo", "hi").stdout == "hi\n"


def test_many_at_once(argosy: Program) -> None:
    start(argosy)
    processes = [argosy.start("exec", NAME, "sh", "-c", f"echo {n}; exit {n}") for n in range(10)]
    done = [finish(process, check=False) for process in processes]
    assert [(one.stdout, one.returncode) for one in done] == [(f"{n}\n", n) for n in range(10)]


@host.needs_root
def test_no_user_of_a_container_becomes_the_owner_of_the_hosts_devices(argosy_both: Program) -> None:
    start(argosy_both)
    argosy_both.run("exec", "-u", "7:8", NAME, "sh", "-c", "cat; id")
    argosy_both.run("exec", "-d", "-u", "7:8", NAME, "sh", "-c", "cat; touch /tmp/ended; sleep 1000")
    argosy_both.run(
        "exec", NAME, "sh", "-c", "for i in $(seq 200); do [ -e /tmp/ended ] && exit; sleep 0.05; done; exit 1"
    )
    mapped = ("--network", "none", "--uidmap", "0:1:1000", "--user", "7:8", "busybox", "sh", "-c", "cat; echo ended")
    assert argosy_both.run("run", "--rm", *mapped).stdout == "ended\n"
    assert (os.stat("/dev/null").st_uid, os.stat("/dev/null").st_gid) == (0, 0)
