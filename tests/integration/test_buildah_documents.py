"""buildah's own forms of what podman shows otherwise, and what `run` and `unshare` take beside."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.rig.program import Completed, Program


@pytest.fixture(scope="module")
def program(shared_both: Program) -> Program:
    shared_both.busybox()
    return shared_both


def buildah(program: Program, *words: str, check: bool | int = True, **options: Any) -> Completed:
    return program.run(*words, name="buildah", check=check, cwd=program.files, **options)


def test_documents_have_buildahs_keys(program: Program) -> None:
    image = buildah(program, "images", "--json", "busybox").json()[0]
    known = program.run("image", "inspect", "busybox").json()[0]
    assert image["id"] == known["Id"][:12]
    assert image["names"] == known["RepoTags"]
    assert image["digest"] == known["Digest"]
    assert {"createdat", "size", "created", "createdatraw"} <= image.keys()
    assert (image["readonly"], image["history"]) == (False, None)
    wanted = "{{.ID}} {{.Name}} {{.Tag}} {{.Digest}} {{.Size}} {{.ReadOnly}}"
    shown = buildah(program, "images", "--no-trunc", "--format", wanted, "busybox").stdout.split()
    assert shown[:4] == [f"sha256:{known['Id']}", "localhost/busybox", "latest", known["Digest"]]
    missing = buildah(program, "images", "--json", "nothere", check=125)
    assert (missing.stdout, missing.stderr) == ("", "Error: nothere: image not known\n")

    version = buildah(program, "version", "--json").json()
    assert version["version"] == "1.28.2"
    assert "Image Spec:" in buildah(program, "version").stdout
    info = buildah(program, "info", "--debug").json()
    assert info["debug"]["buildah version"] == "1.28.2"
    assert info["store"]["GraphRoot"] == program.root
    assert info["host"]["rootless"] == program.rootless
    assert "debug" not in buildah(program, "info").json()
    assert buildah(program, "info", "--format", "{{.host.os}}").stdout == "linux\n"


def test_run_mounts_as_a_dockerfile_does(program: Program) -> None:
    name = buildah(program, "from", "--pull=never", "busybox").stdout.strip()
    directory = f"{program.files}/seen"
    program.call("mkdir", "-p", f"{directory}/below")
    program.write("seen/below/file", "here")

    def run(*words: str, check: bool | int = True) -> Completed:
        return buildah(program, "run", *words, check=check)

    bind = f"type=bind,src={directory},dst=/in"
    assert run("--mount", bind, name, "cat", "/in/below/file").stdout == "here"
    assert "Read-only" in run("--mount", bind, name, "touch", "/in/new", check=1).stderr
    run("--mount", f"{bind},rw", name, "touch", "/in/new")
    assert os.path.exists(f"{directory}/new")
    context = ("--contextdir", directory, "--mount", "type=bind,src=below,dst=/in")
    assert run(*context, name, "cat", "/in/file").stdout == "here"
    image = run("--mount", "type=bind,from=busybox,src=/bin,dst=/in", name, "ls", "/in").lines
    assert "busybox" in image
    cache = ("--mount", "type=cache,id=kept,target=/in")
    run(*cache, name, "touch", "/in/kept")
    assert run(*cache, name, "ls", "/in").lines == ["kept"]
    tmpfs = run("--mount", "type=tmpfs,dst=/in,tmpfs-size=1m", name, "grep", " /in tmpfs", "/proc/mounts")
    assert "size=1024k" in tmpfs.stdout
    assert run("--no-pivot", name, "true").returncode == 0
    assert run("--mount", "type=foo", name, "true", check=125).stderr.startswith(
        'Error: "type=foo": incorrect mount format: should be --mount type=<bind|tmpfs>,'
    )
    assert run("--mount", "type=secret,id=x", name, "true", check=125).stderr == (
        'Error: invalid filesystem type "secret"\n'
    )
    assert buildah(program, "run", name, "ls", "/in", check=1).returncode == 1  # no place is left behind
    buildah(program, "rm", name)


def test_run_on_a_terminal(program: Program) -> None:
    name = buildah(program, "from", "--pull=never", "busybox").stdout.strip()
    script = "tty && exit 7"
    done = buildah(program, "run", "--tty", name, "sh", "-c", script, input="", check=7)
    assert done.stdout.startswith("/dev/pts/")
    assert done.stderr.endswith("Error: while running runtime: exit status 7\n")
    assert buildah(program, "run", "-t=false", name, "tty", check=1).stdout == "not a tty\n"
    absent = buildah(program, "run", "-t", name, "/nothere", check=False)
    assert absent.returncode != 0
    assert "/nothere" in absent.stdout + absent.stderr
    buildah(program, "rm", name)


def test_unshare_mounts_while_the_command_runs(program: Program) -> None:
    name = buildah(program, "from", "--pull=never", "--name", "seen", "busybox").stdout.strip()
    script = "echo new > $tree/made; test -x $tree/bin/busybox && echo $tree; exit 5"
    done = buildah(program, "unshare", "--mount", f"tree={name}", "sh", "-c", script, check=5)
    assert done.stdout.strip().endswith("/merged")
    plain = buildah(program, "unshare", "-m", name, "sh", "-c", "cat $seen/made")
    assert plain.stdout == "new\n"
    mounted = buildah(program, "unshare", "sh", "-c", 'ls "$0"', done.stdout.strip(), check=False)
    assert "made" not in mounted.stdout  # it is not mounted any more
    unknown = buildah(program, "unshare", "-m", "nothere", "true", check=125)
    assert unknown.stderr == 'Error: reading build container "nothere": container not known\n'
    buildah(program, "rm", name)
