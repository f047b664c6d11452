"""`restart`, `rename`, `port`, `rm --depend`, `wait --condition`, `container prune --filter`, `ps --watch`, `top`."""

from __future__ import annotations

import json
import os

import pytest

from argosy.spec.options import ContainerOptions, PortMapping
from tests.rig.program import Program


@pytest.fixture
def program(shared_both: Program) -> Program:
    """The module's program, with the image there and no container."""
    shared_both.busybox()
    shared_both.run("rm", "--all", "--force", "--time", "0")
    return shared_both


def start(program: Program, name: str, *flags: str, command: tuple[str, ...] = ("sleep", "1000")) -> str:
    words = ("run", "-d", "--name", name, "--network", "none", *flags, "busybox", *command)
    return program.run(*words).stdout.strip()


def create(program: Program, name: str, *flags: str) -> str:
    return program.run("create", "--name", name, "--network", "none", *flags, "busybox", "true").stdout.strip()


def field(program: Program, name: str, template: str) -> str:
    return program.run("inspect", "--format", template, name).stdout.strip()


def names(program: Program, *flags: str) -> list[str]:
    return sorted(program.run("ps", "-a", "--format", "{{.Names}}", *flags).lines)


def test_restart(program: Program) -> None:
    """A new process, the same container; --running passes over what does not run, a wrong name stops nothing."""
    start(program, "one")
    create(program, "two")
    before = field(program, "one", "{{.State.Pid}}")
    assert program.run("restart", "-t", "0", "one").lines == ["one"]
    again = field(program, "one", "{{.State.Pid}}")
    assert again not in ("0", before)
    assert len(program.run("restart", "--running", "-t", "0").lines) == 1
    assert program.run("restart", "--running", "-t", "0", "two").lines == []
    last = field(program, "one", "{{.State.Pid}}")
    assert last != again
    done = program.run("restart", "one", "nosuch", "-t", "0", check=125)
    assert 'no container with name or ID "nosuch" found' in done.stderr
    assert field(program, "one", "{{.State.Pid}}") == last
    assert program.run("restart", "-t", "0", "two").lines == ["two"]
    assert program.run("wait", "two").lines == ["0"]
    assert "no arguments are needed with --all" in program.run("restart", "--all", "one", check=125).stderr


def test_restart_keeps_a_container_made_with_rm(program: Program) -> None:
    """It is the same one afterwards, and goes when it ends."""
    container_id = start(program, "brief", "--rm")
    program.run("restart", "-t", "0", "brief")
    assert field(program, "brief", "{{.Id}} {{.State.Running}}") == f"{container_id} true"
    program.run("stop", "-t", "0", "brief")
    program.run("container", "exists", "brief", check=1)


def test_rename(program: Program) -> None:
    container_id = start(program, "old", "--hostname", "steady")
    create(program, "other")
    follower = create(program, "follower", "--ipc", "container:old")
    assert program.run("rename", "old", "new").stdout == ""
    assert names(program) == ["follower", "new", "other"]
    assert field(program, "new", "{{.Id}} {{.Name}}") == f"{container_id} new"
    program.run("container", "exists", "old", check=1)
    assert program.run("exec", "new", "hostname").lines == ["steady"]
    assert field(program, "follower", "{{.Dependencies}}") == f"[{container_id}]"
    assert program.run("ps", "-aq", "--no-trunc", "--filter", "name=^new$").lines == [container_id]
    program.run("rename", container_id[:12], "old")
    program.run("rename", "old", "old")
    assert "name other already in use" in program.run("rename", "old", "other", check=125).stderr
    for bad in ("", "a/b", "-x", ".", "a b"):
        done = program.run("rename", "--", "old", bad, check=125)
        assert "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*" in done.stderr
    assert names(program) == ["follower", "old", "other"]
    program.run("rm", "other")
    program.run("rename", "old", "other")
    assert follower in program.run("ps", "-aq", "--no-trunc").lines


