"""Mounts: overlays over paths that strings cannot carry, errors that say which directory, the mount table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from argosy.errors import ArgosyError, Unsupported
from argosy.linux import mounts, syscalls
from tests.rig import host
from tests.rig.as_user import AsUser

pytestmark = host.needs_root

PLAIN = ("metacopy=off", "index=off", "redirect_dir=off")
HARD_NAMES = ("plain", "co:lon", "com,ma", "back\\slash", "bl ank", 'quo"te', "new\nline", "ünï", "l" * 200, "=,:\\")


class Overlay:
    """Directories for an overlay; the name of each layer's one file is the layer's number."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.target, self.upper, self.work = (f"{base}/{name}" for name in ("merged", "upper", "work"))
        for path in (self.target, self.upper, self.work):
            os.mkdir(path)

    def lowers(self, count: int) -> list[str]:
        made = [f"{self.base}/layers/{number}" for number in range(count)]
        for number, path in enumerate(made):
            os.makedirs(path)
            (Path(path) / str(number)).touch()
            (Path(path) / "common").write_text(str(number))
        return made

    def mount(self, lowers: list[str], options: tuple[str, ...] = PLAIN) -> None:
        mounts.mount_overlay(self.target, lowers, self.upper, self.work, options)


@pytest.fixture(params=HARD_NAMES)
def overlay(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Overlay]:
    yield from _overlay(tmp_path / request.param)


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Overlay]:
    yield from _overlay(tmp_path / "plain")


def _overlay(base: Path) -> Iterator[Overlay]:
    base.mkdir()
    made = Overlay(base)
    yield made
    while mounts.unmount(made.target):
        pass
    assert not [point for point in mounts.mountinfo() if point.path.startswith(str(base))]


@pytest.mark.parametrize("mount", [mounts.mount_overlay, mounts.mount_overlay_by_string])
def test_layers_lie_on_each_other_in_order_whatever_their_paths(overlay: Overlay, mount: Callable[..., None]) -> None:
    lowers = overlay.lowers(3)
    mount(overlay.target, lowers, overlay.upper, overlay.work, PLAIN)
    merged = Path(overlay.target)
    assert {"0", "1", "2"} < set(os.listdir(merged))
    assert (merged / "common").read_text() == "0"
    (merged / "new").touch()
    (merged / "1").unlink()
    assert set(os.listdir(overlay.upper)) == {"new", "1"}
    assert set(os.listdir(lowers[1])) == {"1", "common"}
    assert overlay.target in [point.path for point in mounts.mountinfo() if point.fstype == "overlay"]


