"""`export`: the tree of a container that runs, has ended, or never ran."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile

from tests.rig.program import Program, finish


def exported(program: Program, name: str) -> tarfile.TarFile:
    """The archive on standard output."""
    with tempfile.TemporaryFile() as file:
        finish(program.start("export", name, stdout=file))
        file.seek(0)
        return tarfile.open(fileobj=io.BytesIO(file.read()))


def test_trees(argosy_both: Program) -> None:
    busybox = argosy_both.busybox()
    script = "echo mine >/added; rm /bin/ls; ln -s added /link; touch /run/ready; sleep 600"
    argosy_both.run("run", "-d", "--name", "c", "--network", "none", "-v", "vol:/data", busybox, "sh", "-c", script)
    argosy_both.run("exec", "c", "sh", "-c", "until [ -e /run/ready ]; do sleep 0.05; done; echo secret >/data/hidden")
    argosy_both.run("create", "--name", "never", busybox)
    running = exported(argosy_both, "c")
    argosy_both.run("stop", "-t", "0", "c")
    for archive in (running, exported(argosy_both, "c")):
        names = archive.getnames()
        assert {"added", "link", "bin/busybox"} <= set(names)
        assert not {"bin/ls", "data/hidden"} & set(names)
        assert not [name for name in names if "/.wh." in f"/{name}"]
        content = archive.extractfile("added")
        assert content is not None
        assert content.read() == b"mine\n"
        assert archive.getmember("added").uid == 0
    assert "bin/ls" in exported(argosy_both, "never").getnames()
    path = f"{argosy_both.files}/c.tar"
    argosy_both.run("export", "-o", path, "c")
    with tarfile.open(path) as written:
        assert "added" in written.getnames()
    assert argosy_both.run("import", "-q", path, "again").lines
    assert argosy_both.run("run", "--rm", "--network", "none", "again", "cat", "/link").lines == ["mine"]
    argosy_both.run("rm", "-f", "c", "never")
    assert os.listdir(f"{argosy_both.root}/tmp") == []


def test_what_does_not_go(argosy: Program) -> None:
    argosy.run("create", "--name", "c", argosy.busybox())
    assert 'no container with name or ID "nosuch"' in argosy.run("export", "nosuch", check=125).stderr
    assert "cannot write /nosuch/file" in argosy.run("export", "-o", "/nosuch/file", "c", check=125).stderr
    with open("/dev/full", "wb") as full:
        assert "No space left" in finish(argosy.start("export", "c", stdout=full), check=125).stderr
