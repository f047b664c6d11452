"""Mounts with an id map of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.linux import idmapped, mounts
from argosy.linux.idmap import IdMap, IdRange
from tests.rig import host, processes

pytestmark = [host.needs_root]

MAP = IdMap(uids=(IdRange(0, 1000, 1), IdRange(5, 6, 1)), gids=(IdRange(0, 2000, 1),))


@pytest.mark.parametrize("recursive", [True, False])
def test_owners_are_seen_as_others(tmp_path: Path, recursive: bool) -> None:
    source, place = tmp_path / "source", tmp_path / "place"
    source.mkdir()
    place.mkdir()
    (source / "file").touch()
    mounts.attach(idmapped.clone(str(source), MAP, recursive=recursive), str(place))
    try:
        found = os.stat(place / "file")
        assert (found.st_uid, found.st_gid) == (1000, 2000)
        os.chown(place / "file", 6, 2000)
        assert os.stat(source / "file").st_uid == 5
    finally:
        mounts.unmount(str(place))


def test_a_file_system_without_id_maps_is_named() -> None:
    before = processes.descendants()
    with pytest.raises(mounts.MountFailed, match="/proc/self with an id map") as caught:
        idmapped.clone("/proc/self", MAP)
    assert "proc may know no id maps" in (caught.value.hint or "")
    assert processes.descendants() == before
