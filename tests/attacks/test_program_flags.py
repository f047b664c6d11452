"""Flags that make no sense, are too large, or hold control characters: each is told by name, and nothing is created."""

from __future__ import annotations

import os

import pytest

from tests.attacks.ground import INSECURE, Ground, Registry, busybox_with

ESCAPE = "\x1b[2J\x07"
SHOWN = r"\x1b[2J\x07"
LONG = "x" * 5000

# The flag, and what is said; "" where the status alone counts.
WRONG: list[tuple[tuple[str, ...], int, str]] = [
    (("--name", f"x{ESCAPE}"), 125, f'invalid container name "x{SHOWN}"'),
    (("--name", "../x"), 125, "names must match"),
    (("--name", "a/b"), 125, "names must match"),
    (("--name", LONG), 125, "invalid container name"),
    (("--name", "x\n"), 125, r'"x\n"'),
    (("--hostname", "h" * 65), 125, "at most 64"),
    (("--hostname", f"h{ESCAPE}"), 125, SHOWN),
    (("-e", "=x"), 125, "invalid environment variable"),
    (("-e", "A=\udcff"), 125, "not UTF-8"),
    (("--env-file", "/nowhere"), 125, "open /nowhere: no such file"),
    (("--env-file", "/dev/zero"), 125, "longer than"),
    (("--env-file", "/etc"), 125, "is a directory"),
    (("--user", "evil"), 126, "unable to find user evil"),
    (("--user", "0:evil"), 126, "unable to find group evil"),
    (("--user", ESCAPE), 126, SHOWN),
    (("--user", "4294967296"), 126, "must be in range"),
    (("--user", "-1"), 126, "must be in range"),
    (("--user", "9" * 5000), 126, "must be in range"),
    (("--user", "\u0663"), 126, "unable to find user \u0663"),
    (("--group-add", "9" * 5000), 126, "must be in range"),
    (("--variant", "../x"), 125, '"../x" is an invalid component'),
    (("--log-opt", "max-size=" + "9" * 5000), 125, "invalid size"),
    (("-v", f"/tmp:/x:idmap=uids=0-{'9' * 5000}-1;gids=0-0-1"), 125, "invalid mapping specified"),
    (("--label-file", "/dev/zero"), 125, "longer than"),
    (("--label-file", "/nowhere"), 125, "open /nowhere: no such file"),
    (("--workdir", "relative"), 125, "must be an absolute path"),
    (("--workdir", f"/{ESCAPE}"), 126, SHOWN),
    (("--workdir", "/x" * 2100), 126, "cannot use the workdir"),
    (("--cap-add", f"cap_{ESCAPE}"), 125, SHOWN),
    (("--device", "/nowhere"), 125, "/nowhere"),
    (("--device", "/etc/passwd"), 125, "is not a valid device: not a device node"),
    (("--device", f"/dev/{ESCAPE}"), 125, SHOWN),
    (("--ulimit", "bogus=1"), 125, "invalid ulimit type"),
    (("--ulimit", "nofile=2:1"), 125, "soft limit must be less"),
    (("--ulimit", "nofile=" + "9" * 30), 125, "ulimit"),
    (("--memory", "9" * 30 + "g"), 125, "invalid size"),
    (("--memory", "-1"), 125, "invalid size"),
    (("--cpus", "nan"), 125, "--cpus"),
    (("--cpus", "1e999"), 125, "--cpus"),
    (("--pids-limit", "x"), 125, "--pids-limit"),
    (("--shm-size", "-1"), 125, "invalid size"),
    (("--stop-signal", ESCAPE), 125, SHOWN),
    (("--stop-signal", "99"), 125, "not between 1 and 64"),
    (("--stop-timeout", "9" * 30), 125, "out of range"),
    (("--restart", "on-failure:x"), 125, "restart policy"),
    (("--network", ESCAPE), 125, SHOWN),
    (("--network", "container:nope"), 125, 'no container with name or ID "nope" found: no such container'),
    (("--network", "ns:/nowhere"), 125, "/nowhere"),
    (("--network", "ns:/etc/passwd"), 125, "no network namespace"),
    (("--network", "ns:/proc/self/ns/mnt"), 125, "no network namespace"),
    (("--security-opt", "seccomp=/etc/passwd"), 125, "/etc/passwd"),
    (("--security-opt", "seccomp=/nowhere"), 125, "/nowhere"),
    (("--security-opt", "seccomp=/dev/zero"), 125, "not a regular file"),
    (("--security-opt", f"apparmor={ESCAPE}"), 125, SHOWN),
    (("--annotation", "run.oci.seccomp_bpf_data=AAAA"), 125, "may not set"),
    (("--annotation", "io.crun.x=y"), 125, "may not set"),
    (("--annotation", "org.systemd.property.ExecStart=/x"), 125, "may not set"),
    (("--label", "=x"), 125, "label"),
    (("--cidfile", "/nowhere/x"), 125, "/nowhere/x"),
    (("--cidfile", "/etc/passwd"), 125, "container id file exists"),
    (("--pidfile", "/nowhere/x"), 125, "cannot write the pid file /nowhere/x"),
    (("--pidfile", "/"), 125, "cannot write the pid file /"),
    (("--pull", ESCAPE), 125, SHOWN.lower()),
    (("--platform", ESCAPE), 125, SHOWN),
    ((f"--bogus{ESCAPE}",), 125, SHOWN),
    (("--rm=maybe",), 125, "--rm"),
    (("--runtime", ESCAPE), 125, SHOWN),
    (("--runtime", "/etc/passwd"), 125, "/etc/passwd"),
    (("--conmon", "/nowhere"), 125, "/nowhere"),
    (("--conmon", "/bin/false"), 125, "conmon ended"),
    (("--cgroup-manager", ESCAPE), 125, SHOWN),
    (("--log-level", ESCAPE), 125, ""),
    (("--root", "/proc"), 125, ""),
    (("--root", "/proc/x/y"), 125, "/proc/x/y"),
    (("--root", "/dev/null"), 125, "/dev/null"),
    (("--runroot", "/proc/x"), 125, "/proc/x"),
    (("-v", "/nowhere:/x"), 125, "/nowhere"),
    (("-v", f"v{ESCAPE}:/x"), 125, SHOWN),
    (("-v", "../../x:/y"), 125, "no such file"),
    (("-v", "a/b:/y"), 125, "names must match"),
    (("-v", "v:relative"), 125, "absolute path"),
    (("-v", "v:/"), 125, "over the root"),
    (("-v", "v:/x/.."), 125, "over the root"),
    (("-v", "v:/a:b:c"), 125, "incorrect volume format"),
    (("-v", f"/etc:/x:{ESCAPE}"), 125, SHOWN),
    (("-v", "/x" * 3000 + ":/y"), 125, ""),
    (("-v", "/etc:" + "/x" * 3000), 126, ""),
    (("--mount", "type=bind"), 125, "destination"),
    (("--mount", f"type={ESCAPE},dst=/x"), 125, SHOWN),
    (("--mount", f"type=bind,src=/etc,dst=/x,{ESCAPE}=1"), 125, SHOWN),
    (("--mount", 'type=bind,"src=/etc'), 125, "parse error in"),
    (("--mount", "type=tmpfs,dst=/x,tmpfs-size=-1"), 125, "size"),
    (("--mount", ""), 125, "incorrect mount format"),
    (("--tmpfs", "/x:mode=999"), 125, "mode"),
    (("--tmpfs", f"/x:{ESCAPE}"), 125, SHOWN),
    (("--tmpfs", "x"), 125, "absolute path"),
]


