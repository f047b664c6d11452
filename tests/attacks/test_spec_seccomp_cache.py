"""The cache of compiled filters: whatever lies there, a container gets the filter of its profile or none starts."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from argosy.errors import Unsupported
from argosy.linux import seccomp
from argosy.spec import seccomp as profiles

ALLOW_ALL = b"\x06\0\0\0\0\0\xff\x7f"  # BPF_RET | BPF_K, SECCOMP_RET_ALLOW


def library_is_there() -> bool:
    try:
        seccomp.compile_profile({"defaultAction": "SCMP_ACT_ALLOW"})
    except Unsupported:
        return False
    return True


pytestmark = pytest.mark.skipif(not library_is_there(), reason="libseccomp is not installed")


def build() -> Mapping[str, Any]:
    return profiles.default((), os.uname().machine)


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Path, str]:
    """A cache with one filter: its file and the filter's text."""
    text = seccomp.cached(f"{tmp_path}/cache", "name-0", build)
    (path,) = (tmp_path / "cache").iterdir()
    return path, text


def again(path: Path) -> str:
    return seccomp.cached(str(path.parent), "name-0", build)


def test_the_cache_is_used(filled: tuple[Path, str]) -> None:
    path, text = filled
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700

    def fail() -> Mapping[str, Any]:
        raise AssertionError("compiled again")

    assert seccomp.cached(str(path.parent), "name-0", fail) == text


def test_a_flipped_bit_anywhere_is_noticed(filled: tuple[Path, str]) -> None:
    path, text = filled
    good = path.read_bytes()
    for position in [*range(0, 110, 5), 88, 89, *range(110, len(good), 997), len(good) - 1]:
        damaged = bytearray(good)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        assert again(path) == text, position


@pytest.mark.parametrize("length", [0, 1, 24, 88, 89, 90, 1000, -1])
def test_a_cut_off_file_is_noticed(filled: tuple[Path, str], length: int) -> None:
    path, text = filled
    path.write_bytes(path.read_bytes()[:length])
    assert again(path) == text
    assert path.read_bytes().endswith(text.encode())


def forged() -> bytes:
    """A filter that allows everything, with a digest that fits."""
    text = base64.b64encode(ALLOW_ALL)
    return b"argosy seccomp filter 1 " + hashlib.sha256(text).hexdigest().encode() + b"\n" + text


def test_the_forgery_would_work_if_the_file_were_ours(filled: tuple[Path, str]) -> None:
    """Else the next tests would prove nothing."""
    path, text = filled
    path.write_bytes(forged())
    assert again(path) != text


def _link(path: Path) -> None:
    target = path.parent.parent / "forged"
    target.write_bytes(forged())
    path.unlink()
    path.symlink_to(target)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _writable(path: Path) -> None:
    path.write_bytes(forged())
    path.chmod(0o666)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _foreign(path: Path) -> None:
    path.write_bytes(forged())
    os.chown(path, 12345, 12345)


@pytest.mark.parametrize(
    "spoil",
    [
        _link,
        _fifo,
        _writable,
        _directory,
        pytest.param(_foreign, marks=pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")),
    ],
)
def test_files_that_others_could_have_made_are_not_used(
    filled: tuple[Path, str], spoil: Callable[[Path], None]
) -> None:
    path, text = filled
    spoil(path)
    assert again(path) == text


def test_another_profile_is_another_file(tmp_path: Path) -> None:
    strict = seccomp.cached(f"{tmp_path}/c", "a-0", build)
    loose = seccomp.cached(f"{tmp_path}/c", "a-1", lambda: profiles.default(("CAP_SYS_ADMIN",), os.uname().machine))
    assert strict != loose
    assert seccomp.cached(f"{tmp_path}/c", "a-0", build) == strict


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert seccomp.cached(f"{tmp_path}/file/cache", "a", build) == seccomp.cached(f"{tmp_path}/ok", "a", build)


def test_the_cache_does_not_grow_without_end(tmp_path: Path) -> None:
    for number in range(130):
        seccomp.cached(f"{tmp_path}/c", f"a-{number}", lambda: {"defaultAction": "SCMP_ACT_ALLOW"})
    assert len(list((tmp_path / "c").iterdir())) <= 64
