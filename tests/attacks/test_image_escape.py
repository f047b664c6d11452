"""Layers that reach out of their root, pulled and imported by the real program: the world outside stays as it is."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator

import pytest

from tests.attacks.test_image_lies import nothing_there
from tests.rig.hostile_registry import Hostile, serves
from tests.rig.program import Program
from tests.rig.registry import image

INSECURE = "--tls-verify=false"
VICTIM = "untouched"


class Archive:
    """An archive of entries that no honest program writes."""

    def __init__(self) -> None:
        self._out = io.BytesIO()

    def add(self, name: str, kind: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b"") -> Archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.size, entry.mode = kind, link, len(data), 0o755
        self._out.write(entry.tobuf(tarfile.GNU_FORMAT))
        self._out.write(data + bytes(-len(data) % 512))
        return self

    def bytes(self) -> bytes:
        return self._out.getvalue() + bytes(1024)


def raw(change: dict[int, bytes]) -> bytes:
    """A header with bytes replaced, whose check sum is right again."""
    header = bytearray(tarfile.TarInfo("file").tobuf(tarfile.USTAR_FORMAT))
    for at, value in change.items():
        header[at : at + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + bytes(1024)


def attacks(outside: str) -> Iterator[tuple[str, bytes, bool]]:
    """Name, archive, and whether it must be refused (else it must do no harm)."""
    link, hard, directory = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
    up = "../" * 30
    yield "dot dot", Archive().add(f"{up}{outside}/{VICTIM}", data=b"x").bytes(), True
    yield "dot dot inside", Archive().add("a/../../x", data=b"x").bytes(), True
    yield "absolute", Archive().add(f"{outside}/{VICTIM}", data=b"x").bytes(), False
    yield "through a symlink", Archive().add("l", link, outside).add(f"l/{VICTIM}", data=b"x").bytes(), True
    yield "through a relative symlink", Archive().add("l", link, f"{up}{outside}").add("l/x", data=b"x").bytes(), True
    yield "symlink to a file", Archive().add("l", link, f"{outside}/{VICTIM}").add("l", data=b"x").bytes(), False
    yield "hardlink out", Archive().add("h", hard, f"{outside}/{VICTIM}").add("h", data=b"x").bytes(), True
    yield "hardlink by dot dot", Archive().add("h", hard, f"{up}{outside}/{VICTIM}").bytes(), True
    yield "hardlink through a symlink", Archive().add("l", link, outside).add("h", hard, f"l/{VICTIM}").bytes(), True
    yield (
        "swapped",
        (
            Archive()
            .add("d", directory)
            .add("d/x", data=b"x")
            .add("d", link, outside)
            .add(f"d/{VICTIM}", data=b"x")
            .bytes()
        ),
        True,
    )
    yield "directory over a symlink", Archive().add("l", link, outside).add("l", directory).bytes(), False
    yield "whiteout through a symlink", Archive().add("l", link, outside).add(f"l/.wh.{VICTIM}").bytes(), True
    yield "opaque through a symlink", Archive().add("l", link, outside).add("l/.wh..wh..opq").bytes(), True
    yield "whiteout of dot dot", Archive().add(".wh...").bytes(), True
    yield "whiteout of dot", Archive().add("d/.wh..").bytes(), True
    yield "whiteout with a slash", Archive().add(f".wh./{VICTIM}").bytes(), True
    yield "whiteout device", Archive().add("null", tarfile.CHRTYPE).bytes(), True
    yield "a path of 5,000 bytes", Archive().add("d/" * 2500 + "x").bytes(), True
    yield "negative size", raw({124: b"\xff" * 12}), True
    yield "huge size", raw({124: b"\x80" + b"\x7f" * 11}), True
    yield "bad check sum", bytes(tarfile.TarInfo("x").tobuf())[:-400] + b"1" + bytes(399) + bytes(1024), True


NAMES = [name for name, _, _ in attacks("/nowhere")]


@pytest.fixture
def outside(argosy: Program) -> Iterator[str]:
    """A directory that nobody may change."""
    directory = f"{argosy.base}/outside"
    os.mkdir(directory)
    with open(f"{directory}/{VICTIM}", "w", encoding="ascii") as file:
        file.write(VICTIM)
    before = os.stat(f"{directory}/{VICTIM}"), os.stat(directory)
    yield directory
    assert os.listdir(directory) == [VICTIM]
    after = os.stat(f"{directory}/{VICTIM}"), os.stat(directory)
    for old, new in zip(before, after, strict=True):
        assert (old.st_ino, old.st_mtime_ns, old.st_ctime_ns, old.st_nlink) == (
            new.st_ino,
            new.st_mtime_ns,
            new.st_ctime_ns,
            new.st_nlink,
        )
    with open(f"{directory}/{VICTIM}", encoding="ascii") as file:
        assert file.read() == VICTIM


@pytest.mark.parametrize("name", NAMES)
def test_pulled(argosy: Program, outside: str, name: str) -> None:
    archive, refused = next((data, must) for known, data, must in attacks(outside) if known == name)
    with Hostile(serves(image([archive]))) as server:
        done = argosy.run("pull", "-q", INSECURE, f"{server.name}/x:latest", check=False)
    _judge(argosy, done.returncode, done.stderr, refused=refused)


@pytest.mark.parametrize("name", NAMES)
def test_imported(argosy: Program, outside: str, name: str) -> None:
    archive, refused = next((data, must) for known, data, must in attacks(outside) if known == name)
    done = argosy.run("import", "-q", "-", "x", input=archive, check=False)
    _judge(argosy, done.returncode, done.stderr, refused=refused)


def _judge(argosy: Program, status: int, stderr: str, *, refused: bool) -> None:
    assert "Traceback" not in stderr
    assert "internal error" not in stderr
    if refused:
        assert status == 125, "this was to be refused"
        assert stderr.startswith("Error: ")
        nothing_there(argosy)
    else:
        assert status == 0, stderr


def test_a_later_layer_cannot_write_through_a_link_of_an_earlier_one(argosy: Program, outside: str) -> None:
    low = Archive().add("l", tarfile.SYMTYPE, outside).bytes()
    top = Archive().add(f"l/{VICTIM}", data=b"x").bytes()
    with Hostile(serves(image([low, top]))) as server:
        argosy.run("pull", "-q", INSECURE, f"{server.name}/x:latest")


def test_a_fifo_in_the_way_does_not_stop_the_layer(argosy: Program) -> None:
    archive = Archive().add("f", tarfile.FIFOTYPE).add("f", data=b"now a file").bytes()
    argosy.run("import", "-q", "-", "x", input=archive, timeout_s=20)
