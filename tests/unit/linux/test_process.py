"""The one door for programs: data in and out, failures, time-outs, descriptors, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.errors import NotFound
from argosy.linux import process


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No descriptor and no child, living or zombie, outlives a test; other tests' servers may be there before it."""
    before, known = os.listdir("/proc/self/fd"), children()
    yield
    assert len(os.listdir("/proc/self/fd")) == len(before)
    assert children() <= known


def children() -> set[str]:
    """The pids of our children, zombies included."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(stat.rpartition(b")")[2].split()[1]) == os.getpid():
            found.add(pid)
    return found


def test_input_reaches_the_program_and_both_outputs_come_back() -> None:
    done = process.run(["sh", "-c", "cat; echo error >&2"], input=b"data")
    assert done == process.Completed(("sh", "-c", "cat; echo error >&2"), 0, b"data", b"error\n")


def test_more_than_a_pipe_holds_goes_through_in_both_directions() -> None:
    data = os.urandom(3 << 20)
    assert process.run(["cat"], input=data).stdout == data
    done = process.run(["sh", "-c", "head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2"])
    assert (len(done.stdout), len(done.stderr)) == (1_000_000, 1_000_000)


def test_a_program_need_not_read_its_input() -> None:
    assert process.run(["true"], input=bytes(5 << 20)).returncode == 0


def test_the_end_is_the_programs_even_when_a_child_keeps_the_pipes(tmp_path: Path) -> None:
    began = time.monotonic()
    done = process.run(["sh", "-c", f"sleep 30 & echo $! >{tmp_path}/pid; echo done"])
    assert done.stdout == b"done\n"
    assert time.monotonic() - began < 10
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_a_failure_tells_program_status_and_words() -> None:
    with pytest.raises(process.ProgramFailed, match="sh failed with exit status 3: no luck") as raised:
        process.run(["/bin/sh", "-c", "echo no luck >&2; exit 3"])
    assert raised.value.status == 3
    assert raised.value.stderr == b"no luck\n"
    assert process.run(["sh", "-c", "exit 3"], check=False).returncode == 3


def test_a_silent_failure_shows_the_command_and_one_that_speaks_on_stdout_is_heard() -> None:
    with pytest.raises(process.ProgramFailed, match="sh -c 'exit 4'"):
        process.run(["sh", "-c", "exit 4"])
    with pytest.raises(process.ProgramFailed, match="said here"):
        process.run(["sh", "-c", "echo said here; exit 4"])


def test_a_signal_is_told_as_such() -> None:
    with pytest.raises(process.ProgramFailed, match="was killed by signal 15") as raised:
        process.run(["sh", "-c", "kill -TERM $$"])
    assert raised.value.status == 143


def test_what_takes_too_long_is_killed() -> None:
    began = time.monotonic()
    with pytest.raises(process.ProgramFailed, match=r"sleep took more than 0\.1 s and was killed"):
        process.run(["sleep", "30"], timeout_s=0.1)
    assert time.monotonic() - began < 10


def test_an_interrupt_kills_and_reaps_the_program() -> None:
    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            process.run(["sleep", "30"])
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_missing_program_is_named_with_a_way_out() -> None:
    with pytest.raises(NotFound, match="no such program: argosy-no-such") as raised:
        process.run(["argosy-no-such"])
    assert "install argosy-no-such" in raised.value.hint
    with pytest.raises(NotFound):
        process.run(["/nowhere/program"])


def test_what_the_kernel_refuses_is_told(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF nonsense")
    program.chmod(0o755)
    with pytest.raises(process.ProgramFailed, match="program cannot be started: Exec format error"):
        process.run([str(program)])


def test_the_environment_is_the_given_one_and_ours_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_TEST", "ours")
    assert process.run(["env"], env={"A": "b"}).stdout == b"A=b\n"
    assert b"ARGOSY_TEST=ours\n" in process.run(["env"]).stdout


def test_only_the_descriptors_that_are_passed_arrive() -> None:
    kept, passed = os.open("/dev/null", os.O_RDONLY), os.open("/dev/null", os.O_RDONLY)
    try:
        done = process.run(["ls", "/proc/self/fd"], pass_fds=[passed])
        arrived = {int(word) for word in done.stdout.split()}
        assert {0, 1, 2, passed} < arrived
        assert kept not in arrived
    finally:
        os.close(kept)
        os.close(passed)


def test_descriptors_may_change_places() -> None:
    files = [os.memfd_create(name) for name in ("first", "second")]
    low, high = sorted(files)
    try:
        os.write(low, b"low")
        os.write(high, b"high")
        code = f"cat /proc/self/fd/{low} /proc/self/fd/{high}"
        read_fd, write_fd = os.pipe()
        pid = process.spawn(["sh", "-c", code], fds={low: high, high: low, 1: write_fd})
        os.close(write_fd)
        assert process.wait(pid) == 0
        assert os.read(read_fd, 100) == b"highlow"
        os.close(read_fd)
    finally:
        for fd in files:
            os.close(fd)


def test_a_spawned_program_can_have_a_session_of_its_own() -> None:
    pid = process.spawn(["sleep", "30"], setsid=True)
    try:
        assert os.getsid(pid) == pid
    finally:
        os.kill(pid, signal.SIGKILL)
        assert process.wait(pid) == 137


def test_signals_that_python_ignores_are_given_back() -> None:
    status = process.run(["cat", "/proc/self/status"]).stdout.decode()
    [ignored] = [line for line in status.splitlines() if line.startswith("SigIgn:")]
    bits = int(ignored.split()[1], 16)
    assert not bits >> (signal.SIGPIPE - 1) & 1
    assert not bits >> (signal.SIGXFSZ - 1) & 1


def test_the_trace_is_a_line_for_a_shell() -> None:
    lines: list[str] = []
    argv = ["printf", "%s|", "", "a b", "it's", "$HOME", "plain-1.0", "new\nline"]
    process.trace(lines.append)
    try:
        done = process.run(argv)
    finally:
        process.trace(None)
    assert len(lines) == 1
    assert subprocess.run(["sh", "-c", lines[0]], capture_output=True, check=True).stdout == done.stdout
    process.run(["true"])
    assert len(lines) == 1


def test_programs_are_found_on_the_path_then_in_the_extra_directories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for directory in ("one", "two", "extra"):
        (tmp_path / directory).mkdir()
    for place in ("two/tool", "extra/tool", "extra/helper", "one/plain"):
        (tmp_path / place).touch(mode=0o755)
    (tmp_path / "one/tool").touch(mode=0o644)
    (tmp_path / "one/plain").chmod(0o644)
    (tmp_path / "one/helper").mkdir()
    monkeypatch.setenv("PATH", f"relative::{tmp_path}/one:{tmp_path}/two")
    monkeypatch.chdir(tmp_path / "extra")
    extra = (f"{tmp_path}/extra",)
    assert process.find_program("tool", extra) == f"{tmp_path}/two/tool"
    assert process.find_program("helper", extra) == f"{tmp_path}/extra/helper"
    assert process.find_program("helper", ()) is None
    assert process.find_program("plain", extra) is None
    assert process.find_program(f"{tmp_path}/extra/tool", ()) == f"{tmp_path}/extra/tool"
    assert process.find_program(f"{tmp_path}/extra", ()) is None


def test_a_process_is_known_by_pid_and_start_time() -> None:
    pid = process.spawn(["sleep", "30"])
    started = process.start_time(pid)
    assert started
    assert process.alive(pid, started)
    assert process.program_name(pid) == "sleep"
    assert not process.alive(pid, started - 1)
    assert not process.alive(pid, None)
    assert not process.signal_process(pid, started - 1)
    assert process.alive(pid, started)
    assert process.signal_process(pid, started)
    while process.start_time(pid) is not None:
        time.sleep(0.001)  # it is a zombie soon
    assert not process.alive(pid, started)
    assert not process.signal_process(pid, started)
    process.wait(pid)
    assert process.start_time(pid) is None
    assert process.program_name(pid) == ""


def test_a_name_full_of_brackets_does_not_confuse_the_start_time(tmp_path: Path) -> None:
    program = tmp_path / ") R 1 2 ("
    program.symlink_to("/bin/sleep")
    pid = process.spawn([str(program), "30"])
    try:
        started = process.start_time(pid)
        assert started
        assert started >= (process.start_time(os.getpid()) or 0)
    finally:
        os.kill(pid, signal.SIGKILL)
        process.wait(pid)


def test_programs_may_be_run_by_several_threads_at_once() -> None:
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(process.run(["cat"], input=b"%d" % n).stdout))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [b"%d" % n for n in range(8)]


def test_inherited_descriptors_are_made_close_on_exec() -> None:
    code = """
