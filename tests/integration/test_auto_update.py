"""`auto-update`: a newer image, at a registry or in the store, comes into its container's place, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.rig.program import Program
from tests.rig.registry import Image, Registry, image

LOCAL = ("--label", "io.containers.autoupdate=local")
STEADY = 'CMD ["sleep", "600"]'
UNCHECKED = "--tls-verify=false"


@pytest.fixture(scope="module")
def program(registry: Registry, insecure_registry: Registry, shared_both: Program) -> Program:
    """The registries first: they outlive the program."""
    shared_both.busybox()
    return shared_both


@pytest.fixture(autouse=True)
def _emptied(program: Program) -> Iterator[None]:
    yield
    program.run("rm", "--all", "--force", "--time", "0", "--volumes")


def built(program: Program, version: str, command: str = STEADY) -> None:
    """Let localhost/app be another image."""
    text = f"FROM busybox\nENV VERSION={version}\nVOLUME /kept\n{command}\n"
    path = program.write("Containerfile", text)
    program.run("build", "-q", "-t", "localhost/app", "-f", path, program.files)


def running(program: Program, *flags: str, name: str = "app", label: tuple[str, ...] = LOCAL) -> str:
    network = () if "--network" in flags else ("--network", "none")
    words = ("run", "-d", "--name", name, "--stop-timeout", "0", *label, *network, *flags)
    return program.run(*words, "localhost/app").stdout.strip()


def updated(program: Program, *flags: str, check: bool | int = True) -> list[str]:
    """What became of each container, oldest first."""
    return program.run("auto-update", "--format", "{{.Updated}}", *flags, check=check).lines


def version(program: Program, name: str = "app") -> str:
    return program.run("exec", name, "sh", "-c", "echo $VERSION").stdout.strip()


def test_all_that_it_was_asked_for_is_kept(program: Program) -> None:
    built(program, "1")
    cidfile = f"{program.files}/cid"
    private = () if program.rootless else ("--network", "one")
    if private:
        program.run("network", "create", "--disable-dns", "one")
        program.run("network", "create", "--disable-dns", "two")
    before = running(program, "-v", "named:/named", "--restart", "always", "--cidfile", cidfile, *private)
    if private:
        program.run("network", "connect", "--alias", "other", "two", "app")
    program.run("update", "--restart", "unless-stopped", "app")
    program.run("rename", "app", "web")
    program.run("exec", "web", "sh", "-c", "echo anonymous > /kept/x; echo named > /named/x")
    document = program.run("inspect", "web").json()[0]
    built(program, "2")
    assert updated(program, "--dry-run") == ["pending"]
    assert version(program, "web") == "1"
    table = program.run("auto-update").lines
    assert table[0].split() == ["UNIT", "CONTAINER", "IMAGE", "POLICY", "UPDATED"]
    assert table[1].split() == [before[:12], "(web)", "localhost/app", "local", "true"]
    assert version(program, "web") == "2"
    assert program.run("exec", "web", "cat", "/kept/x", "/named/x").lines == ["anonymous", "named"]
    found = program.run("inspect", "web").json()[0]
    assert found["Id"] != before
    for field in ("Name", "HostConfig", "Mounts"):
        document[field].pop("LogConfig", None) if field == "HostConfig" else None
        found[field].pop("LogConfig", None) if field == "HostConfig" else None
        assert found[field] == document[field], field
    assert found["Config"]["CreateCommand"] == document["Config"]["CreateCommand"]
    assert sorted(found["NetworkSettings"].get("Networks", {})) == sorted(
        document["NetworkSettings"].get("Networks", {})
    )
    with open(cidfile, encoding="ascii") as file:
        assert file.read() == found["Id"]
    assert program.run("ps", "-aq", "--no-trunc").lines == [found["Id"]]
    assert updated(program) == ["false"]
    program.run("rm", "-f", "-t", "0", "-v", "web")
    assert program.run("volume", "ls", "-q").lines == ["named"]  # the anonymous one has remained one
    if private:
        program.run("network", "rm", "one", "two")


def test_what_does_not_stand_is_undone(program: Program) -> None:
    built(program, "1")
    ids = {name: running(program, *flags, name=name) for name, flags in (("kept", ()), ("fleeting", ("--rm",)))}
    for name in ids:
        program.run("exec", name, "sh", "-c", f"echo {name} > /kept/x")

    def unchanged() -> None:
        for name, container_id in ids.items():
            assert (version(program, name), program.run("exec", name, "cat", "/kept/x").stdout) == ("1", f"{name}\n")
            assert program.run("inspect", name, "--format", "{{.Id}}").stdout.strip() == container_id
        assert sorted(program.run("ps", "-a", "--format", "{{.Names}}").lines) == sorted(ids)

    built(program, "broken", 'CMD ["/no/such/program"]')
    assert updated(program) == ["rolled back", "false"]  # since the name means the old image again
    unchanged()
    built(program, "broken", 'CMD ["sh", "-c", "exit 3"]')
    refused = program.run("auto-update", "--rollback=false", "--format", "{{.Updated}}", check=125)
    assert refused.lines == ["failed", "failed"]
    assert f'auto-updating container "{ids["kept"]}": the new container ended at once' in refused.stderr
    unchanged()
    built(program, "2")
    assert updated(program) == ["true", "true"]
    for name in ids:
        assert (version(program, name), program.run("exec", name, "cat", "/kept/x").stdout) == ("2", f"{name}\n")
    assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"


def test_which_containers_are_looked_at(program: Program) -> None:
    built(program, "1")
    running(program, name="none", label=())
    running(program, name="disabled", label=("--label", "io.containers.autoupdate=disabled"))
    running(program, name="ended")
    program.run("stop", "-t", "0", "ended")
    assert program.run("auto-update").stdout == ""
    running(program, name="wrong", label=("--label", "io.containers.autoupdate=bogus"))
    running(program, name="first")
    running(program, "--network", "container:first", name="second", label=())
    built(program, "2")
    done = program.run("auto-update", "--format", "{{.ContainerName}} {{.Updated}}", check=125)
    assert done.lines == ["first failed"]
    valid = '["disabled" "image" "local" "registry"]'
    assert f'invalid auto-update policy "bogus": valid policies are {valid}' in done.stderr
    assert "has dependent containers which must be removed before it" in done.stderr
    assert version(program, "first") == "1"
    words = ("create", "--label", "io.containers.autoupdate=registry", "busybox")
    refused = program.run(*words, check=125).stderr
    assert 'short name: auto updates require fully-qualified image reference: "busybox"' in refused
    assert "`argosy auto-update` takes no arguments" in program.run("auto-update", "x", check=125).stderr
    program.run("rm", "-f", "-t", "0", "second")


def test_in_a_pod_and_with_a_health_check(program: Program) -> None:
    built(program, "1")
    program.run("pod", "create", "--name", "p", "--network", "none")
    words = ("run", "-d", "--pod", "p", "--stop-timeout", "0", *LOCAL)
    check = ("--health-cmd", 'test "$VERSION" != ill', "--health-interval", "1s", "--health-retries", "1")
    program.run(*words, "--name", "member", "localhost/app")
    running(program, *check, name="checked")
    built(program, "ill")
    form = ("auto-update", "--format", "{{.ContainerName}} {{.Updated}}")
    assert program.run(*form).lines == ["member true", "checked rolled back"]
    assert [version(program, name) for name in ("member", "checked")] == ["ill", "1"]
    assert program.run("inspect", "member", "--format", "{{.Pod}}").stdout.strip()
    built(program, "2")
    assert program.run(*form).lines == ["checked true", "member true"]
    assert program.run("inspect", "checked", "--format", "{{.State.Health.Status}}").stdout == "healthy\n"
    program.run("pod", "rm", "--force", "--time", "0", "p")


def made(number: str) -> Image:
    """An image that runs without any program but what is mounted."""
    return image([{"version": number.encode()}], config={"Cmd": ["/bin/busybox", "sleep", "600"]})


def test_from_registries(program: Program, registry: Registry, insecure_registry: Registry) -> None:
    repository = f"auto/{'user' if program.rootless else 'root'}"
    plain = insecure_registry.push(repository, "latest", made("1"))
    guarded = registry.push(repository, "latest", made("1"))
    authfile = registry.auth_file(program.write("auth.json", ""))
    secure = ("--cert-dir", registry.certificate_directory)
    program.run("pull", "-q", UNCHECKED, plain)
    program.run("pull", "-q", *secure, "--authfile", authfile, guarded)
    label = ("--label", "io.containers.autoupdate=registry")
    access = ("--label", f"io.containers.autoupdate.authfile={authfile}")
    shell = ("-v", "/bin/busybox:/bin/busybox:ro", "--stop-timeout", "0", "--network", "none", *label)
    program.run("run", "-d", "--name", "plain", *shell, plain)
    program.run("run", "-d", "--name", "guarded", *shell, *access, guarded)
    form = ("--format", "{{.ContainerName}} {{.Policy}} {{.Updated}}", UNCHECKED)
    assert program.run("auto-update", *form, "--dry-run").lines == ["plain registry false", "guarded registry false"]
    for where in (insecure_registry, registry):
        where.push(repository, "latest", made("2"))
    assert program.run("auto-update", *form, "--dry-run").lines == [
        "plain registry pending",
        "guarded registry pending",
    ]
    assert program.run("auto-update", *form).lines == ["plain registry true", "guarded registry true"]
    for name in ("plain", "guarded"):
        assert program.run("exec", name, "/bin/busybox", "cat", "/version").stdout == "2"
    os.unlink(authfile)
    refused = program.run("auto-update", *form, check=125)
    assert refused.lines == ["plain registry false", "guarded registry failed"]
    assert f'image check for "{guarded}" failed' in refused.stderr


SYSTEMCTL = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
*is-active*web.service*) exit 0;;
*is-active*) exit 3;;
*restart*) [ ! -e {broken} ] || {{ rm {broken}; exit 1; }};;
esac
"""


