"""Volumes in a directory of the user's, and containers that end with the boot."""

from __future__ import annotations

import os

from tests.rig.program import Program


def test_volumes_at_a_place_of_ones_own(argosy_both: Program) -> None:
    program = argosy_both
    image = program.busybox()
    place = f"{program.base}/home/volumes"
    usual = f"{program.root}/volumes"
    assert program.run("info", "--format", "{{.Store.VolumePath}}").stdout == f"{usual}\n"
    program.run("--volumepath", place, "volume", "create", "one")
    # the store remembers the place
    assert program.run("volume", "inspect", "one", "--format", "{{.Mountpoint}}").stdout == f"{place}/one/_data\n"
    assert program.run("info", "--format", "{{.Store.VolumePath}}").stdout == f"{place}\n"
    program.run(
        "run", "--rm", "--network", "none", "-v", "one:/one", "-v", "two:/two", image, "touch", "/one/f", "/two/f"
    )
    assert os.path.exists(f"{place}/one/_data/f")
    assert sorted(program.run("volume", "ls", "-q").lines) == ["one", "two"]
    assert os.listdir(usual) == []
    program.run("--volumepath", place, "volume", "rm", "two")
    failed = program.run("--volumepath", "/elsewhere", "volume", "ls", check=125)
    assert failed.stderr.startswith(
        f'Error: database volume path "{place}" does not match our volume path "/elsewhere": '
        "database configuration mismatch\n"
    )
    # what a killed command has left there is found and removed
    os.makedirs(f"{place}/.argosy/tmp/dead")
    assert program.run("system", "check", check=False).returncode == 1
    program.run("system", "check", "--repair")
    assert os.listdir(f"{place}/.argosy/tmp") == []
    program.run("volume", "prune", "--force")
    assert os.listdir(place) == [".argosy"]


def test_volume_path_of_containers_conf_is_for_stores_without_volumes(argosy: Program) -> None:
    conf = argosy.write("containers.conf", f'[engine]\nvolume_path="{argosy.files}/v"\n')
    argosy.run("volume", "create", "here")
    argosy.env["CONTAINERS_CONF_OVERRIDE"] = conf
    assert argosy.run("volume", "ls", "-q").stdout == "here\n"
    argosy.run("volume", "rm", "here")
    argosy.run("volume", "create", "there")
    assert os.path.isdir(f"{argosy.files}/v/there/_data")
    argosy.run("volume", "rm", "there")


def test_transient_containers(argosy_both: Program) -> None:
    program = argosy_both
    image = program.busybox()
    transient = "--transient-store"
    names = ("ps", "-a", "--format", "{{.Names}} {{.Status}}")
    program.run("create", "--name", "lasting", "--network", "none", image, "true")
    call = ("run", "-d", "--name", "t", "--restart", "on-failure:1", "--network", "none", image)
    program.run(transient, *call, "sh", "-c", "[ -e /again ] && echo again && exec sleep 1000; touch /again; exit 3")
    # the exit command works on the same containers: it restarts this one
    logs = (program.run(transient, "logs", "t").stdout for _ in range(500))
    assert "again\n" in logs
    assert program.run(transient, *names).stdout.startswith("t Up")
    assert program.run(*names).stdout == "lasting Created\n"
    assert "no such object" in program.run("inspect", "t", check=125).stderr
    # what they use is kept by commands that do not see them
    program.run("rm", "lasting")
    assert program.run("rmi", image, check=2).stderr.startswith("Error: image used by ")
    assert program.run("rmi", "--force", image, check=2).returncode == 2
    program.run("system", "prune", "--all", "--force")
    assert program.run(transient, "exec", "t", "echo", "in").stdout == "in\n"
    assert "lose their files" in program.run("system", "reset", "--force", check=125).stderr
    # those of another boot are gone
    program.call("mkdir", "-p", f"{program.root}/transient/another-boot/{'0' * 64}/upper")
    program.run("tag", image, "other:1")
    program.run("rmi", "other:1")
    program.run("system", "prune", "--force")
    assert "another-boot" not in os.listdir(f"{program.root}/transient")
    program.run(transient, "rm", "--force", "--time", "0", "t")
    assert program.run(transient, *names).stdout == ""
    assert program.run("system", "check").stdout == "No damage, nothing left over\n"


def test_transient_store_of_storage_conf(argosy: Program) -> None:
    """Only for the store that the file speaks of: with --root it does not count."""
    conf = argosy.write("storage.conf", f'[storage]\ngraphroot="{argosy.files}"\ntransient_store=true\n')
    argosy.busybox()
    argosy.run("create", "--name", "c", "--network", "none", "busybox", "true", env={"CONTAINERS_STORAGE_CONF": conf})
    assert argosy.run("ps", "-aq", "--transient-store=false").lines
    argosy.run("rm", "c")


def test_the_directory_of_networks(argosy: Program) -> None:
    """Networks are in the store or there, beside the files of another program; a container finds its own at its end."""
    place = f"{argosy.files}/n"
    os.mkdir(place)
    argosy.write("n/podman.json", "{}")
    conf = argosy.write("containers.conf", f'[network]\nnetwork_config_dir="{place}"\n')
    there = ("--network-config-dir", place)
    argosy.busybox()
    argosy.run(*there, "network", "create", "there")
    argosy.run("network", "create", "here")
    assert argosy.run(*there, "network", "ls", "-q").lines == ["podman", "there"]
    assert argosy.run("network", "ls", "-q", env={"CONTAINERS_CONF": conf}).lines == ["podman", "there"]
    assert argosy.run("network", "ls", "-q").lines == ["here", "podman"]
    found = argosy.run(
        *there, "run", "--rm", "--network", "there", "busybox", "ip", "-o", "-4", "address", "show"
    ).stdout
    assert "eth0" in found
    argosy.run(*there, "network", "rm", "there")
    argosy.run("network", "rm", "here")
    assert sorted(os.listdir(place)) == ["argosy", "podman.json"]
