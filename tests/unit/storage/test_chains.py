"""The fix directory, proved by what the kernel shows of the stack."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from argosy.linux import mounts
from argosy.storage import rootfs
from argosy.storage.chains import Chain, chain_id
from argosy.storage.layers import LayerMeta
from argosy.storage.store import Store
from tests.rig import host
from tests.unit.storage.making import add_layer, sha256

pytestmark = host.needs_root

Fill = Callable[[str], None]


def layer(
    store: Store, name: str, fill: Fill, *, undeclared: tuple[str, ...] = (), whiteouts: tuple[str, ...] = ()
) -> str:
    diff_id = sha256(name.encode())
    with store.layers.stage(diff_id) as staged:
        fill(staged.path)
        store.layers.commit(staged, LayerMeta(diff_id, 0, 0, undeclared, whiteouts))
    return diff_id


def directory(path: str, mode: int = 0o755, uid: int = 0, mtime: int = 1000) -> None:
    os.makedirs(path, exist_ok=True)
    os.chown(path, uid, uid)
    os.chmod(path, mode)
    os.utime(path, (mtime, mtime))


def file(path: str) -> None:
    with open(path, "wb"):
        pass


def whiteout(path: str) -> None:
    os.mknod(path, stat.S_IFCHR, 0)


def opaque(path: str) -> None:
    os.setxattr(path, "trusted.overlay.opaque", b"y")


@pytest.fixture
def show(store: Store, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Mounts a stack, bottom first, with its fix if it needs one, and says where."""
    mounted: list[str] = []

    def mount(*diff_ids: str, fixed: bool | None = None) -> str:
        chain = store.chains.ensure_fix(diff_ids)
        if fixed is not None:
            assert chain == Chain(chain_id(diff_ids), fixed)
        container = f"{tmp_path}/container{len(mounted)}"
        os.mkdir(container)
        mounted.append(container)
        return rootfs.mount(store, container, diff_ids, chain.chain_id, chain.fixed)

    yield mount
    for container in mounted:
        assert rootfs.unmount(container)


