"""`run`: streams, exit statuses, terminals, signals, what is left."""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest

from tests.rig import host
from tests.rig.program import Completed, Program, finish
from tests.rig.terminals import Terminal

NO_NETWORK = ("--network", "none")


def run_sh(
    program: Program, image: str, script: str, *flags: str, check: bool | int = True, input: bytes = b""
) -> Completed:
    """Run a shell script in a new container that goes away again."""
    return program.run("run", "--rm", *NO_NETWORK, *flags, image, "sh", "-c", script, check=check, input=input)


def running(program: Program, *command: str, flags: tuple[str, ...] = ()) -> str:
    """A container in the background: its id."""
    return program.run("run", "-d", *NO_NETWORK, *flags, program.busybox(), *command).stdout.strip()


def wait_for(program: Program, container: str, path: str) -> None:
    """Wait until there is a file at `path` in the container."""
    deadline = time.monotonic() + 20
    while program.run("exec", container, "test", "-e", path, check=False).returncode:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_streams_are_kept_apart(argosy_both: Program, busybox: str) -> None:
    argosy_both.flags += ["--log-level", "error"]  # no notices about what this host lacks
    done = run_sh(argosy_both, busybox, "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


@pytest.mark.parametrize("status", [0, 1, 42, 125, 255])
def test_the_status_is_the_containers(argosy: Program, busybox: str, status: int) -> None:
    run_sh(argosy, busybox, f"exit {status}", check=status)


@pytest.mark.usefixtures("busybox")
def test_the_status_of_a_signal(argosy_both: Program) -> None:
    container = running(argosy_both, "sleep", "1000")
    argosy_both.run("kill", "--signal", "KILL", container)
    assert argosy_both.run("wait", container).stdout == "137\n"


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        ("no-such-program", 127, "executable file"),
        ("/no/such/program", 127, "OCI runtime attempted to invoke a command that was not found"),
        ("/etc/passwd", 126, "cannot execute /etc/passwd: it may not be executed"),
        ("/etc", 126, "cannot execute /etc: it is a directory"),
    ],
)
def test_what_cannot_be_run(argosy_both: Program, busybox: str, command: str, status: int, words: str) -> None:
    done = argosy_both.run("run", "--rm", *NO_NETWORK, busybox, command, check=status)
    assert words in done.stderr
    assert "\nError: " in f"\n{done.stderr}"


def test_what_the_runtime_does_not_make(argosy: Program, busybox: str) -> None:
    """The statuses of podman: 126 of `run`, 125 of `start` whatever it is; docker says 125 as well."""
    unfit = (*NO_NETWORK, "-v", "/etc/passwd:/tmp", busybox, "true")
    assert "OCI runtime error: " in argosy.run("run", "--rm", *unfit, check=126).stderr
    assert "OCI runtime error: " in argosy.run("run", "--rm", *unfit, check=125, name="docker").stderr
    for name, words in (("unfit", unfit), ("missing", (*NO_NETWORK, busybox, "no-such-program"))):
        argosy.run("create", "--name", name, *words)
        for flags in ((), ("--attach",)):
            assert "Error: unable to start container " in argosy.run("start", *flags, name, check=125).stderr


@host.needs_root
def test_the_runtime_of_a_container_is_the_one_it_was_made_with(argosy: Program, busybox: str) -> None:
    other = argosy.write("other", f'#!/bin/sh\nexec {shutil.which("crun") or shutil.which("runc")} "$@"\n', 0o755)
    nosuch = argosy.run("--runtime", "nosuch", "create", busybox, check=125).stderr
    assert nosuch.startswith('Error: default OCI runtime "nosuch" not found: invalid argument\n')
    argosy.run("--runtime", other, "create", "--name", "it", *NO_NETWORK, busybox, "sleep", "1000")
    assert argosy.run("inspect", "-f", "{{.OCIRuntime}}", "it").stdout == "other\n"
    argosy.run("start", "it")
    assert argosy.run("inspect", "-f", "{{.OCIRuntime}}", "it").stdout == "other\n"
    argosy.run("rm", "-f", "-t", "0", "it")


