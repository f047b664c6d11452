"""The flags that docker has and podman does not, under docker's name."""

from __future__ import annotations

import pytest

from tests.rig import host
from tests.rig.program import Completed, Program

NONE = ("--network", "none")
LOOP = 'trap "rm /ready; echo usr; exit 3" USR1; echo one; echo two; touch /ready; while :; do sleep 0.05; done'
UNTIL_READY = ("exec", "it", "sh", "-c", "until [ -e /ready ]; do :; done")


@pytest.mark.parametrize("runtime", ["crun", "runc"])
def test_domain_name(shared_program: Program, runtime: str) -> None:
    flags = ("--runtime", runtime, "--hostname", "box", "--domainname", "example.com", *NONE)
    command = (shared_program.busybox(), "sh", "-c", "cat /proc/sys/kernel/domainname; hostname")
    done = shared_program.run("run", "--name", f"with-{runtime}", *flags, *command, name="docker")
    assert done.lines == ["example.com", "box"]
    shown = shared_program.run("inspect", "-f", "{{.Config.Domainname}}", f"with-{runtime}", name="docker")
    assert shown.stdout == "example.com\n"


def test_signals_and_logs(shared_program: Program) -> None:
    options = ("--log-opt", "labels=a", "--log-opt", "labels-regex=^c", "--log-opt", "env=X,Y")
    labels = ("--label", "a=b", "--label", "c=d e", "--label", "x=y", "-e", "X=1")
    command = (shared_program.busybox(), "sh", "-c", LOOP)
    shared_program.run("run", "-d", "--name", "it", *NONE, *labels, *options, *command, name="docker")
    shared_program.run(*UNTIL_READY)
    shared_program.run("restart", "--signal", "USR1", "--timeout", "60", "it", name="docker")
    shared_program.run(*UNTIL_READY)
    ended = shared_program.run("inspect", "-f", "{{.State.Running}} {{.State.FinishedAt}}", "it").stdout
    assert ended.startswith("true 2"), "the end of the run before is known"
    assert int(shared_program.run("ps", "--format", "{{.ExitedAt}}").stdout) > 0
    for word in ("stop", "restart"):
        assert 'invalid signal "FOO"' in shared_program.run(word, "-s", "FOO", "it", name="docker", check=1).stderr
    shared_program.run("stop", "-s", "USR1", "-t", "60", "it", name="docker")
    assert shared_program.run("inspect", "-f", "{{.State.ExitCode}}", "it").stdout == "3\n"

    def logs(*flags: str) -> list[str]:
        return shared_program.run("logs", *flags, "it", name="docker").lines

    assert logs("--tail", "all") == ["one", "two", "usr"] * 2
    assert logs("-n", "1") == ["usr"]
    assert logs("--details", "-n", "2") == ["X=1,a=b,c=d+e two", "X=1,a=b,c=d+e usr"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("run", "--isolation", "process"), "invalid isolation 'process' on linux"),
        (("run", "--volume-driver", "nfs"), 'plugin "nfs" not found'),
        (("run", "--use-api-socket"), "--use-api-socket: no daemon listens"),
        (("run", "--link-local-ip", "169.254.1.1"), "--link-local-ip is not supported"),
        (("run", "--link", "nosuch"), "can't be used with links"),
        (("run", "--domainname", "a b"), "invalid domain name 'a b'"),
        (("run", "--domainname", "a" * 65), "give at most 64 bytes"),
        (("run", "--domainname", "a", "--uts", "host"), "conflicting options: domainname and the UTS mode"),
        (("create", "--domainname", "a\n"), "invalid domain name"),
        (("rm", "--link"), "--link removes docker's legacy links"),
    ],
)
def test_refused(shared_program: Program, flags: tuple[str, ...], said: str) -> None:
    more, status = (() if flags[0] == "rm" else NONE), 125 if flags[0] == "run" else 1
    done = shared_program.run(*flags, *more, "busybox", "true", name="docker", check=status)
    assert said in done.stderr
    assert "unknown" in shared_program.run(*flags, "busybox", check=125).stderr


@pytest.mark.skipif(not host.is_root(), reason="the default network of a user has no bridge")
def test_links(argosy: Program, busybox: str) -> None:
    """docker's legacy links: a name in /etc/hosts, and variables on the default network."""

    def docker(*words: str, check: bool | int = True) -> Completed:
        return argosy.run(*words, name="docker", check=check)

    docker("run", "-d", "--name", "db", "--expose", "99/udp", "--expose", "54", "-e", "X=1", busybox, "sleep", "1000")
    address = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "db").stdout.strip()
    command = ("sh", "-c", "env | grep STORE | sort; grep store /etc/hosts; ping -c 1 -W 5 store >/dev/null && echo ok")
    assert docker("run", "--name", "app", "--link", "db:store", busybox, *command).lines == [
        "STORE_ENV_X=1",
        "STORE_NAME=/app/store",
        f"STORE_PORT=tcp://{address}:54",
        f"STORE_PORT_54_TCP=tcp://{address}:54",
        f"STORE_PORT_54_TCP_ADDR={address}",
        "STORE_PORT_54_TCP_PORT=54",
        "STORE_PORT_54_TCP_PROTO=tcp",
        f"STORE_PORT_99_UDP=udp://{address}:99",
        f"STORE_PORT_99_UDP_ADDR={address}",
        "STORE_PORT_99_UDP_PORT=99",
        "STORE_PORT_99_UDP_PROTO=udp",
        f"{address}\tstore",
        "ok",
    ]
    assert docker("inspect", "-f", "{{json .HostConfig.Links}}", "app").json() == ["/db:/app/store"]
    for link, said in (("nosuch", "No such container: nosuch"), ("a:b:c", "bad format for links: a:b:c")):
        assert said in docker("create", "--link", link, busybox, check=1).stderr
    docker("network", "create", "apart")
    apart = docker("run", "--rm", "--network", "apart", "--link", "db", busybox, "true", check=125).stderr
    assert "on no network together" in apart
    docker("rm", "-f", "db")
    docker("create", "--name", "db", busybox)
    docker("create", "--name", "late", "--link", "db", busybox, "true")
    assert "Cannot link to a non running container: /db AS /late/db" in docker("start", "late", check=1).stderr