def owner_and_mode(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_uid, stat.S_IMODE(found.st_mode)


def test_the_chain_id_of_the_image_spec() -> None:
    one, two, three = (sha256(text) for text in (b"1", b"2", b"3"))
    assert chain_id(()) == ""
    assert chain_id((one,)) == one
    assert chain_id((one, two)) == sha256(f"{one} {two}".encode())
    assert chain_id((one, two, three)) == sha256(f"{chain_id((one, two))} {three}".encode())


def test_no_layers(store: Store) -> None:
    assert store.chains.ensure_fix(()) == Chain("", fixed=False)


def test_an_ordinary_stack_needs_no_fix(store: Store, show: Callable[..., str]) -> None:
    low = layer(store, "low", lambda path: directory(f"{path}/etc", 0o700, 5))
    top = layer(store, "top", lambda path: directory(f"{path}/etc", 0o711, 6))
    merged = show(low, top, fixed=False)
    assert owner_and_mode(f"{merged}/etc") == (6, 0o711)


def test_an_undeclared_directory_has_the_metadata_of_the_topmost_that_declares_it(
    store: Store, show: Callable[..., str]
) -> None:
    def low(path: str) -> None:
        directory(f"{path}/var", 0o711, 4)
        directory(f"{path}/var/spool", 0o1777, 7, mtime=1234)
        os.setxattr(f"{path}/var/spool", "user.kept", b"value")

    bottom = layer(store, "bottom", lambda path: directory(f"{path}/var/spool", 0o700, 9))
    middle = layer(store, "middle", low)
    top = layer(store, "top", lambda path: os.makedirs(f"{path}/var/spool/new"), undeclared=("var", "var/spool"))
    merged = show(bottom, middle, top, fixed=True)
    assert owner_and_mode(f"{merged}/var/spool") == (7, 0o1777)
    assert owner_and_mode(f"{merged}/var") == (4, 0o711)
    assert os.getxattr(f"{merged}/var/spool", "user.kept") == b"value"
    assert os.stat(f"{merged}/var/spool").st_mtime == 1234
    assert os.listdir(f"{merged}/var/spool") == ["new"]


def test_a_directory_that_nobody_declares(store: Store, show: Callable[..., str]) -> None:
    def fill(path: str) -> None:
        directory(f"{path}/opt", 0o700, 3)
        file(f"{path}/opt/file")

    merged = show(layer(store, "only", fill, undeclared=("opt",)), fixed=True)
    assert owner_and_mode(f"{merged}/opt") == (0, 0o755)
    assert os.listdir(f"{merged}/opt") == ["file"]


def test_undeclared_but_right_needs_no_fix(store: Store, show: Callable[..., str]) -> None:
    low = layer(store, "low", lambda path: directory(f"{path}/usr"))
    top = layer(store, "top", lambda path: os.makedirs(f"{path}/usr/bin"), undeclared=(".", "usr", "usr/bin"))
    show(low, top, fixed=False)


def test_the_root_directory_itself(store: Store, show: Callable[..., str]) -> None:
    low = layer(store, "low", lambda path: os.chmod(path, 0o555))
    top = layer(store, "top", lambda path: directory(f"{path}/usr"), undeclared=(".",))
    merged = show(low, top, fixed=True)
    assert owner_and_mode(merged) == (0, 0o555)


def test_the_upper_directory_shows_the_root_of_the_image(store: Store, show: Callable[..., str]) -> None:
    def fill(path: str) -> None:
        os.chown(path, 11, 12)
        os.chmod(path, 0o2750)
        os.setxattr(path, "user.kept", b"value")

    merged = show(layer(store, "root", fill), fixed=False)
    assert owner_and_mode(merged) == (11, 0o2750)
    assert os.stat(merged).st_gid == 12
    assert os.getxattr(merged, "user.kept") == b"value"


def test_whiteouts_in_a_directory_that_is_not_merged_are_not_seen(store: Store, show: Callable[..., str]) -> None:
    def fill(path: str) -> None:
        directory(f"{path}/a/b", 0o750, 8)
        file(f"{path}/a/b/kept")
        whiteout(f"{path}/a/b/gone")

    merged = show(layer(store, "only", fill, whiteouts=("a/b",)), fixed=True)
    assert os.listdir(f"{merged}/a/b") == ["kept"]
    assert owner_and_mode(f"{merged}/a/b") == (8, 0o750)


def test_whiteouts_in_a_merged_directory_need_no_fix(store: Store, show: Callable[..., str]) -> None:
    def low(path: str) -> None:
        directory(f"{path}/a")
        file(f"{path}/a/gone")

    def top(path: str) -> None:
        directory(f"{path}/a")
        whiteout(f"{path}/a/gone")

    merged = show(layer(store, "low", low), layer(store, "top", top, whiteouts=("a",)), fixed=False)
    assert os.listdir(f"{merged}/a") == []


def test_whiteouts_below_an_opaque_directory(store: Store, show: Callable[..., str]) -> None:
    def low(path: str) -> None:
        directory(f"{path}/a/b")
        file(f"{path}/a/b/old")

    def top(path: str) -> None:
        directory(f"{path}/a/b")
        opaque(f"{path}/a")
        whiteout(f"{path}/a/b/gone")
        file(f"{path}/a/b/new")

    merged = show(layer(store, "low", low), layer(store, "top", top, whiteouts=("a/b",)), fixed=True)
    assert os.listdir(f"{merged}/a/b") == ["new"]


@pytest.mark.parametrize("hider", ["whiteout", "file", "link", "parent", "opaque parent"])
def test_what_a_later_layer_hides_stays_hidden(store: Store, show: Callable[..., str], hider: str) -> None:
    def low(path: str) -> None:
        directory(f"{path}/a", 0o711, 2)
        directory(f"{path}/a/b", 0o700, 2)
        whiteout(f"{path}/a/b/gone")

    def top(path: str) -> None:
        if hider == "parent":
            whiteout(f"{path}/a")
            return
        directory(f"{path}/a", 0o711, 2)
        if hider == "whiteout":
            whiteout(f"{path}/a/b")
        elif hider == "file":
            file(f"{path}/a/b")
        elif hider == "link":
            os.symlink("elsewhere", f"{path}/a/b")
        else:
            opaque(f"{path}/a")

    bottom = layer(store, "low", low, undeclared=("a/b",), whiteouts=("a/b",))
    merged = show(bottom, layer(store, "top", top), fixed=False)
    expected = {"whiteout": [], "file": ["b"], "link": ["b"], "opaque parent": []}
    if hider == "parent":
        assert os.listdir(merged) == []
    else:
        assert os.listdir(f"{merged}/a") == expected[hider]
        assert not os.path.isdir(f"{merged}/a/b")


def test_a_fix_in_a_deep_stack_leaves_everything_else_alone(store: Store, show: Callable[..., str]) -> None:
    def number(index: int) -> Fill:
        def fill(path: str) -> None:
            directory(f"{path}/shared/sub", 0o700, index)
            file(f"{path}/shared/sub/{index}")

        return fill

    stack = [
        layer(store, f"layer {index}", number(index), undeclared=("shared", "shared/sub")) for index in range(1, 30)
    ]
    stack.insert(0, layer(store, "base", lambda path: directory(f"{path}/shared", 0o1777, 50)))
    merged = show(*stack, fixed=True)
    assert owner_and_mode(f"{merged}/shared") == (50, 0o1777)
    assert owner_and_mode(f"{merged}/shared/sub") == (0, 0o755)
    assert len(os.listdir(f"{merged}/shared/sub")) == 29


def test_names_with_odd_characters(store: Store, show: Callable[..., str]) -> None:
    odd = os.fsdecode(b"odd\xff:,\\ name\n")

    def fill(path: str) -> None:
        directory(f"{path}/{odd}/sub", 0o700, 3)
        whiteout(f"{path}/{odd}/sub/x")

    merged = show(layer(store, "odd", fill, undeclared=(odd,), whiteouts=(f"{odd}/sub",)), fixed=True)
    assert os.listdir(f"{merged}/{odd}/sub") == []
    assert owner_and_mode(f"{merged}/{odd}") == (0, 0o755)


def test_a_fix_that_went_is_made_again_for_the_mount(store: Store, tmp_path: Path) -> None:
    def fill(path: str) -> None:
        directory(f"{path}/a")
        whiteout(f"{path}/a/x")

    only = layer(store, "only", fill, whiteouts=("a",))
    chain = store.chains.ensure_fix((only,))
    os.rename(store.chains.directory(chain.chain_id), f"{tmp_path}/away")
    lowers = rootfs.lower_directories(store, (only,), chain.chain_id, fixed=True)
    assert os.path.isdir(f"{lowers[0]}/a")


def test_a_damaged_layer_stops_the_mount_with_its_name(store: Store, tmp_path: Path) -> None:
    good, bad = add_layer(store, {"a": b"a"}), add_layer(store, {"b": b"b"})
    os.unlink(f"{store.layers.directory(bad)}/layer.json")
    with pytest.raises(Exception, match=bad) as caught:
        rootfs.mount(store, str(tmp_path), (good, bad), chain_id((good, bad)), False)
    assert "1 of 2" in str(caught.value)
    assert not mounts.is_mount_point(f"{tmp_path}/merged")