def test_rename_that_was_killed_half_way(program: Program) -> None:
    """changes.json says the new name, the link is still the old one: the same command again completes it."""
    container_id = create(program, "old")
    program.run("rename", "old", "new")
    links = f"{program.root}/names/containers"
    os.rename(f"{links}/new", f"{links}/old")
    assert names(program) == ["new"]
    program.run("rename", "old", "new")
    assert os.listdir(links) == ["new"]
    os.rename(f"{links}/new", f"{links}/old")
    found = program.run("system", "check", check=False)
    assert "it is found as old, and called new" in found.stdout + found.stderr
    program.run("system", "check", "--repair", check=False)
    assert names(program) == ["old"]
    program.run("system", "check")
    assert program.run("container", "inspect", "old").json()[0]["Id"] == container_id


def test_port_of_a_container_without_any(program: Program) -> None:
    start(program, "plain")
    assert program.run("port", "plain").stdout == ""
    assert program.run("port", "--all").stdout == ""
    assert program.run("port", "--latest", "80/udp").stdout == ""
    for words, message in (
        ((), "you must supply a running container name or id"),
        (("nosuch",), 'no container with name or ID "nosuch" found'),
        (("plain", "x"), 'strconv.ParseUint: parsing "x": invalid syntax'),
        (("plain", "70000"), 'strconv.ParseUint: parsing "70000": value out of range'),
        (("--all", "plain"), "no arguments are needed with --all"),
    ):
        assert message in program.run("port", *words, check=125).stderr


def test_filters_choose(program: Program) -> None:
    """start, stop, restart, rm and prune choose as ps does."""
    for name in ("red1", "red2", "blue"):
        start(program, name, "--label", f"color={name.rstrip('12')}")
    ids = sorted(program.run("ps", "-q", "--no-trunc", "--filter", "label=color=red").lines)
    assert sorted(program.run("stop", "-t", "0", "--filter", "label=color=red").lines) == ids
    assert names(program, "--filter", "status=running") == ["blue"]
    assert sorted(program.run("start", "--filter", "label=color=red").lines) == ids
    assert program.run("start", "--filter", "label=color=red").lines == []
    assert sorted(program.run("restart", "-t", "0", "--filter", "label=color=red").lines) == ids
    program.run("stop", "-t", "0", "--filter", "name=red")
    pruned = program.run("container", "prune", "--force", "--filter", "label!=color=red").lines
    assert pruned == []
    assert (
        program.run("container", "prune", "--force", "--filter", "label=color=red", "--filter", "until=24h").lines == []
    )
    assert sorted(program.run("container", "prune", "--force", "--filter", "label=color=red").lines) == ids
    assert len(program.run("rm", "--force", "-t", "0", "--filter", "label=color").lines) == 1
    assert names(program) == []
    for command in ("start", "stop", "restart", "rm"):
        assert "foo is an invalid filter" in program.run(command, "--filter", "foo=1", check=125).stderr
        assert "--filter takes no arguments" in program.run(command, "--filter", "id=0", "x", check=125).stderr
    done = program.run("container", "prune", "--force", "--filter", "name=x", check=125)
    assert "name is an invalid filter" in done.stderr
    done = program.run("container", "prune", "--force", "--filter", "label", check=125)
    assert "filter input must be in the form of filter=value: label is invalid" in done.stderr


def test_start_all_and_latest(program: Program) -> None:
    first, second = start(program, "first"), create(program, "second")
    assert program.run("start", "--all").lines == [second]
    assert program.run("start", "--latest").lines == [second]
    assert program.run("exec", "--latest", "true", check=255).stdout == ""
    program.run("rm", "second")
    assert program.run("exec", "--latest", "echo", "hi").lines == ["hi"]
    assert "attach multiple containers" in program.run("start", "--attach", first, "x", check=125).stderr
    done = program.run("start", "--all", "first", check=125)
    assert "either start all containers or the container(s) provided" in done.stderr
    done = program.run("start", "--attach", "--all", check=125)
    assert "you cannot start and attach all containers at once" in done.stderr
    done = program.run("exec", check=125)
    assert "exec requires the name or ID of a container or the --latest flag" in done.stderr


