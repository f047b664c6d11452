"""From a name to one image: indexes, platforms, and documents that are not what was asked for."""

from __future__ import annotations

import json

import pytest

from argosy.errors import ArgosyError, Invalid
from argosy.images.choose import NoPlatform, choose
from argosy.oci import platform
from argosy.oci.platform import Platform
from tests.rig.registry import Image, describe, image, index, sha256
from tests.unit.images.making import MemorySource

AMD64 = image([{"a": b"amd64"}], architecture="amd64")
ARM64 = image([{"a": b"arm64"}], architecture="arm64")
ARM_V6 = image([{"a": b"armv6"}], architecture="arm", variant="v6")
MANY = index(
    [
        (AMD64, {"os": "linux", "architecture": "amd64"}),
        (ARM64, {"os": "linux", "architecture": "arm64", "variant": "v8"}),
        (ARM_V6, {"os": "linux", "architecture": "arm", "variant": "v6"}),
    ]
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("linux/amd64", AMD64), ("linux/arm64", ARM64), ("linux/arm64/v8", ARM64), ("linux/arm/v7", ARM_V6)],
)
def test_an_index_gives_what_fits(wanted: str, found: Image) -> None:
    chosen = choose(MemorySource(MANY), "x", platform.parse(wanted))
    assert chosen.raw.digest == found.digest
    assert [raw.digest for raw in chosen.indexes] == [MANY.digest]


def test_a_single_image_is_taken_whatever_it_is_for() -> None:
    chosen = choose(MemorySource(ARM64), "x", platform.parse("linux/amd64"))
    assert chosen.raw.digest == ARM64.digest
    assert chosen.indexes == ()


def test_the_error_names_the_platforms_that_there_are() -> None:
    with pytest.raises(NoPlatform) as caught:
        choose(MemorySource(MANY), "registry.test/x:1", platform.parse("linux/s390x"))
    text = str(caught.value)
    assert "registry.test/x:1" in text
    assert "linux/s390x" in text
    assert "linux/amd64, linux/arm64/v8, linux/arm/v6" in text
    assert "--platform linux/amd64" in caught.value.hint


def test_an_index_of_nothing_says_so() -> None:
    with pytest.raises(NoPlatform, match="the platforms there are: none"):
        choose(MemorySource(index([])), "x", platform.host())


def test_attestations_are_never_chosen() -> None:
    entry = describe(
        AMD64.media_type,
        AMD64.manifest,
        platform={"os": "linux", "architecture": "amd64"},
        annotations={"vnd.docker.reference.type": "attestation-manifest"},
    )
    data = json.dumps({"schemaVersion": 2, "mediaType": MANY.media_type, "manifests": [entry]}).encode()
    with pytest.raises(NoPlatform):
        choose(MemorySource(Image(data, MANY.media_type, {}, (AMD64,))), "x", Platform("linux", "amd64"))


def test_an_index_in_an_index_is_followed_but_not_for_ever() -> None:
    amd64 = {"os": "linux", "architecture": "amd64"}
    nested = index([(AMD64, amd64)])
    children: tuple[Image, ...] = (AMD64, nested)
    for depth in range(2, 7):
        outer = index([(nested, amd64)])
        source = MemorySource(Image(outer.manifest, outer.media_type, {}, children))
        if depth <= 4:
            assert choose(source, "x", Platform("linux", "amd64")).raw.digest == AMD64.digest
        else:
            with pytest.raises(Invalid, match="indexes within indexes"):
                choose(source, "x", Platform("linux", "amd64"))
        nested = outer
        children = (*children, outer)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("size", len(AMD64.manifest) + 1, "the index says"),
        ("mediaType", "application/vnd.docker.distribution.manifest.v2+json", "the index says"),
    ],
)
def test_an_entry_that_lies_about_its_manifest(field: str, value: object, words: str) -> None:
    entry = {**describe(AMD64.media_type, AMD64.manifest, platform={"os": "linux", "architecture": "amd64"})}
    entry[field] = value
    data = json.dumps({"schemaVersion": 2, "mediaType": MANY.media_type, "manifests": [entry]}).encode()
    with pytest.raises(ArgosyError, match=words):
        choose(MemorySource(Image(data, MANY.media_type, {}, (AMD64,))), "x", Platform("linux", "amd64"))
    assert sha256(AMD64.manifest) == AMD64.digest
