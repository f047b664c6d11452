"""What is compared of an image: its configuration, the length of its history, its tree beyond that of the base."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import stat
import tarfile
from typing import Any

Outcome = dict[str, Any]

_KEPT: tuple[str, ...] = (
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
)
_KEPT += ("Healthcheck", "OnBuild", "Shell")
# podman's name in every image that it builds.
_IDENTITY = "io.buildah.version"
_FILES = {
    "a.txt": "a\n",
    "b.txt": "b\n",
    "c.md": "c\n",
    "with space": "s\n",
    ".hidden": "h\n",
    "dir/x": "x\n",
    "dir/notes.md": "n\n",
    "dir/deep/y": "y\n",
    "dir/deep/z.md": "z\n",
    "other/x": "ox\n",
    "other/w": "w\n",
    "script.sh": "#!/bin/sh\n",
    "text.gz": "no archive\n",
}
# Where containers have something mounted: made beforehand, since podman leaves empty files there.
_STUBS = ("etc/hosts", "etc/hostname", "etc/resolv.conf")


def make_base(archive: str, target: str) -> None:
    """The archive of the base image: busybox's, with the places at which containers mount something."""
    with tarfile.open(archive) as source, tarfile.open(target, "w") as base:
        for member in source:
            base.addfile(member, source.extractfile(member) if member.isreg() else None)
        run = tarfile.TarInfo("run")
        run.type, run.mode = tarfile.DIRTYPE, 0o755
        base.addfile(run)
        for name in _STUBS:
            base.addfile(tarfile.TarInfo(name))


def make_context(directory: str) -> None:
    """The files that the Dockerfiles copy."""
    for name, text in _FILES.items():
        os.makedirs(os.path.dirname(f"{directory}/{name}"), exist_ok=True)
        with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(f"{directory}/{name}", 0o644)
    os.chmod(f"{directory}/script.sh", 0o755)
    os.chmod(f"{directory}/dir/x", 0o600)
    os.chmod(f"{directory}/dir/deep", 0o711)
    os.mkdir(f"{directory}/empty", 0o755)
    os.symlink("x", f"{directory}/dir/inside")
    os.symlink("a.txt", f"{directory}/link")
    packed = _packed()
    for suffix, pack in (
        ("", bytes),
        (".gz", lambda data: gzip.compress(data, mtime=0)),
        (".xz", lzma.compress),
        (".bz2", bz2.compress),
    ):
        with open(f"{directory}/pack.tar{suffix}", "wb") as archive:
            archive.write(pack(packed))


def _packed() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, mode, owner in (("p/one", 0o640, 3), ("p/two", 0o755, 0)):
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uid, info.gid = 2, mode, owner, owner
            archive.addfile(info, io.BytesIO(b"1\n"))
        link = tarfile.TarInfo("p/link")
        link.type, link.linkname = tarfile.SYMTYPE, "one"
        archive.addfile(link)
    return data.getvalue()


def tree(top: str) -> dict[str, str]:
    """Type, mode, owner and content of everything below a directory, in one line each."""
    found: dict[str, str] = {}
    for path, directories, names in os.walk(top):
        for name in (*directories, *names):
            full = os.path.join(path, name)
            found[os.path.relpath(full, top)] = _described(full)
    return found


def _described(path: str) -> str:
    status = os.lstat(path)
    mode, owner = stat.S_IMODE(status.st_mode), f"{status.st_uid}:{status.st_gid}"
    if stat.S_ISDIR(status.st_mode):
        return f"directory {mode:o} {owner}"
    if stat.S_ISLNK(status.st_mode):
        return f"link {owner} {os.readlink(path)}"
    if not stat.S_ISREG(status.st_mode):
        return f"special {status.st_mode:o} {owner}"
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:16]
    links = f" {status.st_nlink} links" if status.st_nlink > 1 else ""
    return f"file {mode:o} {owner} {digest}{links}"


def outcome(config: bytes, found: dict[str, str], base: dict[str, str]) -> Outcome:
    """What is compared."""
    data = json.loads(config)
    kept = {key: value for key, value in data["config"].items() if key in _KEPT and value}
    labels = {key: value for key, value in kept.pop("Labels", {}).items() if key != _IDENTITY}
    if labels:
        kept["Labels"] = labels
    changed = {path: line for path, line in found.items() if base.get(path) != line}
    changed |= {path: "gone" for path in base if path not in found}
    return {
        "config": kept,
        "author": data.get("author", ""),
        "history": len(data["history"]),
        "tree": dict(sorted(changed.items())),
    }
