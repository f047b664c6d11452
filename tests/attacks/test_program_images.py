"""Images whose manifests, configs or layers break rules, pulled and imported by the real program, as root and not."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.attacks.ground import INSECURE, Ground, Registry, endless
from tests.rig.hostile_registry import Exchange, serves
from tests.rig.registry import Image, encode, image, index, sha256
from tests.unit.archive import tars

MIB = 1 << 20
HONEST = image([{"a": b"1"}, {"b": b"2"}])
MANIFEST: dict[str, Any] = json.loads(HONEST.manifest)
LAYER = MANIFEST["layers"][0]
HOST = {"os": "linux", "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "none")}


def changed(**fields: Any) -> Image:
    """The honest image with fields of its manifest replaced."""
    return Image(encode({**MANIFEST, **fields}), HONEST.media_type, HONEST.blobs)


def with_layer(**fields: Any) -> Image:
    return changed(layers=[{**LAYER, **fields}, MANIFEST["layers"][1]])


def with_config(**fields: Any) -> Image:
    """An image whose config has these fields at its top level."""
    config = {**json.loads(HONEST.blobs[MANIFEST["config"]["digest"]]), **fields}
    return with_config_data(encode(config))


def with_config_data(data: bytes) -> Image:
    described = {**MANIFEST["config"], "digest": sha256(data), "size": len(data)}
    manifest = encode({**MANIFEST, "config": described})
    return Image(manifest, HONEST.media_type, {**HONEST.blobs, sha256(data): data})


def packed(archive: bytes, blob: bytes, media_type: str = LAYER["mediaType"]) -> Image:
    """An image whose config promises `archive` and whose layer's blob is `blob`."""
    made = image([archive])
    layer = {"mediaType": media_type, "digest": sha256(blob), "size": len(blob)}
    manifest = encode({**json.loads(made.manifest), "layers": [layer]})
    return Image(manifest, made.media_type, {**made.blobs, sha256(blob): blob})


def nested(made: Image, depth: int) -> Image:
    """An index of an index of an index ..., and all of them in one place."""
    below = [made]
    for _ in range(depth):
        below.append(index([(below[-1], HOST)]))
    return Image(below[-1].manifest, below[-1].media_type, {}, tuple(below[:-1]))


ARCHIVE = tars.archive(tars.file(b"file", os.urandom(50_000)))
ZERO = "sha256:" + "0" * 64

