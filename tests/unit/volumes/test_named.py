"""Named volumes on a store of their own, and their first filling from hostile trees."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from argosy.errors import Exists, Invalid, NotFound
from argosy.storage.store import Store
from argosy.volumes import named
from tests.rig import host
from tests.unit.storage.making import make_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(str(tmp_path / "store"))


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    """The root of a container."""
    tree = tmp_path / "merged"
    tree.mkdir()
    return tree


def ready(store: Store, name: str, merged: Path, place: str, *, copy_up: bool = True) -> Path:
    return Path(named.ready(store, name, str(merged), place, user="c", copy_up=copy_up))


def test_a_volume_is_made_found_listed_and_removed(store: Store) -> None:
    made = named.create(store, "data", labels={"a": "b"})
    assert named.get(store, "data") == made
    assert made.labels == {"a": "b"}
    assert os.path.isdir(named.data_path(store, "data"))
    named.ensure(store, "data")
    with pytest.raises(Exists):
        named.create(store, "data")
    assert [volume.name for volume in named.listing(store).volumes] == ["data"]
    named.remove(store, "data")
    assert named.listing(store).volumes == ()
    with pytest.raises(NotFound):
        named.get(store, "data")
    named.remove_unused(store, "data")


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "-x", "a/b", "a b", "é", "a\0"])
def test_names_that_cannot_be(store: Store, name: str) -> None:
    with pytest.raises(Invalid, match="volume name"):
        named.create(store, name)


def test_a_damaged_volume_is_named_and_hides_no_other(store: Store) -> None:
    named.create(store, "good")
    named.create(store, "bad")
    Path(store.volumes.path("bad"), named.VOLUME).write_bytes(b"{")
    listing = named.listing(store)
    assert [volume.name for volume in listing.volumes] == ["good"]
    assert [name for name, _ in listing.damaged] == ["bad"]


def test_content_is_copied_once_with_all_that_belongs_to_it(store: Store, merged: Path) -> None:
    source = merged / "data"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "file").write_bytes(b"x" * 100_000)
    os.link(source / "sub" / "file", source / "twin")
    os.symlink("/etc/passwd", source / "link")
    os.mkfifo(source / "fifo")
    os.setxattr(source / "twin", "user.note", b"kept")
    os.chmod(source, 0o2750)
    os.utime(source / "sub", ns=(5, 7))
    made = ready(store, "v", merged, "/data")
    assert stat.S_IMODE(made.stat().st_mode) == 0o2750
    assert (made / "sub" / "file").read_bytes() == b"x" * 100_000
    assert (made / "twin").stat().st_ino == (made / "sub" / "file").stat().st_ino
    assert os.getxattr(made / "twin", "user.note") == b"kept"
    assert os.readlink(made / "link") == "/etc/passwd"
    assert stat.S_ISFIFO((made / "fifo").lstat().st_mode)
    assert (made / "sub").stat().st_mtime_ns == 7
    (made / "twin").unlink()
    assert not (ready(store, "v", merged, "/data") / "twin").exists()


def test_without_copy_up_owner_and_mode_are_taken(store: Store, merged: Path) -> None:
    (merged / "data").mkdir(mode=0o700)
    (merged / "data" / "file").touch()
    made = ready(store, "v", merged, "/data", copy_up=False)
    assert os.listdir(made) == []
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


@pytest.mark.parametrize("place", ["/nothing", "/file", "/file/below"])
def test_nothing_to_copy(store: Store, merged: Path, place: str) -> None:
    (merged / "file").touch()
    assert os.listdir(ready(store, "v", merged, place)) == []


@pytest.mark.parametrize("target", ["/", "..", "../..", "/../../.."])
def test_a_link_in_the_image_does_not_lead_out_of_it(store: Store, merged: Path, target: str) -> None:
    secret = merged.parent / "secret"
    secret.mkdir()
    (secret / "file").write_text("sesame")
    os.symlink(target, merged / "data")
    for place in ("/data/secret", f"/data{secret}"):
        assert "file" not in os.listdir(ready(store, f"v{place.count('/')}", merged, place))


def test_a_filling_that_was_cut_off_is_made_again(store: Store, merged: Path) -> None:
    (merged / "data").mkdir()
    (merged / "data" / "whole").touch()
    named.create(store, "v")
    left = Path(store.volumes.path("v"), ".filling~")
    left.mkdir()
    (left / "half").touch()
    assert os.listdir(ready(store, "v", merged, "/data")) == ["whole"]
    assert not left.exists()


@host.needs_root
def test_owners_and_devices_are_kept(store: Store, merged: Path) -> None:
    (merged / "data").mkdir()
    os.mknod(merged / "data" / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    (merged / "data" / "set").touch()
    os.chown(merged / "data" / "set", 7, 8)
    os.chmod(merged / "data" / "set", 0o4755)
    made = ready(store, "v", merged, "/data")
    found = (made / "set").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (7, 8, 0o4755)
    assert (made / "null").stat().st_rdev == os.makedev(1, 3)