@pytest.fixture(scope="module")
def reference(ground: Ground, hostile: Registry) -> str:
    """A harmless image, in the store."""
    name = hostile.add(busybox_with())
    ground.program.run("pull", "-q", INSECURE, name)
    return name


@pytest.mark.parametrize("case", range(len(WRONG)), ids=lambda number: ascii(" ".join(WRONG[number][0])[:40]))
def test_wrong_flags(ground: Ground, reference: str, case: int) -> None:
    arguments, status, words = WRONG[case]
    network = () if arguments[0] == "--network" else ("--network=none",)
    done = ground.attack(
        "run", "--rm", "--pull=never", *network, *arguments, reference, "true", status=status, words=[words], keeps=True
    )
    assert done.stdout == ""


def test_what_may_be_strange(ground: Ground, reference: str) -> None:
    """Values that are the container's own business go through as they are."""
    for arguments, inside in (
        (("-e", f"A={ESCAPE}"), 'printf %s "$A"'),
        (("--label", f"{ESCAPE}={ESCAPE}"), "true"),
        (("--annotation", f"{ESCAPE}={ESCAPE}"), "true"),
        (("--user", "1000:2000"), "id -u"),
        (("--hostname", "../x"), "hostname"),
        (("-v", "strange:/a b\n'\"$(x)"), "ls /"),
    ):
        run = ("run", "--rm", "--network=none", *arguments, reference, "sh", "-c", inside)
        ground.program.run(*run)
    shown = ground.program.run("run", "--rm", "--network=none", "-e", f"A={ESCAPE}", reference, "sh", "-c", 'echo "$A"')
    assert shown.stdout == f"{ESCAPE}\n"  # a container's own output is its own
    ground.program.run("system", "prune", "--force", "--volumes")


