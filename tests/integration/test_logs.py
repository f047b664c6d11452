"""`logs`: what containers wrote, while they run and afterwards."""

from __future__ import annotations

import os
import re
import subprocess
import time

import pytest

from tests.rig import host
from tests.rig.program import Program, finish

pytestmark = pytest.mark.usefixtures("busybox")
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)"


def run(program: Program, name: str, script: str, *flags: str) -> str:
    """Run a script in a container to its end; the container's id."""
    program.run("run", "--name", name, "--network", "none", *flags, "busybox", "sh", "-c", script, check=False)
    return program.run("ps", "-aq", "--no-trunc", "--filter", f"name=^{name}$").stdout.strip()


def detached(program: Program, name: str, script: str, *flags: str) -> str:
    words = ("run", "-d", "--name", name, "--network", "none", *flags, "busybox", "sh", "-c", script)
    return program.run(*words).stdout.strip()


def test_both_streams_as_they_came(argosy_both: Program) -> None:
    run(argosy_both, "talk", "echo out; echo err >&2; printf 'tab\\there\\r\\n\\n'; printf 'no newline'")
    for words in (("logs", "talk"), ("container", "logs", "talk")):
        shown = argosy_both.run(*words)
        assert shown.stdout == "out\ntab\there\r\n\nno newline"
        assert shown.stderr == "err\n"


def test_order_is_kept_where_both_streams_go_to_one_place(argosy: Program) -> None:
    script = "for i in 1 2 3 4 5; do echo out $i; sleep 0.02; echo err $i >&2; sleep 0.02; done"
    run(argosy, "mixed", script)
    shown = finish(argosy.start("logs", "mixed", stderr=subprocess.STDOUT))
    assert shown.lines == [f"{stream} {at}" for at in range(1, 6) for stream in ("out", "err")]


def test_terminal_s_output(argosy: Program) -> None:
    detached(argosy, "tty", "echo on a terminal; echo errors too >&2", "-t")
    argosy.run("wait", "tty")
    assert argosy.run("logs", "tty").stdout_bytes == b"on a terminal\r\nerrors too\r\n"


def test_bytes_and_long_lines_are_exact(argosy: Program) -> None:
    script = "head -c 300000 /bin/busybox; echo; head -c 100000 /dev/zero | tr '\\0' x"
    run(argosy, "binary", script)
    pipe = subprocess.PIPE
    direct = argosy.spawn(argosy.argv("run", "--rm", "--network", "none", "busybox", "sh", "-c", script), stdout=pipe)
    expected, _ = direct.communicate()
    shown, _ = argosy.spawn(argosy.argv("logs", "binary"), stdout=pipe).communicate()
    assert len(shown) == 400_001
    assert shown == expected


def test_nothing_was_written(argosy: Program) -> None:
    argosy.run("create", "--name", "new", "--network", "none", "busybox", "true")
    run(argosy, "silent", "true")
    for name in ("new", "silent"):
        for flags in ((), ("--tail", "5"), ("--follow",)):
            assert argosy.run("logs", *flags, name).stdout == ""


def test_runs_are_added_up(argosy: Program) -> None:
    run(argosy, "again", "echo run")
    argosy.run("start", "again")
    argosy.run("wait", "again")
    assert argosy.run("logs", "again").lines == ["run", "run"]


def test_timestamps(argosy: Program) -> None:
    run(argosy, "clock", "echo a; echo; printf b; sleep 0.1; echo c")
    shown = argosy.run("logs", "--timestamps", "clock").lines
    assert [re.sub(f"^{STAMP} ", "T ", line) for line in shown] == ["T a", "T ", "T bc"]


def test_tail(argosy: Program) -> None:
    run(argosy, "count", "seq 1 5000; sleep 0.3; echo last >&2")
    shown = argosy.run("logs", "--tail", "3", "count")
    assert (shown.lines, shown.stderr) == (["4999", "5000"], "last\n")
    assert argosy.run("logs", "--tail", "0", "count").stdout == ""
    assert argosy.run("logs", "--tail=-1", "count").stdout == "".join(f"{at}\n" for at in range(1, 5001))
    assert len(argosy.run("logs", "--tail", "9999", "count").lines) == 5000