@host.needs_root
def test_a_runtime_that_does_nothing_leaves_nothing(argosy: Program, busybox: str) -> None:
    program = shutil.which("false") or ""
    assert "conmon ended" in argosy.run("--runtime", program, "run", "--rm", *NO_NETWORK, busybox, check=125).stderr
    assert argosy.run("ps", "-aq").stdout == ""
    argosy.run("--runtime", program, "create", "--name", "it", *NO_NETWORK, busybox)
    argosy.run("start", "it", check=125)
    assert argosy.run("rm", "it").stdout == "it\n"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("seccomp=/no/such", "opening seccomp profile failed: open /no/such: no such file or directory"),
        ("seccomp=/etc/passwd", "invalid seccomp profile /etc/passwd"),
        ("apparmor=no-such", "no-such"),
    ],
)
def test_profiles_that_cannot_be_had_make_no_container(argosy: Program, busybox: str, option: str, words: str) -> None:
    assert words in argosy.run("create", "--security-opt", option, busybox, check=125).stderr
    assert argosy.run("ps", "-aq").stdout == ""


def test_what_fails_in_the_background_fails_at_once(argosy: Program, busybox: str) -> None:
    done = argosy.run("run", "-d", "--name", "x", *NO_NETWORK, busybox, "no-such-program", check=127)
    assert done.stdout == ""
    assert argosy.run("rm", "x").stdout == "x\n"


def test_input_is_passed_on_and_ends(argosy_both: Program, busybox: str) -> None:
    assert run_sh(argosy_both, busybox, "cat; echo end", "-i", input=b"hello\n").stdout == "hello\nend\n"


def test_without_i_there_is_no_input(argosy: Program, busybox: str) -> None:
    assert run_sh(argosy, busybox, "cat; echo end", input=b"hello\n").stdout == "end\n"


def test_megabytes_go_both_ways_unchanged(argosy_both: Program, busybox: str) -> None:
    data = os.urandom(3_000_000)
    assert run_sh(argosy_both, busybox, "cat", "-i", input=data).stdout_bytes == data


def test_input_that_nobody_reads_blocks_nothing(argosy: Program, busybox: str) -> None:
    done = run_sh(argosy, busybox, "exec <&-; sleep 0.2; echo done", "-i", input=b"x" * 1_000_000)
    assert done.stdout == "done\n"


def test_rm_leaves_nothing(argosy_both: Program, busybox: str) -> None:
    run_sh(argosy_both, busybox, "exit 3", "--name", "gone", check=3)
    argosy_both.run("container", "exists", "gone", check=1)
    run_sh(argosy_both, busybox, "true", "--name", "gone")


def test_detached_prints_the_id(argosy_both: Program, busybox: str) -> None:
    container = running(argosy_both, "sh", "-c", "exit 5")
    assert len(container) == 64
    assert argosy_both.run("wait", container).stdout == "5\n"


def test_a_detached_rm_goes_by_itself(argosy_both: Program, busybox: str) -> None:
    container = running(argosy_both, "true", flags=("--rm",))
    deadline = time.monotonic() + 20
    while argosy_both.run("container", "exists", container, check=False).returncode == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("runtime", ["crun", "runc"])
def test_both_runtimes(argosy_both: Program, busybox: str, runtime: str) -> None:
    if host.program(runtime) is None:
        pytest.skip(f"{runtime} is not installed")
    argosy_both.flags += ["--runtime", runtime]
    done = run_sh(argosy_both, busybox, "echo $0; exit 7", check=False)
    if "hybrid" in done.stderr:
        pytest.skip("crun refuses this host's hybrid cgroups")
    assert (done.stdout, done.returncode) == ("sh\n", 7)


def test_paths_may_be_long_and_have_colons_commas_and_blanks(argosy_both: Program, busybox: str) -> None:
    deep = f"{argosy_both.files}/" + "/".join(["a:b,c d" + "x" * 40] * 3)
    flags = ["--root", f"{deep}/root", "--runroot", f"{deep}/run"]
    argosy_both.flags += flags
    argosy_both.busybox()
    done = run_sh(argosy_both, busybox, "echo hello; exit 4", check=4)
    assert done.stdout == "hello\n"
    container = running(argosy_both, "sh", "-c", "echo logged; sleep 1000")
    assert argosy_both.run("exec", container, "echo", "inside").stdout == "inside\n"
    argosy_both.run("rm", "--force", "--time", "0", container)
    if argosy_both.rootless:
        argosy_both.run("system", "reset", "--force")


