"""mounts.conf: its lines, and the errors that name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.config.mountsfile import DefaultMount, read
from argosy.errors import ArgosyError, Invalid


def written(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "mounts.conf"
    path.write_bytes(data)
    return str(path)


def test_lines(tmp_path: Path) -> None:
    text = b"# comment\n\n  /usr/share/rhel/secrets:/run/secrets  \n/etc/one\n/etc/a b:/x/../y//z/\r\n"
    assert read(written(tmp_path, text)) == (
        DefaultMount("/usr/share/rhel/secrets", "/run/secrets"),
        DefaultMount("/etc/one", "/etc/one"),
        DefaultMount("/etc/a b", "/y/z"),
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"relative:/x", "'relative:/x' is not SOURCE:DESTINATION"),
        (b"/x:relative", "is not SOURCE:DESTINATION"),
        (b"/x:/y:ro", "is not SOURCE:DESTINATION"),
        (b"/x:/y\0", "holds a NUL byte"),
        (b"/x:/", "would cover the root"),
        (b"/x:/y/../proc/sys", "would cover the root or one of the kernel's file systems"),
        (b"/x:/sys", "would cover the root"),
        (b"/x:/\xff", "not UTF-8"),
    ],
)
def test_broken_lines_are_named(tmp_path: Path, line: bytes, why: str) -> None:
    path = written(tmp_path, b"# first\n\n" + line + b"\n")
    with pytest.raises(Invalid, match=r"mounts\.conf") as caught:
        read(path)
    assert why in str(caught.value)
    assert path in str(caught.value)
    assert "(at line 3)" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ArgosyError, match="cannot read"):
        read(str(tmp_path / "none"))
