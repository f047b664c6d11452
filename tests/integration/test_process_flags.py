"""The flags about a container's process, users, environment, log and life, seen from inside: many in one container."""

from __future__ import annotations

import os
import pwd
import socket
import time
from pathlib import Path

import pytest

from tests.rig import host
from tests.rig.program import Program

RUNTIMES = [name for name in ("crun", "runc") if host.program(name)]
TEMPLATE = "$USERNAME:x:$UID:$GID:the $NAME:$HOME:/bin/sh"


def wait_until_gone(program: Program, *arguments: str) -> None:
    """Wait until a command that looks for something says that it is not there."""
    limit = time.monotonic() + 20
    while program.run(*arguments, check=False).returncode == 0:
        assert time.monotonic() < limit, f"{arguments} is still there"
        time.sleep(0.02)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_environment_users_and_time(shared_both: Program, runtime: str) -> None:
    image = shared_both.busybox()
    me = pwd.getpwuid(shared_both.uid)
    env_file = shared_both.write("env", "# comment\nFROM_FILE=f\nFROM_HOST\nOVER=file\n")
    label_file = shared_both.write("labels", "# comment\nfile=1\nboth=file\n")
    script = (
        "env; echo umask $(umask); echo zone $(date +%Z); id; cat /etc/passwd /etc/group; "
        "cat /ch/etc/hostname; ls -A /ch/etc | tr '\\n' ' '"
    )
    done = shared_both.run(
        *("--runtime", runtime, "run", "--name", "it", "--label-file", label_file, "--label", "both=flag"),
        *("--env-file", env_file, "-e", "OVER=flag", "--env-merge", "PATH=${PATH}:/x", "--unsetenv", "TERM"),
        *("--user", "1234:5678", "--group-add", "9", "--passwd-entry", TEMPLATE, "--group-entry", "g$GID:x:$GID:"),
        *("--hostuser", me.pw_name, "--umask", "27", "--tz", "Asia/Tokyo", "--chrootdirs", "/ch", "-w", "/tmp"),
        *("--hostname", "box", image, "sh", "-c", script),
        env={"FROM_HOST": "h", "http_proxy": "http://p", "SECRET": "s"},
    )
    env = dict(line.partition("=")[::2] for line in done.lines if "=" in line)
    assert (env["FROM_FILE"], env["FROM_HOST"], env["OVER"]) == ("f", "h", "flag")
    assert env["PATH"].endswith("/bin:/x")
    assert env["http_proxy"] == "http://p"
    assert "TERM" not in env
    assert "SECRET" not in env
    assert env["HOME"] == "/tmp"
    assert "umask 0027" in done.lines
    assert "zone JST" in done.lines
    assert any(line.startswith("uid=1234(1234) gid=5678") and "9" in line for line in done.lines)
    assert "1234:x:1234:5678:the container user:/tmp:/bin/sh" in done.lines or me.pw_uid == 1234
    assert "g5678:x:5678:" in done.lines
    if me.pw_uid != 0:
        assert any(line.startswith(f"{me.pw_name}:x:{me.pw_uid}:") for line in done.lines)
    assert "box" in done.lines
    assert "hostname hosts" in done.stdout.replace("\n", " ")
    described = shared_both.run("inspect", "it").json()[0]
    config = described["Config"]
    assert (config["Umask"], config["Timezone"], config["ChrootDirs"]) == ("0027", "Asia/Tokyo", ["/ch"])
    assert config["Labels"] == {"file": "1", "both": "flag"}
    assert described["HostConfig"]["GroupAdd"] == ["9"]
    shared_both.run("rm", "it")