def test_output_that_nobody_reads_any_more(argosy: Program, busybox: str) -> None:
    """As with every filter: SIGPIPE's status, silently.  The container goes on, as with the peers."""
    process = argosy.start("run", "--name", "talks", *NO_NETWORK, "--pids-limit", "-1", busybox, "yes")
    assert process.stdout is not None
    assert process.stdout.read(2) == b"y\n"
    process.stdout.close()
    process.stdout = None
    done = finish(process, check=128 + signal.SIGPIPE)
    assert done.stderr == ""
    assert argosy.run("exec", "talks", "echo", "alive").stdout == "alive\n"


def test_signals_are_passed_on(argosy_both: Program, busybox: str) -> None:
    script = "trap 'echo hup' HUP; trap 'echo term; exit 9' TERM; touch /ready; while :; do sleep 0.05; done"
    process = argosy_both.start("run", "--name", "traps", *NO_NETWORK, busybox, "sh", "-c", script)
    wait_for(argosy_both, "traps", "/ready")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert finish(process, check=9).stdout == "hup\nterm\n"


def test_without_sig_proxy_a_signal_is_ours_alone(argosy: Program, busybox: str) -> None:
    process = argosy.start("run", "--name", "stays", "--sig-proxy=false", *NO_NETWORK, busybox, "sleep", "1000")
    deadline = time.monotonic() + 20
    while argosy.run("exec", "stays", "true", check=False).returncode:
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGTERM)
    finish(process, check=128 + signal.SIGTERM)
    argosy.run("exec", "stays", "true")


def test_the_container_outlives_its_killed_caller(argosy: Program, busybox: str) -> None:
    process = argosy.start("run", "--name", "orphan", *NO_NETWORK, busybox, "sh", "-c", "touch /ready; sleep 1000")
    deadline = time.monotonic() + 20
    while argosy.run("exec", "orphan", "test", "-e", "/ready", check=False).returncode:
        assert time.monotonic() < deadline
    process.kill()
    finish(process, check=False)
    argosy.run("exec", "orphan", "true")
    argosy.run("stop", "--time", "0", "orphan")
    assert argosy.run("wait", "orphan").stdout == "137\n"


def test_a_terminal_has_the_window_of_ours_and_follows_it(argosy_both: Program, busybox: str) -> None:
    with Terminal(argosy_both, "run", "--rm", "-it", *NO_NETWORK, busybox, "sh", rows=33, columns=101) as terminal:
        terminal.expect(b"#")
        terminal.type(b"stty size\n")
        terminal.expect(b"33 101")
        terminal.resize(44, 55)
        time.sleep(0.2)
        terminal.type(b"stty size\n")
        terminal.expect(b"44 55")
        terminal.type(b"exit 3\n")
        assert terminal.finish() == 3
        assert terminal.attributes() == terminal.settings


def test_control_c_goes_to_the_program_in_the_terminal(argosy: Program, busybox: str) -> None:
    script = "trap 'echo caught; exit 6' INT; echo ready; while :; do sleep 0.05; done"
    with Terminal(argosy, "run", "--rm", "-it", *NO_NETWORK, busybox, "sh", "-c", script) as terminal:
        terminal.expect(b"ready")
        terminal.type(b"\x03")
        terminal.expect(b"caught")
        assert terminal.finish() == 6


def test_detaching_and_attaching_again(argosy_both: Program, busybox: str) -> None:
    with Terminal(argosy_both, "run", "-it", "--name", "shell", *NO_NETWORK, busybox, "sh") as terminal:
        terminal.expect(b"#")
        terminal.type(b"word=kept\n")
        terminal.expect(b"#")
        terminal.type(b"\x10")
        terminal.type(b"\x11")
        assert terminal.finish() == 0
        assert terminal.attributes() == terminal.settings
    with Terminal(argosy_both, "attach", "shell") as terminal:
        terminal.wait_until_raw()
        terminal.type(b"echo is $word\n")
        terminal.expect(b"is kept")
        terminal.type(b"exit 4\n")
        assert terminal.finish() == 4