@pytest.mark.parametrize("count", [1, 128, 200])
def test_many_layers(plain: Overlay, count: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    plain.mount(plain.lowers(count))
    assert len(os.listdir(plain.target)) == count + 1
    assert len(os.listdir("/proc/self/fd")) == before


def test_paths_longer_than_the_kernel_takes_as_a_string(plain: Overlay) -> None:
    deep = Path(plain.base, *["d" * 100] * 5)
    deep.mkdir(parents=True)
    (deep / "file").touch()
    plain.mount([str(deep), *plain.lowers(1)])
    assert "file" in os.listdir(plain.target)


def test_without_an_upper_directory_it_is_read_only(plain: Overlay) -> None:
    mounts.mount_overlay(plain.target, plain.lowers(2), None, None, PLAIN)
    assert sorted(os.listdir(plain.target)) == ["0", "1", "common"]
    with pytest.raises(OSError, match="Read-only"):
        os.mkdir(f"{plain.target}/new")


@pytest.mark.parametrize(
    ("lose", "words"),
    [
        ("layers/1", "the layer .*layers/1 is not a directory"),
        ("upper", "the upper directory .*upper is not a directory"),
        ("work", "the work directory .*work is not a directory"),
        ("merged", "the mount point .*merged is not a directory"),
    ],
)
@pytest.mark.parametrize("mount", [mounts.mount_overlay, mounts.mount_overlay_by_string])
def test_a_missing_directory_is_named(plain: Overlay, lose: str, words: str, mount: Callable[..., None]) -> None:
    lowers = plain.lowers(2)
    os.rename(f"{plain.base}/{lose}", f"{plain.base}/gone")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(mounts.MountFailed, match=words):
        mount(plain.target, lowers, plain.upper, plain.work, PLAIN)
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_kernels_own_words_are_in_the_error(plain: Overlay) -> None:
    with pytest.raises(mounts.MountFailed, match="Unknown parameter 'no_such_option'"):
        plain.mount(plain.lowers(1), ("no_such_option=on",))
    with pytest.raises(mounts.MountFailed, match="Invalid argument") as raised:
        mounts.mount_overlay(plain.target, [plain.target], plain.upper, plain.upper, PLAIN)
    assert "dmesg" in raised.value.hint


@pytest.mark.parametrize("mount", [mounts.mount_overlay, mounts.mount_overlay_by_string])
def test_an_upper_directory_on_an_overlay_is_explained(plain: Overlay, mount: Callable[..., None]) -> None:
    plain.mount(plain.lowers(1))
    assert mounts.filesystem(f"{plain.target}/common") == "overlay"
    for name in ("upper", "work", "again"):
        os.mkdir(f"{plain.target}/{name}")
    paths = [f"{plain.target}/{name}" for name in ("again", "upper", "work")]
    with pytest.raises(mounts.MountFailed, match="Invalid argument") as raised:
        mount(paths[0], [plain.work], *paths[1:], PLAIN)
    assert "is on overlay, which cannot hold an overlay's upper directory" in raised.value.hint


def _refuse(error: int, name: str = "") -> Callable[..., None]:
    def refused(*args: object) -> None:
        if not name or name in args:
            raise OSError(error, os.strerror(error))

    return refused


@pytest.mark.parametrize(
    ("call", "refusal", "said"),
    [
        ("fsopen", _refuse(38), ""),  # before Linux 5.2, or a seccomp filter
        ("fsopen", _refuse(1), ""),  # another seccomp filter
        ("fsconfig_create", _refuse(22), ""),  # before 6.6 any word is taken, and refused in the end
        ("fsconfig_string", _refuse(22, "lowerdir+"), "overlay: Unknown parameter 'lowerdir+'"),
        ("fsconfig_string", _refuse(22, "lowerdir+"), "VFS: Legacy: Option 'lowerdir+' contained comma"),
    ],
)
def test_an_older_kernel_gets_a_string(
    plain: Overlay, monkeypatch: pytest.MonkeyPatch, call: str, refusal: Callable[..., None], said: str
) -> None:
    """Older kernels cannot be had here: their answers stand in for them."""
    monkeypatch.setattr(syscalls, call, refusal)
    if said:
        monkeypatch.setattr(mounts, "_kernel_messages", lambda _context: said)
    before = len(os.listdir("/proc/self/fd"))
    plain.mount(plain.lowers(2))
    assert sorted(os.listdir(plain.target)) == ["0", "1", "common"]
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_user_mounts_overlays_in_the_namespace(as_user: AsUser) -> None:
    found = as_user.run("""
        from argosy.linux import mounts, userns
        userns.enter(RUN)
        for name in ("lower", "upper", "work", "merged"):
            os.mkdir(name)
        open("lower/file", "w").close()
        at = os.path.abspath
        options = ("userxattr", "metacopy=off", "index=off")
        for mount in (mounts.mount_overlay, mounts.mount_overlay_by_string):
            mount(at("merged"), [at("lower")], at("upper"), at("work"), options)
            if os.path.exists("merged/file"):
                os.unlink("merged/file")
            print(os.listdir("merged"), os.listdir("upper"), os.listdir("lower"))
            mounts.unmount(at("merged"))
        mounts.bind(at("lower"), at("merged"), read_only=True)
        print(os.listdir("merged"))
    """)
    assert found == "[] ['file'] ['file']\n" * 2 + "['file']\n"


def test_too_many_layers_or_none_are_refused(plain: Overlay) -> None:
    for count in (0, 501):
        with pytest.raises(Unsupported, match=f"an overlay of {count} layers"):
            plain.mount(["/"] * count)
    with pytest.raises(Unsupported, match="an overlay of 250 layers"):
        mounts.mount_overlay_by_string(plain.target, plain.lowers(250), plain.upper, plain.work, PLAIN)


def test_a_user_is_told_what_mounting_needs(as_user: AsUser) -> None:
    said = as_user.run("""
        from argosy.linux import mounts
        try:
            mounts.mount_overlay("/tmp", ["/usr", "/etc"], None, None)
        except mounts.MountFailed as error:
            print(error.brief, "|", error.hint)
    """)
    assert "Operation not permitted | mounting needs CAP_SYS_ADMIN" in said


def test_a_bind_shows_the_same_files_and_may_be_read_only(tmp_path: Path) -> None:
    for name in ("source", "source/inner", "target"):
        (tmp_path / name).mkdir()
    (tmp_path / "source/file").touch()
    mounts.mount_tmpfs(f"{tmp_path}/source/inner", mode=0o700, size_bytes=1 << 20)
    target = f"{tmp_path}/target"
    try:
        (tmp_path / "source/inner/deep").touch()
        mounts.bind(f"{tmp_path}/source", target)
        assert os.listdir(f"{target}/inner") == ["deep"]
        mounts.unmount(target)
        mounts.bind(f"{tmp_path}/source", target, recursive=False)
        assert os.listdir(f"{target}/inner") == []
        (Path(target) / "writable").touch()
        mounts.unmount(target)
        mounts.bind(f"{tmp_path}/source", target, read_only=True)
        for name in ("new", "inner/new"):
            with pytest.raises(OSError, match="Read-only"):
                (Path(target) / name).touch()
        (tmp_path / "source/inner/still-writable").touch()
    finally:
        mounts.unmount(target)
        mounts.unmount(f"{tmp_path}/source/inner")
    with pytest.raises(mounts.MountFailed, match="No such file or directory"):
        mounts.bind(f"{tmp_path}/missing", target)


def test_a_mount_point_is_one_until_it_is_unmounted(tmp_path: Path) -> None:
    target, link = f"{tmp_path}/target", f"{tmp_path}/link"
    os.mkdir(target)
    os.symlink("target", link)
    assert not mounts.is_mount_point(target)
    assert not mounts.is_mount_point(f"{tmp_path}/missing")
    mounts.bind(target, target)
    try:
        assert mounts.is_mount_point(target)
        assert not mounts.is_mount_point(link)
        assert not mounts.unmount(link)
        fd = os.open(target, os.O_RDONLY)
        with pytest.raises(ArgosyError, match="busy"):
            mounts.unmount(target, detach=False)
        os.close(fd)
        assert mounts.unmount(target, detach=False)
        assert not mounts.unmount(target)
        assert not mounts.unmount(f"{tmp_path}/missing")
    finally:
        mounts.unmount(target)


def test_mount_ids_are_unique_for_the_life_of_the_system(tmp_path: Path) -> None:
    seen = set()
    for _ in range(3):
        mounts.mount_tmpfs(str(tmp_path))
        seen.add(syscalls.statx_mount_id(str(tmp_path)))
        mounts.unmount(str(tmp_path))
    if min(seen) < 1 << 31:
        pytest.skip("this kernel's mount ids are used again (6.8 and later have unique ones)")
    assert len(seen) == 3


def test_the_mount_table_survives_strange_names(tmp_path: Path) -> None:
    target = f"{tmp_path}/a b\tc\nd\\e#f"
    os.mkdir(target)
    mounts.mount_tmpfs(target)
    try:
        [point] = [point for point in mounts.mountinfo() if point.path == target]
        assert (point.fstype, point.root) == ("tmpfs", "/")
    finally:
        mounts.unmount(target)


def test_a_line_of_the_mount_table_is_taken_apart() -> None:
    line = r"36 35 98:0 /mnt\0401 /mnt\0402 rw,noatime master:1 shared:2 - ext3 /dev/root\134x rw,errors=continue"
    assert mounts.parse_mountinfo(line + "\n") == mounts.MountPoint(
        mount_id=36,
        parent_id=35,
        device="98:0",
        root="/mnt 1",
        path="/mnt 2",
        options="rw,noatime",
        propagation="master:1 shared:2",
        fstype="ext3",
        source="/dev/root\\x",
        super_options="rw,errors=continue",
    )


def _line(number: int, path: str, device: str, fstype: str) -> str:
    return f"{number} 1 {device} / {path} rw - {fstype} none rw\n"


def test_the_table_is_read_up_to_what_is_asked_for(tmp_path: Path) -> None:
    """Thousands of mounts of containers are not read, unless something is mounted over what was found."""
    number = os.stat(tmp_path).st_dev
    seen = f"{os.major(number)}:{os.minor(number)}"
    rest = _line(3, "/elsewhere", "0:97", "cgroup2") + "".join(
        _line(count, f"/containers/{count}", "0:99", "overlay") for count in range(1000)
    )
    table = tmp_path / "mountinfo"
    wanted = _line(2, str(tmp_path), seen, "cgroup2")
    table.write_text(_line(1, "/", "0:1", "ext4") + wanted + rest)
    text = mounts.table_up_to("cgroup", str(tmp_path), 1, str(table))
    assert wanted in text
    assert len(text) < len(rest) / 4
    for device, path, count in ((seen, str(tmp_path), 2), ("0:98", str(tmp_path), 1), (seen, f"{tmp_path}/gone", 1)):
        table.write_text(_line(1, "/", "0:1", "ext4") + _line(2, path, device, "cgroup2") + rest)
        assert mounts.table_up_to("cgroup", str(tmp_path), count, str(table)) == table.read_text()