def test_since_and_until(argosy: Program) -> None:
    run(argosy, "slow", "for i in 1 2 3 4; do echo $i; sleep 0.3; done")
    stamps = [line.split()[0] for line in argosy.run("logs", "-t", "slow").lines]
    assert argosy.run("logs", "--since", stamps[1], "slow").lines == ["2", "3", "4"]
    assert argosy.run("logs", "--until", stamps[2], "slow").lines == ["1", "2"]
    assert argosy.run("logs", "--since", stamps[1], "--until", stamps[3], "slow").lines == ["2", "3"]
    assert argosy.run("logs", "--since", "1h", "slow").lines == ["1", "2", "3", "4"]
    assert argosy.run("logs", "--until", "1h", "slow").lines == []
    assert argosy.run("logs", "--since", f"{time.time() + 60:.3f}", "slow").lines == []
    assert argosy.run("logs", "--since", "1h", "--tail", "1", "slow").lines == ["4"]


def test_follow_until_the_end(argosy_both: Program) -> None:
    detached(argosy_both, "slow", "for i in 1 2 3 4 5; do echo $i; sleep 0.15; done; echo end >&2")
    shown = argosy_both.run("logs", "--follow", "slow", timeout_s=30)
    assert (shown.lines, shown.stderr) == (["1", "2", "3", "4", "5"], "end\n")


def test_follow_shows_lines_at_once(argosy: Program) -> None:
    detached(argosy, "slow", "echo first; sleep 1; printf half; sleep 1; echo; sleep 600")
    following = argosy.start("logs", "-f", "slow")
    assert following.stdout is not None
    fd = following.stdout.fileno()
    began = time.monotonic()
    found = b""
    for expected in (b"first\n", b"first\nhalf", b"first\nhalf\n"):
        while len(found) < len(expected):
            found += os.read(fd, 100)
        assert found == expected
        assert following.poll() is None
    assert time.monotonic() - began < 8
    argosy.run("stop", "-t", "0", "slow")
    assert finish(following, timeout_s=10).stdout == ""


def test_follow_a_container_that_is_removed_at_its_end(argosy: Program) -> None:
    name = "gone"
    detached(argosy, name, "sleep 0.3; echo nearly; sleep 0.3; echo last words", "--rm")
    assert argosy.run("logs", "-f", name, timeout_s=30).lines == ["nearly", "last words"]


def test_follow_with_tail_begins_with_the_last_lines(argosy: Program) -> None:
    detached(argosy, "count", "seq 1 100; touch /ready; while [ ! -e /go ]; do sleep 0.05; done; echo new")
    while argosy.run("exec", "count", "test", "-e", "/ready", check=False).returncode:
        time.sleep(0.02)
    following = argosy.start("logs", "-f", "--tail", "2", "count")
    assert following.stdout is not None
    assert os.read(following.stdout.fileno(), 100) == b"99\n100\n"
    argosy.run("exec", "count", "touch", "/go")
    assert finish(following, timeout_s=30).lines == ["new"]


def test_follow_for_a_time(argosy: Program) -> None:
    detached(argosy, "endless", "while :; do echo tick; sleep 0.1; done")
    began = time.monotonic()
    shown = argosy.run("logs", "--follow", "--until", "1s", "endless", timeout_s=30)
    assert 0.9 < time.monotonic() - began < 6
    assert set(shown.lines) == {"tick"}


def test_follow_ends_when_nobody_reads(argosy: Program) -> None:
    detached(argosy, "quiet", "echo once; sleep 600")
    following = argosy.start("logs", "-f", "quiet")
    assert following.stdout is not None
    assert following.stdout.readline() == b"once\n"
    following.stdout.close()
    assert following.wait(10) in (0, 141)
    following.communicate()


def test_follow_when_the_log_is_replaced(argosy: Program) -> None:
    """conmon does so when the log has its largest size (log_size_max)."""
    conf = argosy.write("containers.conf", "[containers]\nlog_size_max = 8192\n")
    argosy.env["CONTAINERS_CONF_OVERRIDE"] = conf
    container_id = detached(argosy, "rolling", "for i in $(seq 1 400); do echo line $i; sleep 0.003; done")
    shown = argosy.run("logs", "-f", "rolling", timeout_s=60).lines
    assert os.path.getsize(f"{argosy.root}/containers/{container_id}/ctr.log") < 8400
    numbers = [int(line.split()[1]) for line in shown]
    assert numbers == list(range(1, 401))