def test_other_keys_detach_when_asked(argosy: Program, busybox: str) -> None:
    args = ("run", "-it", "--detach-keys", "ctrl-a,x", "--name", "shell", *NO_NETWORK, busybox, "sh")
    with Terminal(argosy, *args) as terminal:
        terminal.expect(b"#")
        terminal.type(b"\x10\x11")
        terminal.type(b"\x01x")
        assert terminal.finish() == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_restored_whatever_ends_us(argosy: Program, busybox: str, number: int) -> None:
    with Terminal(argosy, "run", "-it", "--sig-proxy=false", *NO_NETWORK, busybox, "sh") as terminal:
        terminal.expect(b"#")
        assert terminal.is_raw()
        terminal.signal(number)
        assert terminal.finish() == -number or terminal.finish() == 128 + number
        deadline = time.monotonic() + 60
        while terminal.attributes() != terminal.settings:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_terminal_without_one_of_ours(argosy: Program, busybox: str) -> None:
    done = argosy.run("run", "--rm", "-t", *NO_NETWORK, busybox, "sh", "-c", "tty; echo line")
    assert "/dev/pts/0\r\n" in done.stdout
    assert done.stdout.endswith("line\r\n")


def test_descriptors_of_ours_do_not_reach_the_container(argosy: Program, busybox: str) -> None:
    read, write = os.pipe()
    done = argosy.run("run", "--rm", *NO_NETWORK, busybox, "ls", "/proc/self/fd", pass_fds=(read, write))
    assert done.stdout.split() == ["0", "1", "2", "3"]
    os.close(read)
    os.close(write)


def test_the_exit_command_gets_no_secret_of_the_caller(argosy: Program, busybox: str) -> None:
    """conmon stays as long as the container: its environment holds what finds the store, nothing else."""
    container = argosy.run("run", "-d", *NO_NETWORK, busybox, "sleep", "1000", env={"SECRET": "sesame"}).stdout.strip()
    with open(f"{argosy.runroot}/containers/{container}/conmon.pid") as file:
        pid = int(file.read())
    with open(f"/proc/{pid}/environ", "rb") as file:
        assert b"sesame" not in file.read()
    assert os.readlink(f"/proc/{pid}/cwd") == f"{argosy.runroot}/containers/{container}"


def test_many_at_once(argosy_both: Program, busybox: str) -> None:
    started = [
        argosy_both.start("run", "--rm", *NO_NETWORK, busybox, "sh", "-c", f"echo {number}; exit {number}")
        for number in range(10)
    ]
    done = [finish(process, check=False) for process in started]
    assert [(one.stdout, one.returncode) for one in done] == [(f"{n}\n", n) for n in range(10)], [
        one.stderr for one in done
    ]


@host.needs_root
@pytest.mark.parametrize("network", ["none", pytest.param("pasta", marks=host.needs_tun)])
def test_conmon_and_its_companions_leave_the_callers_group(argosy: Program, busybox: str, network: str) -> None:
    """The end of a login session or of a CI job ends its control group, not the containers that it started."""
    if not os.access("/sys/fs/cgroup/unified/cgroup.procs", os.W_OK) and not os.access(
        "/sys/fs/cgroup/cgroup.procs", os.W_OK
    ):
        pytest.skip("no unified control group can be written")
    container = argosy.run("run", "-d", "--network", network, busybox, "sleep", "1000").stdout.strip()
    directory = f"{argosy.runroot}/containers/{container}"
    pids = [int(argosy.call("cat", f"{directory}/conmon.pid").stdout)]
    if network == "pasta":
        pids.append(argosy.call("cat", f"{directory}/network.json").json()["pid"])
    for pid in pids:
        with open(f"/proc/{pid}/cgroup") as file:
            unified = next(line for line in file.read().splitlines() if line.startswith("0::"))
        assert "argosy" in unified
