"""Trees compared in everything that a container can see of them.

`WALKER` is the text of a program that prints a tree as JSON, so that it can run where only that user sees the tree: in
the store's user and mount namespace.  It reads no module of ours but those which mount an image of the store.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.rig.program import Program, finish

Tree = dict[str, dict[str, Any]]

WALKER = r"""
import hashlib, json, os, stat, sys

def digest(path):
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()

def attributes(path):
    kept = {}
    for name in os.listxattr(path, follow_symlinks=False):
        if not name.startswith(("trusted.overlay.", "user.overlay.", "security.selinux", "system.")):
            kept[name] = os.getxattr(path, name, follow_symlinks=False).hex()
    return kept

def describe(path, links, shown):
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return {"type": "listed, but not there"}
    kind = stat.S_IFMT(found.st_mode)
    entry = {
        "type": {0o100000: "file", 0o040000: "directory", 0o120000: "link", 0o020000: "character device",
                 0o060000: "block device", 0o010000: "fifo", 0o140000: "socket"}[kind],
        "mode": oct(stat.S_IMODE(found.st_mode)),
        "owner": [found.st_uid, found.st_gid],
        "xattrs": attributes(path),
        "mtime": found.st_mtime_ns,
    }
    if kind == 0o100000:
        entry.update(size=found.st_size, content=digest(path))
    elif kind == 0o120000:
        entry.update(target=os.readlink(path))
    elif kind in (0o020000, 0o060000):
        entry.update(device=[os.major(found.st_rdev), os.minor(found.st_rdev)])
    if kind != 0o040000:
        entry["links"] = found.st_nlink
        entry["same as"] = links.setdefault((found.st_dev, found.st_ino), shown)
    return entry

def walk(top):
    links, found = {}, {}
    todo = ["."]
    while todo:
        path = todo.pop()
        entry = describe(os.path.join(top, path), links, path)
        found[path] = entry
        if entry["type"] == "directory":
            names = sorted(os.listdir(os.path.join(top, path)), reverse=True)
            todo += [os.path.normpath(os.path.join(path, name)) for name in names]
    return found

def main(argv):
    if argv[0] == "tree":
        return walk(argv[1])
    code, root, run, image_id, target, rootless = argv
    sys.path.insert(0, code)
    sys.dont_write_bytecode = True
    from argosy.config.locations import Locations
    from argosy.linux import idmap, mounts
    from argosy.storage import rootfs
    from argosy.storage.store import Store, read_record
    store = Store.open(Locations(root, run), rootless=rootless == "True", id_map=read_record(root).id_map)
    (record,) = [found for found in store.images.all().records if found.config_digest == "sha256:" + image_id]
    rootfs.mount_readonly(store, target, record.diff_ids, record.chain_id, fixed=record.fixed)
    try:
        return walk(target)
    finally:
        mounts.unmount(target)

print(json.dumps(main(sys.argv[1:])))
"""


def of_directory(path: str) -> Tree:
    """The tree below a directory that we can read."""
    done = subprocess.run([sys.executable, "-c", WALKER, "tree", path], check=True, capture_output=True)
    tree: Tree = json.loads(done.stdout)
    return tree


def of_image(program: Program, name: str) -> Tree:
    """The tree of an image in the program's store, mounted as a container would have it."""
    image_id = program.run("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()
    target = program.call("mktemp", "-d", "-p", program.files).stdout.strip()
    code = program.launcher.rpartition("/bin/")[0]
    argv = ["/usr/bin/python3", "-", code, program.root, program.runroot, image_id, target, str(program.rootless)]
    if program.rootless:
        argv = program.argv("unshare", *argv)
    pipe = subprocess.PIPE
    done = finish(program.spawn(argv, stdin=pipe, stdout=pipe, stderr=pipe), input=WALKER)
    tree: Tree = json.loads(done.stdout)
    return tree


def differences(ours: Tree, theirs: Tree) -> list[str]:
    """What differs, a line for each path and property.  The times of directories that hold no file of their own are
    those of whoever made them, and so are not compared where a layer does not say them (see the callers)."""
    found = [f"{path}: only in ours" for path in sorted(ours.keys() - theirs.keys())]
    found += [f"{path}: only in podman's" for path in sorted(theirs.keys() - ours.keys())]
    for path in sorted(ours.keys() & theirs.keys()):
        one, other = ours[path], theirs[path]
        for key in sorted(one.keys() | other.keys()):
            if one.get(key) != other.get(key):
                found.append(f"{path}: {key}: {one.get(key)!r}, podman {other.get(key)!r}")
    return found
