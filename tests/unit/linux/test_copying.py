"""Contents of files whose sizes say nothing of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.linux.copying import copy_content


@pytest.mark.parametrize(
    ("source", "size", "there"),
    [("/proc/self/status", 0, True), ("/proc/self/mem", 0, False), ("/sys/kernel/uevent_seqnum", 4096, True)],
)
def test_files_of_the_kernel(tmp_path: Path, source: str, size: int, there: bool) -> None:
    with open(source, "rb") as reader, open(tmp_path / "copy", "wb") as writer:
        copy_content(reader.fileno(), writer.fileno(), size)
    found = (tmp_path / "copy").read_bytes()
    assert bool(found) == there
    assert b"\0" not in found