def test_rm_of_what_others_rely_on(program: Program) -> None:
    owner = start(program, "owner")
    middle = create(program, "middle", "--ipc", "container:owner")
    last = create(program, "last", "--uts", "container:middle")
    done = program.run("rm", "--force", "owner", check=125)
    assert f"container {owner} has dependent containers which must be removed before it: {middle}" in done.stderr
    assert names(program) == ["last", "middle", "owner"]
    assert program.run("rm", "--force", "-t", "0", "--depend", "owner").lines == [last, middle, owner]
    start(program, "owner")
    create(program, "middle", "--ipc", "container:owner")
    assert len(program.run("rm", "--force", "-t", "0", "--all").lines) == 2
    assert program.run("create", "--ipc", "container:gone", "busybox", check=125).stdout == ""


def test_wait_for_conditions(program: Program) -> None:
    create(program, "new")
    start(program, "busy")
    assert program.run("wait", "--condition", "created", "new").lines == ["-1"]
    assert program.run("wait", "--condition", "stopped,running", "busy").lines == ["-1"]
    waiting = program.start("wait", "--interval", "10ms", "--condition", "paused", "--condition", "stopped", "busy")
    program.run("kill", "busy")
    assert waiting.communicate(timeout=20)[0] == b"137\n"
    done = program.run("wait", "--condition", "nonsense", "busy", check=125)
    assert "unknown container state: nonsense: invalid argument" in done.stderr


def test_ps_shapes(program: Program) -> None:
    """--pod adds two columns, --watch comes again, docker has a table and a document of its own."""
    container_id = start(program, "shown", "--label", "b=2", "--label", "a=1")
    heading, row = program.run("ps", "--pod").lines
    assert heading.split()[-4:] == ["NAMES", "POD", "ID", "PODNAME"]
    assert row.split()[-1] == "shown"
    watching = program.start("ps", "--watch", "1", "--format", "{{.Names}}", "--external")
    assert watching.stdout is not None
    assert [watching.stdout.readline() for _ in range(2)] == [b"shown\n"] * 2
    watching.kill()
    watching.communicate()
    (fields,) = map(json.loads, program.run("ps", "--format", "json", name="docker").lines)
    assert fields["ID"] == container_id[:12]
    assert fields["Command"] == '"sleep 1000"'
    assert fields["Labels"] == "a=1,b=2"
    assert fields["Status"].startswith("Up ") and not fields["Status"].endswith("ago")
    create(program, "later")
    assert [row.split()[-1] for row in program.run("ps", "-a", name="docker").lines[1:]] == ["later", "shown"]
    assert program.run("ps", "--format", "{{.Names}}: {{.State}}", name="docker").lines == ["shown: running"]


def test_inspect_in_docker_form(program: Program) -> None:
    container_id = create(program, "it", "--entrypoint", '["sh","-c"]', "--stop-signal", "INT", "-v", "data:/d")
    (found,) = program.run("inspect", "/it", name="docker").json()
    assert found["Id"] == container_id
    assert found["Name"] == "/it"
    assert found["Image"].startswith("sha256:")
    assert found["Config"]["Entrypoint"] == ["sh", "-c"]
    assert found["Config"]["Cmd"] == ["true"]
    assert found["Config"]["StopSignal"] == "SIGINT"
    assert found["Config"]["Labels"] == {}
    assert found["HostConfig"]["RestartPolicy"]["Name"] == "no"
    assert found["HostConfig"]["PidMode"] == ""
    assert found["Mounts"][0]["Name"] == "data"
    assert list(found["NetworkSettings"]["Networks"]) == ["none"]
    assert "BoundingCaps" not in found
    assert "ConmonPid" not in found["State"]
    assert "No such object: gone" in program.run("inspect", "gone", name="docker", check=1).stderr
    (ours,) = program.run("inspect", "it").json()
    assert ours["Config"]["Entrypoint"] == "sh -c"


