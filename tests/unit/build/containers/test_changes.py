"""What a program changes in the configuration of a working container."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.build.containers import changes
from argosy.build.containers.changes import Changes
from argosy.build.containers.record import WorkingRecord
from argosy.errors import Invalid
from argosy.oci.imageconfig import ContainerConfig
from argosy.oci.platform import Platform
from argosy.spec.options import ContainerOptions

CONFIG = ContainerConfig(
    user="u", env=("A=1", "B=2"), cmd=("c",), working_dir="/w", exposed_ports=("1/tcp",), labels={"x": "y"}
)
RECORD = WorkingRecord("id", 0.0, Platform("linux", "amd64"), CONFIG, ContainerOptions(image=""), author="a")


def test_nothing_given_changes_nothing() -> None:
    assert changes.apply(RECORD, Changes()) == RECORD


def test_pairs_are_set_and_taken_out_and_lists_grow() -> None:
    given = Changes(
        env={"A": None, "B": "3", "C": "="},
        labels={"x": None, "n": ""},
        annotations={"k": "v"},
        ports=("1/tcp", "80"),
        volumes=("/data",),
        workdir="below",
        cmd=(),
        user="",
        author="b",
        hostname="h",
    )
    made = changes.apply(RECORD, given)
    assert made.config == CONFIG.replace(
        env=("B=3", "C=="),
        labels={"n": ""},
        exposed_ports=("1/tcp", "80"),
        volumes=("/data",),
        working_dir="/w/below",
        cmd=(),
        user="",
    )
    assert (made.author, made.hostname, made.annotations) == ("b", "h", {"k": "v"})


@pytest.mark.parametrize(
    "given",
    [{"env": {"A=B": "1"}}, {"env": {"": "1"}}, {"ports": ("x",)}, {"volumes": ("rel",)}, {"stop_signal": "NO"}],
)
def test_what_no_configuration_holds_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        changes.apply(RECORD, Changes(**given))
