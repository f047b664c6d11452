"""The tree of an image equals what podman makes of it: type, mode, owner, size, links, attributes, content, time.

Where podman is known to be wrong, an exception says so with its reason; nothing else may differ.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from typing import Any

from tests.interop import tree
from tests.interop.peer import Podman, podman
from tests.rig import host, images
from tests.rig.program import Program
from tests.rig.registry import Registry, image

__all__ = ["podman"]
INSECURE = "--tls-verify=false"
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")  # cap_net_raw=ep

pytestmark = host.needs_root


class Layer:
    """A layer that is being written."""

    def __init__(self, format: int = tarfile.PAX_FORMAT) -> None:
        self._out = io.BytesIO()
        self._archive = tarfile.TarFile(fileobj=self._out, mode="w", format=format, errors="surrogateescape")

    def add(self, name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", **fields: object) -> Layer:
        entry = tarfile.TarInfo(name)
        entry.type = kind
        entry.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
        entry.mtime = 1_600_000_000
        entry.size = len(data)
        for field, value in fields.items():
            setattr(entry, field, value)
        self._archive.addfile(entry, io.BytesIO(data))
        return self

    def directory(self, name: str, **fields: Any) -> Layer:
        return self.add(name, tarfile.DIRTYPE, **fields)

    def link(self, name: str, target: str, kind: bytes = tarfile.SYMTYPE, **fields: Any) -> Layer:
        return self.add(name, kind, linkname=target, **fields)

    def bytes(self) -> bytes:
        self._archive.close()
        return self._out.getvalue()


def everything() -> list[bytes]:
    """Three layers with one of each thing that a layer can say, all directories declared."""
    low = Layer()
    for name, mode in (("bin", 0o755), ("secret", 0o700), ("tmp", 0o1777), ("shared", 0o2775), ("deep", 0o755)):
        low.directory(name, mode=mode, uid=0, gid=50 if name == "shared" else 0)
    low.add("bin/su", data=b"su", mode=0o4755).add("bin/wall", data=b"wall", mode=0o2755, gid=5)
    low.add("bin/ping", data=b"ping", mode=0o755, pax_headers={"SCHILY.xattr.security.capability": capability()})
    low.add("secret/key", data=b"key", mode=0o400, uid=1000, gid=1001)
    low.add("secret/nobody", data=b"", mode=0o000, uid=65534, gid=65534)
    low.link("bin/link", "../secret/key").link("bin/absolute", "/etc/passwd").link("bin/dangling", "nowhere")
    low.link("bin/owned", "x", uid=3, gid=4)
    low.link("bin/again", "bin/su", tarfile.LNKTYPE, mode=0o4755)
    low.link("tmp/third", "bin/su", tarfile.LNKTYPE, mode=0o4755)
    low.link("tmp/linked-link", "bin/link", tarfile.LNKTYPE)
    low.add("tmp/fifo", tarfile.FIFOTYPE, mode=0o622)
    low.add("tmp/attributes", data=b"a", pax_headers={"SCHILY.xattr.user.note": "text"})
    low.directory("tmp/attributed", pax_headers={"SCHILY.xattr.user.note": "of a directory"})
    low.add("tmp/" + "long" * 60, data=b"long name").add("tmp/" + "p/" * 1 + "q", data=b"").directory("tmp/p")
    low.directory("deep/" + "d" * 200).add("deep/" + "d" * 200 + "/" + "f" * 200, data=b"deep")
    low.add("tmp/\u00fcn\u00efcode \u2603\n", data=b"odd name").add("tmp/caf\udce9", data=b"not UTF-8")
    low.add("tmp/fraction", data=b"t", mtime=1_600_000_000.123456)
    low.add("tmp/old", data=b"t", mtime=0).add("tmp/big-id", data=b"i", uid=60_000, gid=60_001)
    low.add("tmp/big", data=os.urandom(3_000_000))
    low.directory("opaque").add("opaque/low", data=b"1")
    low.add("was-file", data=b"file").directory("was-directory").add("was-directory/x", data=b"x")
    low.directory("kept").add("kept/removed", data=b"1").add("kept/stays", data=b"2").directory("kept/dir")
    low.add("kept/dir/x", data=b"x").link("was-link", "kept")
    middle = Layer()
    middle.directory("kept", mode=0o750, uid=7).add("kept/.wh.removed").add("kept/.wh.dir")
    middle.directory("opaque").add("opaque/.wh..wh..opq").add("opaque/middle", data=b"2")
    middle.directory("was-file").add("was-file/inside", data=b"now a directory")
    middle.add(".wh.was-directory").add("was-directory", data=b"now a file")
    middle.directory("was-link").add("was-link/x", data=b"no link any more")
    middle.directory("bin").add("bin/su", data=b"su 2", mode=0o4711).add("bin/.wh.absolute")
    top = Layer(tarfile.GNU_FORMAT)
    top.directory("kept").add("kept/removed", data=b"back").directory("kept/dir", mode=0o711)
    top.directory("opaque").add("opaque/.wh.middle").add("opaque/top", data=b"3")
    top.directory("new").link("new/hard", "opaque/top", tarfile.LNKTYPE)
    top.add("new/" + "gnu" * 60, data=b"long name, GNU").link("new/l", "t" * 150)
    return [low.bytes(), middle.bytes(), top.bytes()]


def capability() -> str:
    """A binary value as tarfile wants it in a PAX header, so that it comes out as these bytes."""
    return CAPABILITY.decode("utf-8", "surrogateescape")


def devices() -> bytes:
    layer = Layer().directory("dev")
    layer.add("dev/null", tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=3)
    return layer.add("dev/loop", tarfile.BLKTYPE, mode=0o660, gid=6, devmajor=7, devminor=0).bytes()


def doubtful() -> list[bytes]:
    """What podman is known to get wrong: see `WRONG`."""
    low = Layer().directory("srv", mode=0o700, uid=9, gid=9).directory("srv/data", mode=0o710, uid=8)
    low.add("srv/data/x", data=b"x").directory("replaced").add("replaced/file", data=b"gone")
    low.add("su", data=b"su", mode=0o4755).link("again", "su", tarfile.LNKTYPE, mode=0o600)
    low.add("empty", data=b"e", pax_headers={"SCHILY.xattr.user.empty": ""})
    top = Layer().add("srv/data/y", data=b"y").add("lonely/.wh.nothing").add("lonely/file", data=b"f")
    top.add(".wh.replaced").directory("replaced").add("replaced/new", data=b"new")
    return [low.bytes(), top.bytes()]


# The exceptions, each with what differs and why podman is wrong.
WRONG = {
    "a directory that a layer uses undeclared gets 0755 0:0 of podman, which covers what a lower layer says": {
        "srv: mode: '0o700', podman '0o755'",
        "srv: owner: [9, 9], podman [0, 0]",
        "srv/data: mode: '0o710', podman '0o755'",
        "srv/data: owner: [8, 0], podman [0, 0]",
    },
    "a whiteout in a directory that no other layer has is not merged by overlayfs, and so is listed": {
        "lonely/nothing: only in podman's",
    },
    "a whiteout beside a directory of that name hides what lower layers have in it; podman forgets the whiteout": {
        "replaced/file: only in podman's",
    },
    "a hard link is its target: what its own header says is not taken over, as GNU tar does not": {
        "su: mode: '0o4755', podman '0o600'",
        "again: mode: '0o4755', podman '0o600'",
    },
}
# What podman 5 does right.
WRONG_BEFORE_5 = {
    "an attribute may be empty: GNU tar writes it so, podman dropped it": {
        "empty: xattrs: {'user.empty': ''}, podman {}",
    },
}


def compare(
    argosy: Program, podman: Podman, registry: Registry, layers: list[bytes], repository: str
) -> tuple[tree.Tree, tree.Tree]:
    """Both trees of one image, pulled by both."""
    reference = registry.push(repository, "1", image(layers))
    argosy.run("pull", "-q", INSECURE, reference)
    podman.run("pull", "-q", INSECURE, reference)
    inspected = argosy.run("image", "inspect", reference).json()[0]
    assert inspected["Id"] == podman.image_id(reference)
    return tree.of_image(argosy, reference), podman.tree(reference)


def without_root(*trees: tree.Tree) -> None:
    """Leave out what the engine decides for the root directory: its time, and its mode (podman makes it 0555 whatever
    the image says; ours is 0755, as docker's)."""
    for found in trees:
        assert found["."].pop("mode") in ("0o755", "0o555")
        del found["."]["mtime"]


def test_one_of_each_thing(argosy_both: Program, podman: Podman, insecure_registry: Registry) -> None:
    ours, theirs = compare(argosy_both, podman, insecure_registry, everything(), "tree/everything")
    without_root(ours, theirs)
    assert tree.differences(ours, theirs) == []
    assert ours["bin/su"]["mode"] == "0o4711"
    assert ours["bin/again"]["same as"] == "bin/again"
    assert ours["bin/ping"]["xattrs"].keys() == {"security.capability"}
    assert "kept/dir/x" not in ours
    assert "opaque/low" not in ours


def test_devices(argosy: Program, podman: Podman, insecure_registry: Registry) -> None:
    ours, theirs = compare(argosy, podman, insecure_registry, [devices()], "tree/devices")
    without_root(ours, theirs)
    assert tree.differences(ours, theirs) == []
    assert ours["dev/null"]["device"] == [1, 3]


def test_where_podman_is_wrong(argosy_both: Program, podman: Podman, insecure_registry: Registry) -> None:
    ours, theirs = compare(argosy_both, podman, insecure_registry, doubtful(), "tree/doubtful")
    without_root(ours, theirs)
    for path in ("srv", "srv/data", "lonely"):  # undeclared: theirs have the time of the unpacking
        for found in (ours, theirs):
            del found[path]["mtime"]
    known = dict(WRONG) if podman.major >= 5 else WRONG | WRONG_BEFORE_5
    assert set(tree.differences(ours, theirs)) == set().union(*known.values())


def test_a_layer_that_hides_all_below_it(argosy_both: Program, podman: Podman, insecure_registry: Registry) -> None:
    """An opaque whiteout at the root of a layer.  Overlayfs ignores it there, and so does podman."""
    low = Layer().directory("shared").add("shared/low", data=b"1").add("low", data=b"1").bytes()
    middle = Layer().add(".wh..wh..opq").directory("shared", mode=0o711).add("shared/middle", data=b"2").bytes()
    top = Layer().add("shared/top", data=b"3").bytes()
    ours, theirs = compare(argosy_both, podman, insecure_registry, [low, middle, top], "tree/hidden")
    assert ours.keys() == {".", "shared", "shared/middle", "shared/top"}
    assert ours["shared"]["mode"] == "0o711"
    assert theirs.keys() - ours.keys() == {"low", "shared/low"}


def test_sparse_files_and_what_gnu_tar_writes(
    argosy_both: Program, podman: Podman, insecure_registry: Registry, tmp_path: object
) -> None:
    source = f"{tmp_path}/source"
    os.makedirs(f"{source}/sub")
    with open(f"{source}/sparse", "wb") as file:
        for at in (0, 1_000_000, 50_000_000):
            file.seek(at)
            file.write(b"island")
        file.truncate(60_000_000)
    with open(f"{source}/holes", "wb") as file:
        file.truncate(1 << 20)
    os.setxattr(f"{source}/sub", "user.note", b"\x00binary\xff")
    os.link(f"{source}/sparse", f"{source}/sub/again")
    layers = []
    for form in ("gnu", "pax"):
        argv = ["tar", "--sparse", f"--format={form}", "--xattrs", "--xattrs-include=*", "-C", source, "-c", "."]
        layers.append(subprocess.run(argv, check=True, capture_output=True).stdout)
    for number, layer in enumerate(layers):
        ours, theirs = compare(argosy_both, podman, insecure_registry, [layer], f"tree/sparse{number}")
        without_root(ours, theirs)
        assert tree.differences(ours, theirs) == []
        assert ours["sparse"]["size"] == 60_000_000


def test_a_debian_root_file_system(
    new_program: Callable[[str], Program], podman: Podman, insecure_registry: Registry
) -> None:
    """As root and as a user; podman's tree, which takes longest, is root's for both."""
    with open(images.debian_archive(), "rb") as archive:
        base = archive.read()
    change = Layer().directory("etc").add("etc/motd", data=b"changed\n").add("etc/.wh.issue").directory("opt/new")
    layers = [base, change.directory("opt").bytes()]
    ours, theirs = compare(new_program(""), podman, insecure_registry, layers, "tree/debian")
    without_root(ours, theirs)
    assert tree.differences(ours, theirs) == []
    assert len(ours) > 2000
    assert ours["usr/bin/su"]["mode"] == "0o4755"
    if host.user_exists():
        user = new_program(host.TEST_USER)
        reference = f"{insecure_registry.name}/tree/debian:1"
        user.run("pull", "-q", INSECURE, reference)
        ours = tree.of_image(user, reference)
        del ours["."]["mode"], ours["."]["mtime"]
        devices = {path for path, entry in theirs.items() if entry["type"].endswith("device")}  # no user may make one
        assert tree.differences(ours, {path: theirs[path] for path in theirs.keys() - devices}) == []


def test_import_gives_podmans_image(argosy: Program, podman: Podman, tmp_path: object) -> None:
    path = f"{tmp_path}/root.tar"
    with open(path, "wb") as file:
        file.write(everything()[0])
    words = ["import", "-q", "-c", 'CMD ["/bin/su"]', "-c", "STOPSIGNAL INT", "-c", "LABEL a=b", "-m", "hello", path]
    imported = argosy.run(*words, "same").stdout
    assert imported == podman.run(*words, "same").stdout
    ours, theirs = tree.of_image(argosy, "same"), podman.tree("same")
    without_root(ours, theirs)
    assert tree.differences(ours, theirs) == []
