"""`pause` and `unpause`: what can be done with a container that stands still, and what not."""

from __future__ import annotations

import pytest

from tests.rig import host
from tests.rig.program import Program

pytestmark = pytest.mark.usefixtures("busybox")
COUNT = "n=0; while :; do n=$((n+1)); echo $n >/n; sleep 0.02; done"


@host.needs_root
def test_a_paused_container_stands_still_and_goes_on(argosy: Program) -> None:
    argosy.run("run", "-d", "--name", "it", "--network", "none", "busybox", "sh", "-c", COUNT)
    identity = argosy.run("inspect", "--format", "{{.Id}}", "it").lines[0]
    assert argosy.run("pause", "it").lines == ["it"]
    merged = argosy.run("inspect", "--format", "{{.GraphDriver.Data.MergedDir}}", "it").lines[0]

    def counted() -> str:
        with open(f"{merged}/n", encoding="ascii") as file:
            return file.read()

    before = counted()
    shown = argosy.run("inspect", "--format", "{{.State.Status}} {{.State.Paused}}", "it").lines
    assert shown == ["paused true"]
    assert argosy.run("ps", "-a", "--filter", "status=paused", "--format", "{{.Names}}").lines == ["it"]
    for words, message, status in (
        (("pause", "it"), f'"{identity}" is already paused: container state improper', 125),
        (("exec", "it", "true"), "can only create exec sessions on running containers", 255),
        (("stop", "it"), "is running or paused, refusing to clean up", 125),
        (("start", "it"), "cannot start a paused container, try unpause instead", 125),
        (("kill", "it"), "can only kill running containers", 125),
        (("container", "cleanup", "it"), "is running or paused, refusing to clean up", 125),
        (("rm", "it"), "running or paused containers cannot be removed without force", 2),
        (("attach", "it"), "you can only attach to running containers", 125),
    ):
        assert message in argosy.run(*words, check=status).stderr
    assert argosy.run("pause", "--all").stdout == ""
    assert counted() == before
    assert argosy.run("unpause", "--all").lines == [identity]
    argosy.run(
        "exec",
        "it",
        "sh",
        "-c",
        "a=$(cat /n); for i in $(seq 200); do [ $(cat /n) = $a ] || exit 0; sleep 0.05; done; exit 1",
    )
    assert "is not paused, can't unpause" in argosy.run("unpause", "it", check=125).stderr
    argosy.run("pause", "it")
    argosy.run("restart", "-t", "0", "it")
    assert argosy.run("inspect", "--format", "{{.State.Status}}", "it").lines == ["running"]
    argosy.run("pause", "it")
    argosy.run("rm", "-f", "-t", "0", "it")
    assert argosy.run("ps", "-aq").stdout == ""


def test_what_does_not_run_cannot_be_paused(argosy_both: Program) -> None:
    argosy_both.run("create", "--name", "it", "--network", "none", "busybox", "true")
    assert "is not running, can't pause: container state improper" in argosy_both.run("pause", "it", check=125).stderr
    assert "no such container" in argosy_both.run("pause", "nosuch", check=125).stderr
    assert "you must provide at least one name or id" in argosy_both.run("unpause", check=125).stderr