def test_top(program: Program) -> None:
    """What /proc says, and for words that are no descriptors what the container's own ps prints."""
    start(program, "busy", "--user", "65534:5", "--cap-drop", "all")
    words = ("user", "ruser", "rgroup", "capeff", "capbnd", "groups", "pid", "hpid", "args")
    headings, values = (line.split() for line in program.run("top", "busy", *words).lines)
    assert headings == [
        *("USER", "RUSER", "RGROUP", "EFFECTIVE", "CAPS", "BOUNDING", "CAPS", "GROUPS", "PID", "HPID", "COMMAND")
    ]
    assert values[2:5] == ["5", "none", "none"]
    assert values[-4:] == ["1", field(program, "busy", "{{.State.Pid}}"), "sleep", "1000"]
    by_ps = program.run("top", "busy", "--", "-o", "pid,args").lines
    assert by_ps[0].split()[0] == "PID"
    assert any("sleep 1000" in line for line in by_ps)
    assert not any("-o pid,args" in line for line in by_ps)
    assert "executing ps(1) in the container" in program.run("top", "busy", "--nonsense", check=125).stderr
    known = program.run("top", "--list-descriptors").lines
    assert known == sorted(known)
    assert len(program.run("top", "busy", ",".join(known)).lines) == 2


def test_logs_in_colors(program: Program) -> None:
    for name in ("one", "two"):
        program.run("run", "--name", name, "--network", "none", "busybox", "echo", name)
    shown = program.run("logs", "--color", "--names", "one", "two").stdout
    assert sorted(shown.splitlines()) == ["\x1b[31mtwo two\x1b[0m", "\x1b[37mone one\x1b[0m"]


def test_cleanup_of_sessions_and_images(program: Program) -> None:
    start(program, "busy")
    done = program.run("container", "cleanup", "--exec", "abc", "busy", check=125)
    assert "has no exec session with ID abc: no such exec session" in done.stderr
    session = program.run("exec", "-d", "busy", "sleep", "1000").stdout.strip()
    done = program.run("container", "cleanup", "--exec", session, "busy", check=125)
    assert "as it is running: container state improper" in done.stderr
    done = program.run("container", "cleanup", "--rmi", "busy", check=125)
    assert "is running or paused, refusing to clean up: container state improper" in done.stderr
    program.run("stop", "-t", "0", "busy")
    program.run("container", "cleanup", "--rm", "--rmi", "busy")
    program.run("container", "exists", "busy", check=1)
    program.run("image", "exists", "busybox", check=1)


def test_ports_are_part_of_the_record() -> None:
    mapping = PortMapping(80, 8080, "127.0.0.1", "tcp,udp", 2)
    options = ContainerOptions(image="x", ports=(mapping,))
    assert ContainerOptions.from_json(options.to_json()).ports == (mapping,)
    from argosy.containers import ports

    assert list(ports.published(options.to_json())) == [
        *((80, "tcp", "127.0.0.1", 8080), (81, "tcp", "127.0.0.1", 8081)),
        *((80, "udp", "127.0.0.1", 8080), (81, "udp", "127.0.0.1", 8081)),
    ]


def test_flags_that_do_nothing_say_so(program: Program) -> None:
    """Docker's scripts give them: they are not refused, and not passed over in silence."""
    done = program.run(*("create", "--log-opt", "max-file=3", "--log-opt", "max-size=1m"), "busybox")
    assert "the log option max-file is docker's and has no effect" in done.stderr
    assert "max-size" not in done.stderr
    assert "--kernel-memory flag is no longer supported" in program.run("create", "--kernel-memory=1", "busybox").stderr