@pytest.mark.parametrize(
    "arguments",
    [
        ("start", ESCAPE),
        ("stop", "../../etc"),
        ("kill", "--signal", ESCAPE, "x"),
        ("kill", "--signal", "0", "x"),
        ("rm", f"{ESCAPE}"),
        ("rm", "--time", "-5", "x"),
        ("exec", ESCAPE, "true"),
        ("logs", "--since", ESCAPE, "x"),
        ("logs", "--tail", "x", "x"),
        ("inspect", ESCAPE),
        ("inspect", "--format", "{{", "x"),
        ("inspect", "--format", "{{" + "(" * 5000, "x"),
        ("ps", "--filter", ESCAPE),
        ("ps", "--format", "{{.Nonsense"),
        ("images", "--filter", f"{ESCAPE}=x"),
        ("images", "--sort", ESCAPE),
        ("image", "prune", "--force", "--filter", "until=yesterday-ish"),
        ("tag", ESCAPE, "x"),
        ("tag", "x", ESCAPE),
        ("untag", ESCAPE),
        ("history", ESCAPE),
        ("top", ESCAPE),
        ("wait", ESCAPE),
        ("wait", "--interval", ESCAPE, "x"),
        ("attach", ESCAPE),
        ("container", "cleanup", ESCAPE),
        ("image", ESCAPE),
        (ESCAPE,),
        ("",),
        (LONG,),
        ("--" + LONG,),
        ("import", "--change", f"ENV {ESCAPE}", "-"),
        ("import", "--change", f"EXPOSE {ESCAPE}", "/etc/passwd", "x"),
        ("import", "--change", "VOLUME /../..", "/etc/passwd", "x"),
        ("unshare", f"/nowhere/{ESCAPE}"),
    ],
    ids=ascii,
)
def test_other_commands(ground: Ground, arguments: tuple[str, ...]) -> None:
    before = ground.surroundings(), ground.objects()
    done = ground.program.run(*arguments, check=False, timeout_s=20)
    assert done.returncode in (1, 2, 125, 126, 127), (done.returncode, done.stderr)
    ground.judge(done, [])
    assert "Error: " in done.stderr
    assert (ground.surroundings(), ground.objects()) == before


CONTAINERS_CONF = [
    "[",
    "[containers]\nenv = 7\n",
    '[containers]\nvolumes = ["\\u001b[2J"]\n',
    '[containers]\ndefault_ulimits = ["\\u001b[2J"]\n',
    '[containers]\nseccomp_profile = "/etc/passwd"\n',
    '[engine]\nruntime = "\\u001b[2J"\n',
    '[engine]\nconmon_path = ["/nowhere"]\nhelper_binaries_dir = [7]\n',
    "[engine]\nretry = -1\nstop_timeout = -5\n",
    "a" * 10_000_000,
    "[a]\n" + "[[b." * 3000,
    "x = " + "[" * 100_000,
]


@pytest.mark.parametrize("text", CONTAINERS_CONF, ids=lambda text: ascii(text[:30]))
def test_configuration_files(ground: Ground, reference: str, text: str) -> None:
    """A file that is nonsense is an error that names it; what a later podman may know is passed over."""
    path = ground.program.write("containers.conf", text)
    run = ("run", "--rm", "--network=none", reference, "true")
    done = ground.program.run(*run, check=False, env={"CONTAINERS_CONF": path})
    assert done.returncode in (0, 125)
    ground.judge(done, [])
    os.unlink(path)


@pytest.mark.parametrize(
    "text", ["[", 'unqualified-search-registries = ["\\u001b[2J"]', "[[registry]]\nlocation = 7\n", "x" * 10_000_000]
)
def test_registries_conf(ground: Ground, text: str) -> None:
    path = ground.program.write("registries.conf", text)
    ground.attack("pull", "--retry=0", "short", env={"CONTAINERS_REGISTRIES_CONF": path}, timeout_s=30)
    os.unlink(path)


@pytest.mark.parametrize("value", ["tcp://127.0.0.1:1", "ssh://-oProxyCommand=x", ESCAPE, "unix:///nowhere"])
def test_other_engines_are_refused_and_not_ignored(ground: Ground, value: str) -> None:
    for name, variable in (("argosy", "CONTAINER_HOST"), ("docker", "DOCKER_HOST"), ("podman", "CONTAINER_HOST")):
        done = ground.program.run("ps", name=name, env={variable: value}, check=False)
        assert done.returncode == (1 if name == "docker" else 125)
        ground.judge(done, [variable])


def test_a_great_many(ground: Ground, reference: str) -> None:
    """Arguments, environment and labels up to what the kernel passes on; more is an error of the kernel's."""
    run = ("run", "--rm", "--network=none")
    big = "x" * 100_000
    done = ground.program.run(*run, "-e", f"BIG={big}", reference, "sh", "-c", "echo ${#BIG}")
    assert done.stdout == "100000\n"
    many = [part for number in range(3000) for part in ("-e", f"V{number}=x", "--label", f"l{number}={'y' * 200}")]
    done = ground.program.run(*run, *many, reference, "sh", "-c", "env | grep -c ^V")
    assert done.stdout == "3000\n"
    words = [f"word{number}" for number in range(20_000)]
    done = ground.program.run(*run, reference, "sh", "-c", "echo $#", "sh", *words)
    assert done.stdout == "20000\n"
    done = ground.attack(*run, reference, "/" + "x" * 120_000, status=126, keeps=True)
    file = ground.program.write("env", "".join(f"E{number}={'z' * 1000}\n" for number in range(3000)))
    done = ground.program.run(*run, "--env-file", file, reference, "true", check=False)
    assert done.returncode in (0, 1, 125, 126)  # 3 MB of environment: the kernel says whether that is too long
    ground.judge(done, [])
    os.unlink(file)
