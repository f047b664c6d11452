"""Types of values that come from elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.containers.checkpoint import statistics, types
from argosy.spec.options import ContainerOptions, Mount, NetworkMode, NetworkUse

WHOLE = ContainerOptions(
    image="busybox",
    command=("sh",),
    env={"A": "B"},
    mounts=(Mount("bind", "/a", "/b", ("ro",)),),
    network=NetworkMode("bridge", networks=(NetworkUse("podman", ("10.0.0.1",)),)),
    oom_score_adj=5,
)


def test_what_is_as_it_was_written() -> None:
    assert types.wrong_field(WHOLE) == ""
    assert types.wrong_field(ContainerOptions.from_json(WHOLE.to_json())) == ""


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"env": ("A",)}, "env"),
        ({"env": {"A": 5}}, "env"),
        ({"command": "sh"}, "command"),
        ({"command": (1,)}, "command"),
        ({"tty": 1}, "tty"),
        ({"memory_bytes": True}, "memory_bytes"),
        ({"memory_bytes": "1"}, "memory_bytes"),
        ({"image": None}, "image"),
        ({"mounts": ("x",)}, "mounts"),
        ({"mounts": (Mount("bind", "/a", 7),)}, "mounts.target"),  # type: ignore[arg-type]
        ({"network": NetworkUse("x")}, "network"),
        ({"network": NetworkMode("bridge", networks=(NetworkUse(b"x"),))}, "network.networks.name"),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_what_is_not(fields: dict[str, Any], wrong: str) -> None:
    assert types.wrong_field(WHOLE.replace(**fields)) == wrong


STATS = bytes.fromhex("0633095706330957")


@pytest.mark.parametrize(
    ("data", "counts"),
    [
        (STATS + bytes.fromhex("06000000" + "0a0408011002"), {"freezing_time": 1, "frozen_time": 2}),
        (STATS + bytes.fromhex("07000000" + "0a053880808001"), {"pages_written": 2097152}),
        (STATS + bytes.fromhex("04000000" + "12022005"), {"restore_time": 5}),
        (STATS + bytes.fromhex("06000000" + "0a7f08011002"), {}),
        (STATS + bytes.fromhex("03000000" + "0affff"), {}),
        (STATS + b"\xff" * 20, {}),
        (b"", {}),
        (b"x" * 40, {}),
    ],
    ids=lambda value: value.hex() if isinstance(value, bytes) else "",
)
def test_statistics(data: bytes, counts: dict[str, int]) -> None:
    assert statistics.parse(data) == counts
