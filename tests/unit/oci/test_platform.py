"""Platforms and the choice among them."""

from __future__ import annotations

import os

import pytest

from argosy.errors import Invalid
from argosy.oci import platform
from argosy.oci.platform import Platform


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("LINUX/AArch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("linux/arm/7", "linux/arm/v7"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("arm64", "linux/arm64"),
        ("riscv64", "linux/riscv64"),
        ("i686", "linux/386"),
        ("windows/amd64", "windows/amd64"),
        ("macos/arm64", "darwin/arm64"),
    ],
)
def test_parse(text: str, expected: str) -> None:
    assert str(platform.parse(text)) == expected


def test_what_is_not_said_is_the_hosts() -> None:
    assert platform.parse("linux") == platform.host()
    assert platform.parse("windows") == platform.host().replace(os="windows")
    if os.uname().machine == "x86_64":
        assert platform.host() == Platform("linux", "amd64")


@pytest.mark.parametrize(
    "text", ["", "/", "linux/", "linux/amd64/v1/x", "plan10", "linux/a b", "linux/\u00e4", "a/../b"]
)
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(Invalid, match="invalid platform"):
        platform.parse(text)


@pytest.mark.parametrize(
    ("wanted", "candidates", "chosen"),
    [
        ("linux/amd64", ["linux/arm64", "linux/amd64"], 1),
        ("linux/amd64", ["linux/amd64/v1"], 0),
        ("linux/amd64", ["linux/amd64/v3", "linux/amd64/v2"], None),
        ("linux/amd64", ["windows/amd64", "linux/386"], None),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], 1),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v3"], 1),
        ("linux/arm64", ["linux/arm64/v8"], 0),
        ("linux/arm64/v8", ["linux/arm64"], 0),
        ("linux/arm64", ["linux/arm/v7"], None),
        ("linux/arm", ["linux/arm/v6", "linux/arm/v7", "linux/arm/v8"], 1),
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], 1),
        ("linux/arm/v6", ["linux/arm/v7"], None),
        ("linux/arm/v6", ["linux/arm/v7", "linux/arm"], 1),
        ("linux/riscv64", ["linux/riscv64"], 0),
        ("linux/amd64", ["linux/amd64", "linux/amd64"], 0),
        ("linux/amd64", [None, "linux/amd64"], 1),
        ("linux/amd64", [None, "linux/arm64"], 0),
        ("linux/amd64", ["unknown/unknown"], None),
        ("linux/amd64", [], None),
    ],
)
def test_best(wanted: str, candidates: list[str | None], chosen: int | None) -> None:
    offered = [None if text is None else Platform(*text.split("/")) for text in candidates]
    assert platform.best(offered, Platform(*wanted.split("/"))) == chosen


def test_fits() -> None:
    assert platform.fits(Platform("linux", "x86_64"), Platform("linux", "amd64"))
    assert not platform.fits(Platform("linux", "s390x"), Platform("linux", "amd64"))
