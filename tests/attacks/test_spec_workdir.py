"""Working directories that an image's links lead astray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from argosy.containers import workdir
from argosy.errors import ArgosyError, Invalid


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    for name in ("proc/self", "dev", "sys", "srv/app", "etc"):
        (made / name).mkdir(parents=True)
    (made / "etc/file").write_text("")
    return made


def config(cwd: str, *mounted: str) -> dict[str, Any]:
    return {"process": {"cwd": cwd}, "mounts": [{"destination": path} for path in ("/proc", "/dev", *mounted)]}


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("target", ["/proc", "proc/self", "../../proc", "/dev", "/sys", "/proc/../proc"])
def test_a_link_to_the_kernels_file_systems_is_refused(root: Path, target: str, *, asked: bool) -> None:
    (root / "link").symlink_to(target)
    (root / "chain").symlink_to("srv/../link")
    for cwd in ("/link", "/chain"):
        with pytest.raises(Invalid, match="is a link to"):
            workdir.ensure(str(root), config(cwd), "id", asked=asked)


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("target", ["/proc/self/fd/8", "/proc/1/root", "loop"])
def test_a_link_to_what_is_not_there_yet_is_an_error(root: Path, target: str, *, asked: bool) -> None:
    (root / "loop").symlink_to("loop")
    (root / "link").symlink_to(target)
    with pytest.raises(ArgosyError):
        workdir.ensure(str(root), config("/link"), "id", asked=asked)
    assert not (root / "proc/self/fd").exists()


def test_links_stay_inside_the_root(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "link").symlink_to(outside)
    (root / "up").symlink_to("../../../srv")
    with pytest.raises(ArgosyError):
        workdir.ensure(str(root), config("/link/new"), "id", asked=False)
    assert list(outside.iterdir()) == []
    workdir.ensure(str(root), config("/up/app"), "id", asked=True)


def test_the_images_directory_is_made(root: Path) -> None:
    workdir.ensure(str(root), config("/srv/new/dir"), "id", asked=False)
    assert (root / "srv/new/dir").stat().st_mode & 0o7777 == 0o755


def test_the_users_directory_must_be_there(root: Path) -> None:
    for cwd in ("/nowhere", "/etc/file"):
        with pytest.raises(ArgosyError) as caught:
            workdir.ensure(str(root), config(cwd), "abc", asked=True)
        assert f'"{cwd}"' in str(caught.value)
        assert "abc" in str(caught.value)
        assert caught.value.exit_code == 126
    assert not (root / "nowhere").exists()


def test_what_is_mounted_is_left_to_the_runtime(root: Path) -> None:
    workdir.ensure(str(root), config("/m/below", "/m"), "id", asked=True)
    workdir.ensure(str(root), config("/m", "/m"), "id", asked=False)
    assert not (root / "m").exists()