import os, sys
sys.path.insert(0, sys.argv[1])
from argosy.linux import process
process.protect_descriptors(keep=[int(sys.argv[3])])
print(process.run(["ls", "/proc/self/fd"]).stdout.decode().split())
"""
    first, second = os.memfd_create("first", 0), os.memfd_create("second", 0)
    try:
        root = str(Path(process.__file__).parents[2])
        argv = [sys.executable, "-c", code, root, str(first), str(second)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, pass_fds=[first, second])
        assert f"'{first}'" not in done.stdout
        assert f"'{second}'" in done.stdout
    finally:
        os.close(first)
        os.close(second)


@pytest.mark.parametrize("threads", [1, 3])
def test_spawn_in_a_directory_leaves_ours_alone(tmp_path: Path, threads: int) -> None:
    """Also when other threads look: they share the working directory of a process."""
    seen, done = set(), threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(os.getcwd())

    watchers = [threading.Thread(target=look) for _ in range(threads - 1)]
    for watcher in watchers:
        watcher.start()
    here = os.getcwd()
    try:
        for _ in range(20):
            read_fd, write_fd = os.pipe()
            pid = process.spawn(["pwd", "-P"], fds={1: write_fd}, directory=str(tmp_path))
            os.close(write_fd)
            assert os.read(read_fd, 4096).decode().strip() == os.path.realpath(tmp_path)
            os.close(read_fd)
            assert process.wait(pid) == 0
        with pytest.raises(process.ProgramFailed, match="cannot be started"):
            process.spawn(["pwd"], directory=f"{tmp_path}/nothing")
    finally:
        done.set()
        for watcher in watchers:
            watcher.join()
    assert os.getcwd() == here
    assert seen <= {here}