def test_several_containers(argosy: Program) -> None:
    first = run(argosy, "first", "echo a; printf b")
    second = run(argosy, "second", "echo c")
    shown = argosy.run("logs", "first", "second", "first").lines
    assert shown == [f"{first[:12]} a", f"{first[:12]} b", f"{second[:12]} c"]
    assert argosy.run("logs", "--names", "first", "second").lines == ["first a", "first b", "second c"]
    assert argosy.run("logs", "--names", "second").lines == ["c"]
    stamped = argosy.run("logs", "-n", "-t", "first", "second").lines
    assert re.fullmatch(f"second {STAMP} c", stamped[2])


def test_follow_several_containers(argosy: Program) -> None:
    detached(argosy, "quick", "sleep 0.2; echo q1; sleep 0.2; echo q2")
    detached(argosy, "slow", "sleep 0.3; echo s1; sleep 1; echo s2")
    shown = argosy.run("logs", "-f", "-n", "quick", "slow", timeout_s=30).lines
    assert sorted(shown) == ["quick q1", "quick q2", "slow s1", "slow s2"]
    assert shown.index("quick q2") < shown.index("slow s2")


def test_latest(argosy: Program) -> None:
    run(argosy, "old", "echo old")
    run(argosy, "new", "echo new")
    assert argosy.run("logs", "--latest").stdout == "new\n"


def test_damaged_lines_are_told_and_hide_nothing(argosy: Program) -> None:
    container_id = run(argosy, "hurt", "echo one")
    with open(f"{argosy.root}/containers/{container_id}/ctr.log", "ab") as log:
        log.write(b"\0" * 100 + b"\nnonsense\n")
    argosy.run("start", "hurt")
    argosy.run("wait", "hurt")
    shown = argosy.run("logs", "hurt")
    assert shown.lines == ["one", "one"]
    assert shown.stderr == "Error: 2 lines of the log of container hurt are damaged\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "specify at least one container name or ID to log"),
        (("nobody",), 'no container with name or ID "nobody" found: no such container'),
        (("--latest", "talk"), "--latest and containers cannot be used together"),
        (("--latest",), "there are no containers"),
        (("--tail", "all", "talk"), 'invalid argument "all" for "--tail" flag'),
    ],
)
def test_refused(argosy: Program, args: tuple[str, ...], message: str) -> None:
    refused = argosy.run("logs", *args, check=125)
    assert message in refused.stderr
    assert refused.stdout == ""


def test_refused_times(argosy: Program) -> None:
    run(argosy, "talk", "echo out")
    for flag in ("since", "until"):
        refused = argosy.run("logs", f"--{flag}", "foo", "talk", check=125)
        assert f'parsing --{flag} "foo": unable to interpret time value' in refused.stderr


def test_driver_that_keeps_nothing(argosy: Program) -> None:
    argosy.env["CONTAINERS_CONF_OVERRIDE"] = argosy.write("containers.conf", '[containers]\nlog_driver = "none"\n')
    run(argosy, "mute", "echo out")
    refused = argosy.run("logs", "mute", check=125)
    assert "this container is using the 'none' log driver, cannot read logs" in refused.stderr


def test_a_log_goes_into_files_alone(argosy_both: Program) -> None:
    """Through a link of the user's own, as with podman, not through another's; a FIFO would hold everybody up."""
    program = argosy_both
    kept, link, fifo = (f"{program.files}/{name}" for name in ("kept", "link", "fifo"))
    program.call("ln", "-s", kept, link)
    program.call("mkfifo", fifo)
    run(program, "linked", "echo out", "--log-opt", f"path={link}")
    assert program.run("logs", "linked").stdout == "out\n"
    assert os.path.getsize(kept) > 0
    run(program, "nowhere", "echo out", "--log-opt", "path=/dev/null")
    assert program.run("logs", "nowhere").stdout == ""
    words = ("create", "--network", "none", "--log-opt")
    refused = program.run(*words, f"path={fifo}", "busybox", check=125, timeout_s=20)
    assert "it is a FIFO" in refused.stderr
    program.run(*words, f"path={program.files}/new", "--name", "late", "busybox", "true")
    program.call("mkfifo", f"{program.files}/new")
    for command in (("start", "late"), ("logs", "late")):
        assert "it is a FIFO" in program.run(*command, check=125, timeout_s=20).stderr


@host.needs_root
def test_a_link_of_another_user_leads_no_log_away(argosy: Program) -> None:
    link = f"{argosy.files}/link"
    os.symlink(f"{argosy.files}/target", link)
    os.chown(link, 12345, 12345, follow_symlinks=False)
    refused = argosy.run("create", "--log-opt", f"path={link}", "busybox", check=125)
    assert "it is a link of another user's" in refused.stderr
