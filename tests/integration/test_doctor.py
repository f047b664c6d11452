"""`doctor`: what the host lacks is named with a way out, and nothing is changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from argosy.containers import doctor
from tests.rig import host
from tests.rig.lacking import lacking
from tests.rig.program import Program

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs another user's account")


def test_a_host_that_runs_containers(argosy_both: Program) -> None:
    done = argosy_both.run("doctor")
    topics = {line.split()[1].rstrip(":") for line in done.stdout.splitlines() if not line.startswith(" ")}
    assert topics == {*doctor.CHECKS, *doctor.STORE_CHECKS}
    documents = json.loads(argosy_both.run("doctor", "--json").stdout)
    assert argosy_both.run("doctor", "--json", "ids").stdout == argosy_both.run("doctor", "--format=json", "ids").stdout
    assert all(set(document) == {"Topic", "State", "Text", "Cost", "Remedy"} for document in documents)
    assert all((document["Remedy"] and document["Cost"]) or document["State"] == "good" for document in documents)
    states = argosy_both.run("doctor", "--format", "{{.State}}", "conmon", "clock").stdout.split()
    assert states == ["good", "good"]
    assert "nosuch" in argosy_both.run("doctor", "nosuch", check=125).stderr


def test_what_is_missing_is_named(argosy: Program, tmp_path: os.PathLike[str]) -> None:
    conf = f"{tmp_path}/containers.conf"
    with open(conf, "w", encoding="utf-8") as file:
        file.write('[engine]\nruntime = "nosuch"\n')
    done = argosy.run("doctor", "runtime", env={"CONTAINERS_CONF": conf}, check=1)
    assert "NO    runtime: " in done.stdout
    assert "-> install nosuch" in done.stdout
    assert "NO    runtime: " in argosy.run("--runtime", "nosuch", "doctor", "runtime", check=1).stdout


@ROOT
def test_somebody_without_ranges(new_program: Callable[[str], Program]) -> None:
    program = new_program("nobody")
    done = program.run("doctor", "ids", check=False)
    assert "less  ids: /etc/subuid gives nobody no ids" in done.stdout
    assert "usermod --add-subuids" in done.stdout
    assert not os.path.exists(program.root)


@host.needs_root
def test_a_host_that_forbids_user_namespaces(argosy: Program) -> None:
    with lacking(forbid=True, drop="-sys_admin,-sys_chroot", cover=("/etc/resolv.conf",)) as argosy.prefix:
        done = argosy.run("doctor", check=1)
    argosy.prefix = []
    assert "NO    userns: root cannot make user namespaces: user.max_user_namespaces = 0" in done.stdout
    assert "-> as root, on the host: sysctl -w user.max_user_namespaces=15000" in done.stdout
    assert "NO    storage: " in done.stdout
    assert "less  dns: /etc/resolv.conf names no server" in done.stdout
