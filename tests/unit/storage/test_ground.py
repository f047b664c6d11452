"""File systems that a store cannot be on, or not as usual: real ones, mounted for the test."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.config.locations import Locations
from argosy.errors import Unsupported
from argosy.linux.idmap import IdMap, IdRange, identity
from argosy.storage import creation
from argosy.storage.drivers import detect, ground
from tests.rig import host
from tests.rig.program import CHECKOUT

pytestmark = host.needs_root


@contextlib.contextmanager
def mounted(target: Path, *words: str) -> Iterator[str]:
    target.mkdir()
    subprocess.run(["mount", *words, str(target)], check=True)
    try:
        yield str(target)
    finally:
        subprocess.run(["umount", "--lazy", str(target)], check=True)


def made(root: str, run: Path, notices: list[str], *drivers: str, id_map: IdMap | None = None) -> str:
    locations = Locations(f"{root}/store", str(run))
    return creation.make(locations, id_map or identity(), drivers, notice=notices.append).driver


def test_without_extended_attributes_nothing_works_and_nothing_is_left(tmp_path: Path) -> None:
    with mounted(tmp_path / "ramfs", "-t", "ramfs", "ramfs") as root:
        with pytest.raises(Unsupported) as caught:
            made(root, tmp_path / "run", [])
        text = str(caught.value)
        assert text.startswith(f"a store cannot be at {root}/store, on ramfs: ")
        assert "extended attributes trusted.* do not work" in text
        assert "(ramfs: it has no extended attributes)" in text
        assert "--root" in caught.value.hint
        assert "storage.conf" in caught.value.hint
        assert os.listdir(root) == []


def test_what_was_there_before_stays(tmp_path: Path) -> None:
    with mounted(tmp_path / "ramfs", "-t", "ramfs", "ramfs") as root:
        Path(f"{root}/store/mine").mkdir(parents=True)
        with pytest.raises(Unsupported):
            made(root, tmp_path / "run", [])
        assert os.listdir(f"{root}/store") == ["mine"]


@host.needs_program("fuse-overlayfs")
def test_on_an_overlay_fuse_serves_and_the_user_is_told(tmp_path: Path) -> None:
    for name in ("lower", "upper", "work"):
        (tmp_path / name).mkdir()
    options = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    with mounted(tmp_path / "merged", "-t", "overlay", "overlay", "-o", options) as root:
        notices: list[str] = []
        assert made(root, tmp_path / "run", notices) == "fuse_overlay"
        assert len(notices) == 1
        assert "on overlay, uses the storage driver fuse_overlay, which is slower" in notices[0]
        with pytest.raises(Unsupported, match="the storage driver overlay does not work"):
            made(f"{root}/other", tmp_path / "run", [], "overlay")
        notices.clear()
        assert made(f"{root}/third", tmp_path / "run", notices, "vfs") == "vfs"
        assert notices == []  # it was asked for


def test_a_local_disk_gets_the_kernels_overlay_without_a_word(tmp_path: Path) -> None:
    notices: list[str] = []
    assert made(str(tmp_path), tmp_path / "run", notices) == "overlay"
    assert notices == []


def test_owners_that_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that squashes ids: stood in for by a process that may not give files away."""
    code = (
        "import os, sys; from argosy.storage.drivers import ground; from argosy.linux.idmap import identity\n"
        "from argosy.errors import Unsupported\n"
        "os.setresuid(65534, 65534, 65534)\n"
        "try: ground.require(sys.argv[1], identity(), any_owner=sys.argv[2] == 'any')\n"
        "except Unsupported as error: print(error)\n"
    )
    monkeypatch.chdir("/")
    answers = {}
    with tempfile.TemporaryDirectory() as place:  # where others may go, other than pytest's own directories
        os.chmod(place, 0o777)
        for owners in ("own", "any"):
            argv = ["/usr/bin/python3", "-c", code, place, owners]
            done = subprocess.run(argv, env={"PYTHONPATH": CHECKOUT}, check=True, capture_output=True, text=True)
            answers[owners] = done.stdout
    assert "files cannot belong to other ids than 65534: Operation not permitted" in answers["own"]
    assert answers["any"] == ""


def test_one_id_needs_no_owners(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    single = IdMap((IdRange(0, 1000, 1),), (IdRange(0, 1000, 1),))
    ground.require(f"{tmp_path}/tmp", single, any_owner=False)
    assert os.listdir(tmp_path / "tmp") == []


def test_the_drivers_are_tried_in_the_order_wanted(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    assert detect.choose(f"{tmp_path}/tmp", ("vfs", "overlay")).driver == "vfs"
    with pytest.raises(Unsupported, match="storage driver btrfs: argosy has no such driver"):
        detect.choose(f"{tmp_path}/tmp", ("btrfs",))


def test_network_file_systems_are_explained() -> None:
    for kind in ("nfs4", "lustre", "gpfs", "beegfs", "cifs", "9p"):
        assert ground.explanation(kind)
    assert ground.explanation("ext4") == ""
