"""--cidfile: the id is told, or there is no container."""

from __future__ import annotations

import pytest

from tests.rig.program import Program


@pytest.mark.parametrize("command", ["run", "create"])
def test_the_id_is_written(argosy: Program, busybox: str, command: str) -> None:
    path = f"{argosy.files}/cid"
    argosy.run(command, "--name", "one", "--network", "none", "--cidfile", path, busybox, "true")
    with open(path) as file:
        assert file.read() == argosy.run("inspect", "--format", "{{.Id}}", "one").stdout.strip()
    again = argosy.run(command, "--network", "none", "--cidfile", path, busybox, "true", check=125)
    assert "container id file exists" in again.stderr


@pytest.mark.parametrize("command", ["run", "create"])
def test_an_id_that_cannot_be_written_leaves_no_container(argosy: Program, busybox: str, command: str) -> None:
    path = f"{argosy.files}/missing/cid"
    flags = ("--network", "none", "-v", "/anonymous", "--cidfile", path)
    failed = argosy.run(command, *flags, busybox, "true", check=125)
    assert f"Error: cannot write the container id file {path}: no such file or directory" in failed.stderr
    assert argosy.run("ps", "-aq").stdout == ""
    assert argosy.run("system", "prune", "-f", "--volumes").stdout.splitlines() == ["Total reclaimed space: 0B"]
