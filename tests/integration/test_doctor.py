"""`doctor`: what the host lacks is named with a way out, and nothing is changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from tests.rig.program import Program

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs another user's account")


def test_a_host_that_runs_containers(argosy_both: Program) -> None:
    done = argosy_both.run("doctor")
    assert done.returncode == 0
    topics = {line.split()[1].rstrip(":") for line in done.stdout.splitlines() if not line.startswith(" ")}
    assert {"runtime", "conmon", "limits", "network", "storage"} <= topics
    assert ("privilege" in topics) != ("user" in topics)
    documents = json.loads(argosy_both.run("doctor", "--format", "json").stdout)
    assert all(set(document) == {"Topic", "State", "Text", "Remedy"} for document in documents)
    assert all(document["Remedy"] or document["State"] == "good" for document in documents)
    states = argosy_both.run("doctor", "--format", "{{.State}}").stdout.split()
    assert len(states) == len(documents)


def test_what_is_missing_is_named(argosy: Program, tmp_path: os.PathLike[str]) -> None:
    conf = f"{tmp_path}/containers.conf"
    with open(conf, "w", encoding="utf-8") as file:
        file.write('[engine]\nruntime = "nosuch"\n')
    done = argosy.run("doctor", env={"CONTAINERS_CONF": conf}, check=False)
    assert done.returncode == 1
    assert "NO    runtime: " in done.stdout
    assert "-> install nosuch" in done.stdout


@ROOT
def test_somebody_without_ranges(new_program: Callable[[str], Program]) -> None:
    program = new_program("nobody")
    done = program.run("doctor", check=False)
    assert "less  ids: /etc/subuid gives nobody no ids" in done.stdout
    assert "usermod --add-subuids" in done.stdout