def test_a_unit_is_restarted_by_systemd(program: Program) -> None:
    log, broken = f"{program.files}/calls", f"{program.files}/broken"
    program.write("systemctl", SYSTEMCTL.format(log=log, broken=broken), 0o755)
    path = {"PATH": f"{program.files}:{program.environment()['PATH']}"}
    user = "--user " if program.rootless else ""
    built(program, "1")
    words = ("run", "-d", "--stop-timeout", "0", "--network", "none", *LOCAL)
    for name in ("one", "two"):
        program.run(*words, "--name", name, "localhost/app", env={"PODMAN_SYSTEMD_UNIT": "web.service"})
    program.run(*words, "--name", "idle", "localhost/app", env={"PODMAN_SYSTEMD_UNIT": "idle.service"})
    built(program, "2")
    form = ("auto-update", "--format", "{{.ContainerName}} {{.Unit}} {{.Updated}}")
    expected = ["one web.service true", "two web.service true", "idle idle.service true"]
    assert program.run(*form, env=path).lines == expected
    with open(log, encoding="utf-8") as file:
        assert [line for line in file if "restart" in line] == [f"{user}--quiet restart -- web.service\n"]
    assert [version(program, name) for name in ("one", "two", "idle")] == ["1", "1", "2"]  # it was no real systemd
    program.write("broken", "")
    assert program.run(*form, env=path).lines[:2] == ["one web.service rolled back", "two web.service rolled back"]
    with open(log, encoding="utf-8") as file:
        assert len([line for line in file if "restart" in line]) == 3
    shown = program.run("images", "--format", "{{.Id}}", "localhost/app").stdout.strip()
    assert program.run("inspect", "one", "--format", "{{.Image}}").stdout.startswith(shown)