def test_bare_environment_and_no_account(shared_both: Program) -> None:
    image = shared_both.busybox()
    done = shared_both.run(
        *("run", "--rm", "--unsetenv-all", "--http-proxy=false", "-e", "A=b", "--user", "1234", "--passwd=false"),
        *("--hostname", "box", image, "/bin/env"),
        env={"http_proxy": "http://p"},
    )
    assert set(done.lines) == {"A=b", "HOME=/", "HOSTNAME=box"}
    unknown = ("run", "--rm", "--user", "1234", "--passwd=false", image, "grep", "-c", "1234", "/etc/passwd")
    assert shared_both.run(*unknown, check=1).lines == ["0"]


def test_all_of_the_callers_environment(shared_both: Program) -> None:
    image = shared_both.busybox()
    shared_both.run("create", "--env-host", "-e", "B=flag", "--name", "it", image, "env", env={"A": "host", "B": "h"})
    found = shared_both.run("start", "-a", "it", env={"A": "later"}).lines
    assert {"A=host", "B=flag"} <= set(found)
    shared_both.run("rm", "it")


def test_defaults_of_containers_conf(shared_both: Program) -> None:
    image = shared_both.busybox()
    text = '[containers]\ntz="Asia/Tokyo"\numask="0077"\nlog_driver="none"\nenv_host=true\nenv=["CONF=1"]\n'
    env = {"CONTAINERS_CONF": shared_both.write("containers.conf", text), "CALLER": "c"}
    script = "date +%Z; umask; echo $CONF $CALLER"
    shared_both.run("create", "--name", "it", image, "sh", "-c", script, env=env)
    # What it got when it was created it keeps, whatever the file says later.
    assert shared_both.run("start", "-a", "it").lines == ["JST", "0077", "c"]
    assert "'none' log driver" in shared_both.run("logs", "it", check=125).stderr
    shared_both.run("rm", "it")
    flags = ("--tz", "UTC", "--umask", "7", "--env-host=false", "--log-driver", "k8s-file")
    found = shared_both.run("run", "--rm", *flags, image, "sh", "-c", script, env=env).lines
    assert found == ["UTC", "0007", "1"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_systemd_and_descriptors(shared_both: Program, runtime: str) -> None:
    image = shared_both.busybox()
    path = shared_both.write("handed", "what was handed on\n")
    fds = [os.open(path, os.O_RDONLY) for _ in range(2)]
    shell = f'exec 3<&{fds[0]} 4<&{fds[1]}; exec "$@"'
    script = "cat <&3; cat <&4; cut -d' ' -f2,3 /proc/mounts; env"
    arguments = ["run", "--name", "it", "--systemd", "always", "--preserve-fds", "2", image, "sh", "-c", script]
    argv = ["bash", "-c", shell, "bash", *shared_both.argv("--runtime", runtime, *arguments)]
    process = shared_both.spawn(argv, pass_fds=fds, stdout=-1, stderr=-1)
    output, errors = process.communicate(timeout=60)
    for fd in fds:
        os.close(fd)
    assert process.returncode == 0, errors
    lines = output.decode().splitlines()
    assert lines.count("what was handed on") == 2
    assert {f"{place} tmpfs" for place in ("/run", "/run/lock", "/tmp", "/var/log/journal")} <= set(lines)
    described = shared_both.run("inspect", "it").json()[0]
    assert f"container_uuid={described['Id'][:32]}" in lines
    assert (described["Config"]["SystemdMode"], described["Config"]["StopSignal"]) == (True, 37)
    shared_both.run("rm", "it")
    done = shared_both.run("run", "--rm", "--preserve-fds", "9", image, "true", check=125)
    assert "is not available - the preserve-fds option requires that file descriptors must be passed" in done.stderr


@pytest.mark.skipif("crun" not in RUNTIMES, reason="crun is not installed")
def test_what_only_crun_does(shared_both: Program) -> None:
    image = shared_both.busybox()
    done = shared_both.run(
        *("--runtime", "crun", "run", "--rm", "--personality", "LINUX32", "--group-add", "keep-groups", image),
        *("uname", "-m"),
    )
    assert done.stdout.strip() != os.uname().machine or os.uname().machine == "i686"
    if "runc" in RUNTIMES:
        refused = ("--runtime", "runc", "run", "--rm", "--group-add", "keep-groups", image, "true")
        assert "runc cannot keep the groups" in shared_both.run(*refused, check=125).stderr
    assert shared_both.run("ps", "-aq").lines == []


def test_logs_and_where_they_are(shared_both: Program) -> None:
    image = shared_both.busybox()
    path = f"{shared_both.files}/own.log"
    words = "i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); done; echo last"
    options = ("--log-driver", "json-file", "--log-opt", f"path={path}", "--log-opt", "max-size=1k")
    shared_both.run("run", "--name", "file", *options, image, "sh", "-c", words)
    assert os.path.getsize(path) < 1000
    assert shared_both.run("logs", "file").lines[-1] == "last"
    config = shared_both.run("inspect", "file").json()[0]["HostConfig"]["LogConfig"]
    assert config == {"Type": "json-file", "Config": None, "Path": path, "Tag": "", "Size": "1kB"}
    assert shared_both.run("run", "--name", "no", "--log-driver", "none", image, "echo", "x").lines == ["x"]
    passed = ("run", "--name", "passed", "--log-driver", "passthrough", image, "sh", "-c", "echo x; exit 3")
    assert shared_both.run(*passed, check=3).lines == ["x"]
    for name, driver in (("no", "none"), ("passed", "passthrough")):
        done = shared_both.run("logs", name, check=125)
        assert f"this container is using the '{driver}' log driver, cannot read logs" in done.stderr
    shared_both.run("rm", "file", "no", "passed")
    os.unlink(path)


def test_required_replaced_and_removed_with_the_image(shared_both: Program) -> None:
    image = shared_both.busybox()
    shared_both.run("create", "--name", "base", "--stop-signal", "KILL", image, "sleep", "100")
    shared_both.run("create", "--name", "top", "--requires", "base", image, "sleep", "100")
    base = shared_both.run("inspect", "--format", "{{.Id}}", "base").stdout.strip()
    assert shared_both.run("inspect", "top").json()[0]["Dependencies"] == [base]
    shared_both.run("start", "top")
    assert sorted(shared_both.run("ps", "--format", "{{.Names}}").lines) == ["base", "top"]
    assert "has dependent containers" in shared_both.run("rm", "-f", "base", check=125).stderr
    relied_on = ("create", "--name", "base", "--replace", image)
    assert "has dependent containers" in shared_both.run(*relied_on, check=125).stderr
    # Nothing is replaced by what cannot be made.
    bad = ("create", "--name", "base", "--replace", "--tz", "No/Where", image)
    assert "No/Where: no such file or directory" in shared_both.run(*bad, check=125).stderr
    assert shared_both.run("inspect", "--format", "{{.State.Status}}", "base").stdout == "running\n"
    shared_both.run("rm", "-ft0", "top")
    made = shared_both.run("run", "-d", "--name", "base", "--replace", image, "sleep", "50").stdout.strip()
    assert shared_both.run("ps", "-aq", "--no-trunc").lines == [made]
    shared_both.run("rm", "-ft0", "base")
    shared_both.run("tag", image, "other")
    shared_both.run("run", "--rmi", "other", "true")
    assert shared_both.run("image", "exists", "other", check=False).returncode == 1
    shared_both.run("tag", image, "other")
    shared_both.run("run", "-d", "--rm", "--rmi", "other", "true")
    wait_until_gone(shared_both, "image", "exists", "other")
    assert shared_both.run("ps", "-aq").lines == []
    shared_both.run("image", "exists", image)


def test_time_out_pid_files_and_readiness(shared_both: Program) -> None:
    image = shared_both.busybox()
    assert shared_both.run("run", "--rm", "--timeout", "1", image, "sleep", "60", check=255).stdout == ""
    path = f"{shared_both.files}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(path)
        os.chmod(path, 0o666)
        door.settimeout(20)
        pids = [f"{shared_both.files}/{name}" for name in ("conmon.pid", "pid")]
        files = ("--conmon-pidfile", pids[0], "--pidfile", pids[1], "--cidfile", f"{shared_both.files}/cid")
        run = ("run", "-d", "--name", "it", *files, "--sdnotify", "conmon", image, "sh", "-c")
        shared_both.run(*run, "env; sleep 60", env={"NOTIFY_SOCKET": path})
        conmon, pid = (int(Path(file).read_text()) for file in pids)
        assert door.recv(1000).decode() == f"MAINPID={conmon}\nREADY=1"
    os.unlink(path)
    described = shared_both.run("inspect", "it").json()[0]
    assert (described["State"]["Pid"], described["State"]["ConmonPid"]) == (pid, conmon)
    assert (described["ConmonPidFile"], described["PidFile"]) == tuple(pids)
    assert described["HostConfig"]["ContainerIDFile"] == f"{shared_both.files}/cid"
    assert "NOTIFY_SOCKET" not in shared_both.run("logs", "it").stdout
    shared_both.run("rm", "-ft0", "it")
    os.unlink(f"{shared_both.files}/cid")


REFUSED = [
    (("--umask", "9"), "invalid umask string 9: invalid argument"),
    (("--tz", "../../etc/hostname"), "no such file or directory"),
    (("--hostuser", "no-such-user"), "user: unknown user no-such-user"),
    (("--requires", "nosuch"), '"nosuch" is not a valid container, cannot be used as a dependency'),
    (("--seccomp-policy", "image"), "no seccomp policy defined by image"),
    (("--init-ctr", "once"), "must specify pod value with init-ctr"),
    (("--init", "--init-path", "/nowhere"), "container-init binary not found on the host: stat /nowhere"),
    (("--rm", "--restart", "always"), "the --rm option conflicts with --restart"),
    (("--passwd=false", "--passwd-entry", "x"), "--passwd-entry cannot be given with --passwd=false"),
    (("--replace",), "cannot replace container without --name being set"),
    (("--platform", "linux/amd64", "--arch", "arm64"), "can not be specified with --arch or --os"),
    (("--log-driver", "foo"), "invalid log driver: invalid argument"),
    (("--log-opt", "path=/nowhere/at/all"), "there is no such directory"),
    (("--label-file", "/nowhere"), "unable to process labels: open /nowhere: no such file or directory"),
    (("--env-file", "/nowhere"), 'parsing env file "/nowhere": open /nowhere: no such file or directory'),
    (("--attach", "foo"), 'invalid stream "foo" for --attach'),
    (("--timeout", "-1"), 'invalid argument "-1" for "--timeout" flag'),
    (("--timeout", "2147483648"), "at most 2147483647 seconds"),
    (("--log-opt", "path=/tmp"), "cannot write a log to /tmp: it is a directory"),
    (("--log-opt", "path=/dev/zero"), "cannot write a log to /dev/zero: it is a character device"),
]


def test_nothing_is_made_of_what_is_refused(shared_both: Program) -> None:
    image = shared_both.busybox()
    for flags, message in REFUSED:
        done = shared_both.run("create", *flags, image, "true", check=125)
        assert message in done.stderr, flags
    for flags, message in (
        (("--rmi", "--rm=false"), "the --rmi option does not work without --rm"),
        (("-d", "--attach", "stdout"), "cannot specify the --attach and --detach options at the same time"),
        (("--rmi", "--restart", "always"), "the --rm option conflicts with --restart"),
    ):
        assert message in shared_both.run("run", *flags, image, "true", check=125).stderr, flags
    assert shared_both.run("ps", "-aq").lines == []
    if not os.path.exists("/run/systemd/journal/socket"):
        done = shared_both.run("create", "--log-driver", "journald", image, "true", check=125)
        assert "failed to initialize journal" in done.stderr
