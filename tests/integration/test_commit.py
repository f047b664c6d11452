"""`commit`: an image from a container that runs, has ended, never ran, or has a user namespace of its own."""

from __future__ import annotations

import os

from tests.rig import host
from tests.rig.program import Program

SCRIPT = (
    "echo mine >/added; ln /added /again; rm /bin/ls; chown 7:8 /added; mkfifo /pipe; chmod 4755 /added; "
    "rm -r /etc/dir; mkdir /etc/dir; touch /run/ready; sleep 600"
)
LOOK = "stat -c '%u %g %a %h' /added; cat /again; test -p /pipe; ls /bin/ls /etc/dir 2>&1; ls /data 2>&1; find /run"


def test_images(shared_both: Program) -> None:
    run = shared_both.run
    busybox = shared_both.busybox()
    run("run", "--name", "first", "--network", "none", busybox, "sh", "-c", "mkdir -p /etc/dir; touch /etc/dir/old")
    run("commit", "-q", "first", "base")
    words = [
        "--name",
        "c",
        "--network",
        "none",
        "-v",
        "vol:/data",
        "-v",
        "/anon",
        "-e",
        "A=b",
        "-l",
        "k=v",
        "-w",
        "/etc",
    ]
    run("run", "-d", *words, "--expose", "99", "base", "sh", "-c", SCRIPT)
    run("exec", "c", "sh", "-c", "until [ -e /run/ready ]; do sleep 0.05; done; echo secret >/data/hidden")
    done = run(
        "commit", "--change", "CMD=/bin/true", "--author", "me", "--iidfile", f"{shared_both.files}/id", "c", "new"
    )
    assert f"Copying config sha256:{done.lines[0]}" in done.stderr
    with open(f"{shared_both.files}/id", encoding="ascii") as file:
        assert file.read() == done.lines[0]
    (found,) = run("image", "inspect", "new").json()
    assert found["Id"] == done.lines[0]
    config = found["Config"]
    assert {"A=b", "container=podman"} <= set(config["Env"])
    assert not [entry for entry in config["Env"] if entry.startswith(("HOME=", "HOSTNAME="))]
    assert config["Cmd"] == ["/bin/sh", "-c", "/bin/true"]
    assert (config["WorkingDir"], config["Labels"], config["ExposedPorts"]) == ("/etc", {"k": "v"}, {"99/tcp": {}})
    assert config["Volumes"] == {"/anon": {}}
    assert found["History"][-1]["comment"] == "FROM localhost/base:latest"
    assert found["Author"] == found["History"][-1]["author"] == "me"
    look = run("run", "--rm", "--network", "none", "new", "sh", "-c", LOOK).stdout.splitlines()
    assert look[:2] == ["7 8 4755 2", "mine"]
    assert "/run/ready" in look
    assert not [line for line in look if "hidden" in line or "old" in line or line == "/bin/ls"]
    assert run("exec", "c", "cat", "/data/hidden").stdout == "secret\n"
    run("stop", "-t", "0", "c")
    run("commit", "-q", "--include-volumes", "--squash", "c", "flat")
    (flat,) = run("image", "inspect", "flat").json()
    assert len(flat["RootFS"]["Layers"]) == len(flat["History"]) == 1
    assert set(flat["Config"]["Volumes"]) == {"/anon", "/data"}
    assert run("run", "--rm", "--network", "none", "flat", "sh", "-c", LOOK).lines[:2] == look[:2]
    (layer,) = (layer for layer in found["RootFS"]["Layers"][-1:])
    run("save", "--format", "docker-dir", "-o", f"{shared_both.files}/saved", "new")
    assert layer.partition(":")[2] in os.listdir(f"{shared_both.files}/saved")
    run("create", "--name", "fresh", busybox)
    run("commit", "-q", "-f", "docker", "-m", "said", "fresh", "plain")
    (plain,) = run("image", "inspect", "plain").json()
    assert (plain["Comment"], plain["ManifestType"]) == ("said", "application/vnd.docker.distribution.manifest.v2+json")
    assert run("commit", "fresh", name="docker").stdout.startswith("sha256:")
    for wrong, message in (
        (("nosuch",), 'no container with name or ID "nosuch" found'),
        (("-m", "x", "c"), "messages are only compatible with the docker image format"),
        (("-f", "x", "c"), 'unrecognized image format "x"'),
        (("-c", "FOO=x", "c"), "invalid instruction FOO"),
        (("c", "UPPER"), "must be lowercase"),
        (("-q", "--iidfile", "/nosuch/f", "fresh"), "failed to write image ID: open /nosuch/f"),
    ):
        assert message in run("commit", *wrong, check=125).stderr
    run("rm", "-a", "-f", "-t", "0")
    assert os.listdir(f"{shared_both.root}/tmp") == []


def test_user_namespace(shared_both: Program) -> None:
    run = shared_both.run
    busybox = shared_both.busybox()
    mapped = ["--uidmap", "0:1:1000" if shared_both.rootless else "0:100000:1000"]
    script = "echo x >/f; chown 5:6 /f; rm /bin/ls"
    run("run", "--name", "m", "--network", "none", *mapped, busybox, "sh", "-c", script)
    run("commit", "-q", "m", "unmapped")
    assert run("run", "--rm", "--network", "none", "unmapped", "stat", "-c", "%u %g", "/f").stdout == "5 6\n"
    run("rm", "m")


@host.needs_root
def test_pause(shared_program: Program) -> None:
    shared_program.run("run", "-d", "--name", "c", "--network", "none", shared_program.busybox(), "sleep", "600")
    shared_program.run("commit", "-q", "--pause", "c", "held")
    assert shared_program.run("inspect", "-f", "{{.State.Status}}", "c").stdout == "running\n"
    shared_program.run("pause", "c")
    shared_program.run("commit", "-q", "--pause", "c", "again")
    assert shared_program.run("inspect", "-f", "{{.State.Status}}", "c").stdout == "paused\n"
    shared_program.run("rm", "-f", "-t", "0", "c")