DOCUMENTS: dict[str, tuple[Image, str]] = {
    "both index and image": (changed(manifests=[]), "both an index and an image"),
    "duplicate keys": (
        Image(HONEST.manifest[:-1] + b',"layers":[]}', HONEST.media_type, HONEST.blobs),
        "duplicate key 'layers'",
    ),
    "duplicate keys deep down": (
        Image(HONEST.manifest.replace(b'"size":', b'"size": 1, "size":', 1), HONEST.media_type, HONEST.blobs),
        "duplicate key 'size'",
    ),
    "keys in other case": (changed(Layers=[]), "only in upper and lower case"),
    "short digest": (with_layer(digest="sha256:short"), "layers[0].digest"),
    "digest that climbs": (with_layer(digest="sha256:../../../../etc/passwd"), "layers[0].digest"),
    "digest in upper case": (with_layer(digest=LAYER["digest"].upper()), "layers[0].digest"),
    "digest of another kind": (with_layer(digest="md5:" + "0" * 32), "neither sha256 nor sha512"),
    "media type of a layer": (with_layer(mediaType="text/plain"), "layer 1 has the media type"),
    "media type of the manifest": (changed(mediaType="application/vnd.oci.image.index.v1+json"), "mediaType"),
    "media type with escape codes": (with_layer(mediaType="a/\x1b[2J"), "is not a media type"),
    "sent as another type": (Image(HONEST.manifest, "text/html", HONEST.blobs), "web page"),
    "encrypted layer": (with_layer(mediaType=f"{LAYER['mediaType']}+encrypted"), "encrypted"),
    "negative size": (with_layer(size=-1), "-1 is not the size of anything"),
    "huge size": (with_layer(size=1 << 70), "is not the size of anything"),
    "size that is not true": (with_layer(size=LAYER["size"] + 1), "its manifest says"),
    "size of the config": (changed(config={**MANIFEST["config"], "size": 5}), "its manifest says 5"),
    "129 layers": (changed(layers=[LAYER] * 129), "129 layers are more than the 128"),
    "more layers than diff ids": (changed(layers=[LAYER]), "1 layers in the manifest, 2 in the config"),
    "schema 1": (changed(schemaVersion=1), "schema 1"),
    "nothing": (Image(b"", HONEST.media_type), "manifest"),
    "nested a hundred thousand times": (Image(b"[" * 100_000, HONEST.media_type), "manifest"),
    "a number of 5,000 digits": (Image(b'{"schemaVersion":' + b"9" * 5000 + b"}", HONEST.media_type), "manifest"),
    "manifest of 4 MiB": (Image(HONEST.manifest + b" " * (4 * MIB), HONEST.media_type, HONEST.blobs), "4 MiB"),
    "config of 4 MiB": (with_config(comment="x" * (4 * MIB)), "larger than 4 MiB"),
    "config that is none": (with_config_data(b"[]"), "image config"),
    "config with duplicate keys": (with_config_data(b'{"os":"linux","os":"linux"}'), "duplicate key 'os'"),
    "config nested too deep": (with_config_data(b'{"a":' * 50_000), "image config"),
    "index in an index": (nested(HONEST, 9), "indexes within indexes"),
    "index that does not end": (Image(encode({"schemaVersion": 2, "manifests": []}), HONEST.media_type), ""),
    "another content than the diff id says": (
        packed(ARCHIVE, gzip.compress(tars.archive(tars.file(b"other")))),
        "is not the one that the image's config names",
    ),
    "diff ids that are all zeros": (
        with_config(rootfs={"type": "layers", "diff_ids": [ZERO, ZERO]}),
        "is not the one that the image's config names",
    ),
    "diff id that is none": (with_config(rootfs={"type": "layers", "diff_ids": ["x", "y"]}), "rootfs.diff_ids[0]"),
    "not compressed as it says": (packed(ARCHIVE, ARCHIVE), "gzip"),
    "zstd that is gzip": (
        packed(ARCHIVE, gzip.compress(ARCHIVE), LAYER["mediaType"].replace("gzip", "zstd")),
        "zstd",
    ),
    "cut off gzip": (packed(ARCHIVE, gzip.compress(ARCHIVE)[:-10]), "cut off"),
    "wrong check sum of gzip": (packed(ARCHIVE, gzip.compress(ARCHIVE)[:-8] + bytes(8)), "gzip"),
    "garbage behind gzip": (packed(ARCHIVE, gzip.compress(ARCHIVE) + b"\x1b[2Jgarbage"), "gzip"),
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_pulled_images_that_break_rules(ground: Ground, hostile: Registry, case: str) -> None:
    made, words = DOCUMENTS[case]
    ground.attack("pull", INSECURE, hostile.add(made), words=[words], metered="MiB" in case)


OUTSIDE = b"@OUTSIDE@"  # the directory of the host that must not change, filled in when it is known


def link(name: bytes, target: bytes) -> tuple[bytes, bytes]:
    return name, target


Part = bytes | tuple[bytes, bytes]
UP = b"../" * 30

LAYERS: dict[str, tuple[list[Part], str]] = {
    "..": ([tars.file(b"../evil", b"x")], 'entry "../evil'),
    ".. behind a directory": ([tars.file(b"a/../../../evil", b"x")], "out of the layer's root"),
    "symlink": ([link(b"l", OUTSIDE), tars.file(b"l/secret", b"x")], 'entry "l/secret"'),
    "relative symlink": ([link(b"l", UP + OUTSIDE), tars.file(b"l/secret", b"x")], "leads out of the layer's root"),
    "symlink to the root of the host": ([link(b"l", UP + b"."), tars.file(b"l/evil")], "leads out of the layer's root"),
    "hardlink": ([tars.hardlink(b"h", UP + b"etc/passwd")], "out of the layer's root"),
    "hardlink through a symlink": ([link(b"l", OUTSIDE), tars.hardlink(b"h", b"l/secret")], "is not in this layer"),
    "directory replaced by a symlink": (
        [tars.directory(b"d"), tars.file(b"d/a"), link(b"d", OUTSIDE), tars.file(b"d/secret", b"x")],
        'entry "d/secret"',
    ),
    "whiteout through a symlink": ([link(b"l", OUTSIDE), tars.file(b"l/.wh.secret")], 'entry "l/.wh.secret"'),
    "opaque through a symlink": ([link(b"l", OUTSIDE), tars.file(b"l/.wh..wh..opq")], 'entry "l/.wh..wh..opq"'),
    "whiteout of .": ([tars.file(b"d/.wh..")], "whiteout of nothing"),
    "whiteout of ..": ([tars.file(b".wh...")], "whiteout of nothing"),
    "whiteout with a slash": ([tars.file(b".wh.d/f")], "a whiteout is no directory"),
    "device that is a whiteout": ([tars.device(b"secret", 0, 0)], "character device 0:0"),
    "negative size": ([tars.header(b"f", size=b"\xff" * 12)], "negative"),
    "huge size": ([tars.header(b"f", size=b"\x80" + b"\x7f" * 11)], "f"),
    "more than there is": ([tars.header(b"f", size=1 << 20), b"x" * 512], "cut off"),
    "bad check sum": ([tars.file(b"a"), tars.header(b"f")[:148] + b"000001\0 " + tars.header(b"f")[156:]], "check"),
    "PAX header of 2 MiB": ([tars.extended((b"comment", b"x" * 2 * MIB)), tars.file(b"f")], "at most 1048576"),
    "path of 5,000 bytes": ([tars.extended((b"path", b"d/" * 2500 + b"f")), tars.file(b"f")], "4096"),
    "name of 300 bytes": ([tars.file(b"n" * 300)], "more than 255 bytes"),
    "name with escape codes": ([tars.file(b"../\x1b[2J\x07\xff\n")], r"\x1b[2J\x07"),
    "no archive": ([b"no archive at all" * 1000], "tar archive"),
}


def parts_for(ground: Ground, parts: list[Part]) -> bytes:
    """The archive, with the directory outside in its place."""
    outside = os.fsencode(ground.outside)
    made = [
        part if isinstance(part, bytes) else tars.symlink(part[0], part[1].replace(OUTSIDE, outside)) for part in parts
    ]
    return tars.archive(*made)


@pytest.mark.parametrize("case", LAYERS)
def test_layers_that_reach_out_or_are_none(ground: Ground, hostile: Registry, case: str) -> None:
    parts, words = LAYERS[case]
    archive = parts_for(ground, parts)
    done = ground.attack("pull", INSECURE, hostile.add(image([archive])), words=[words])
    layer = next(line for line in done.stderr.splitlines() if line.startswith("Copying blob")).split()[2]
    assert f"Error: layer {layer}: " in done.stderr
    ground.attack("import", "-", "imported", input=archive, words=[words])
    assert not os.path.exists("/evil")


HARMLESS: dict[str, list[Part]] = {
    "absolute name": [tars.file(b"/etc/evil", b"x")],
    "the absolute name of something outside": [link(b"x", b"x")],
    "symlinks that point out": [link(b"a", OUTSIDE), link(b"b", UP + b"etc"), link(b"c", b"/proc/self/fd/0")],
    "file over a symlink": [link(b"l", OUTSIDE + b"/secret"), tars.file(b"l", b"mine")],
    "directory over a symlink": [link(b"l", OUTSIDE), tars.directory(b"l"), tars.file(b"l/secret", b"mine")],
    "file over a FIFO": [tars.fifo(b"p"), tars.file(b"p", b"data"), tars.fifo(b"p")],
    "file over a device": [tars.device(b"d", 1, 3), tars.file(b"d", b"data")],
    "empty": [],
}


@pytest.mark.parametrize("case", HARMLESS)
def test_layers_that_only_look_hostile(ground: Ground, hostile: Registry, case: str) -> None:
    """What podman takes and what harms nobody comes in, and stays where it belongs."""
    archive = parts_for(ground, HARMLESS[case])
    reference = hostile.add(image([archive]))
    ground.attack("pull", "-q", INSECURE, reference, status=0)
    ground.attack("import", "-q", "-", "imported", input=archive, status=0)
    ground.program.run("rmi", reference, "imported")
    assert not os.path.exists("/etc/evil")


def test_a_later_layer_does_not_write_through_a_symlink_of_an_earlier_one(ground: Ground, hostile: Registry) -> None:
    low = parts_for(ground, [link(b"l", OUTSIDE), link(b"d", OUTSIDE), tars.directory(b"x")])
    high = tars.archive(tars.file(b"l/secret", b"x"), tars.file(b"d/.wh..wh..opq"), tars.symlink(b"x", b"l"))
    reference = hostile.add(image([low, high]))
    ground.attack("pull", INSECURE, reference, status=0)
    ground.program.run("rmi", reference)


def bomb(compressed_mib: int) -> Iterator[bytes]:
    """A gzip file of that size in which a file of a thousand times that size says it is."""
    member = gzip.compress(bytes(64 * MIB))
    yield gzip.compress(tars.header(b"zeros", size=b"\x80" + (compressed_mib << 30).to_bytes(11, "big")))
    for _ in range(compressed_mib * MIB // len(member)):
        yield member


def test_a_decompression_bomb(ground: Ground, hostile: Registry) -> None:
    """Twelve gigabytes of zeros in twelve megabytes, pulled and imported."""
    data = b"".join(bomb(12))
    made = packed(b"unknown", data)
    for words in (["looks like a decompression bomb"],):
        ground.attack("pull", INSECURE, hostile.add(made), words=words, metered=True)
        ground.attack("import", "-", "imported", input=data, words=words, metered=True)


def test_memory_does_not_grow_with_the_image(ground: Ground, hostile: Registry) -> None:
    """Many layers, many entries, large documents at once: all within the bound."""
    layers = [
        tars.archive(
            *(tars.file(b"%d/%d/%d" % (number, entry // 50, entry), os.urandom(300)) for entry in range(1500)),
            tars.file(b"%d/large" % number, os.urandom(6 * MIB)),
        )
        for number in range(6)
    ]
    labels = {f"label{number}": "x" * 1000 for number in range(3000)}
    reference = hostile.add(image(layers, config={"Labels": labels}))
    ground.attack("pull", "-q", INSECURE, reference, status=0, metered=True)
    ground.attack("inspect", reference, status=0, metered=True)
    ground.attack("history", reference, status=0, metered=True)
    ground.program.run("rmi", reference)


def test_import_from_a_url_that_lies(ground: Ground, hostile: Registry) -> None:
    def at(script: Callable[[Exchange], None]) -> str:
        name, _, _ = hostile.add(script).removeprefix(f"{hostile.server.name}/").partition(":")
        return f"http://{hostile.server.name}/v2/{name}/archive.tar"

    ground.attack("import", at(lambda x: x.answer(404, b"\x1b[2J")), "imported", words=["404"])
    ground.attack("import", at(lambda x: x.answer(200, ARCHIVE, length=1 << 50)), "imported", words=["no space left"])
    ground.attack("import", at(lambda x: x.answer(200, ARCHIVE[:-600])), "imported", words=["cut off"])
    ground.attack("import", at(lambda x: x.answer(302, b"", {"Location": "file:///etc/passwd"})), "imported")
    ground.attack("import", at(lambda x: endless(x, filling=b"garbage!")), "imported", metered=True)
    ground.attack("import", at(serves(HONEST)), "imported", words=["404"])
    for path in ("/nowhere", "/etc", "/dev/null", "/proc/self/mem", "file:///etc/passwd", "\x1b[2J", ""):
        ground.attack("import", path, "imported")
