"""The stores of podman and docker, taken over."""

from __future__ import annotations

import os

from tests.interop import tree
from tests.interop.peer import Podman, podman
from tests.rig.fake_docker import FakeDocker
from tests.rig.program import Program
from tests.rig.registry import Registry, image

__all__ = ["podman"]
INSECURE = "--tls-verify=false"


def test_podmans_images_and_volumes(argosy: Program, podman: Podman, insecure_registry: Registry) -> None:
    ids = []
    for number in range(2):
        made = image([{"bin/a": b"%d" % number}, {"data": os.urandom(20_000)}])
        reference = insecure_registry.push("import/store", str(number), made)
        podman.run("pull", "-q", INSECURE, reference)
        ids.append(podman.image_id(reference))
    podman.run("tag", reference, "localhost/second:name")
    podman.run("volume", "create", "kept")
    data = f"{podman.directory}/root/volumes/kept/_data"
    with open(f"{data}/file", "w", encoding="utf-8") as file:
        file.write("content")
    os.chown(f"{data}/file", 1234, 2345)
    os.chmod(f"{data}/file", 0o4711)
    os.symlink("/etc/passwd", f"{data}/link")
    flags = ("system", "import-store", "-q", "--from", "podman", "--store", f"{podman.directory}/root")
    names = [f"{insecure_registry.name}/import/store:{number}" for number in range(2)]
    planned = argosy.run(*flags, "--dry-run").lines
    assert f"image {names[0]}" in planned
    assert planned[-1] == "volume kept"
    assert len(planned) == 3
    assert argosy.run("images", "-q").lines == []
    taken = argosy.run(*flags).lines
    assert len(taken) == 3
    for name, identity in zip((*names, "localhost/second:name"), (*ids, ids[1]), strict=True):
        assert argosy.run("image", "inspect", "--format", "{{.Id}}", name).lines == [identity]
    ours = argosy.run("volume", "inspect", "--format", "{{.Mountpoint}}", "kept").stdout.strip()
    assert tree.of_directory(ours) == tree.of_directory(data)
    assert all(line.endswith("(already here)") for line in argosy.run(*flags).lines)


def test_a_layer_that_podman_has_lost(argosy: Program, podman: Podman, insecure_registry: Registry) -> None:
    """The other images come nevertheless, and nothing of the broken one."""
    good = insecure_registry.push("import/good", "1", image([{"good": b"good"}]))
    bad = insecure_registry.push("import/bad", "1", image([{"bad": b"bad"}]))
    podman.run("pull", "-q", INSECURE, good, bad)
    for directory, _, names in os.walk(f"{podman.directory}/root/overlay"):
        if "bad" in names:
            with open(f"{directory}/bad", "wb") as file:
                file.write(b"BAD")
    done = argosy.run(
        "system", "import-store", "-q", "--from", "podman", "--store", f"{podman.directory}/root", check=125
    )
    assert f"image {bad} was not imported" in done.stderr
    assert done.lines == [f"image {good}"]
    assert argosy.run("images", "--format", "{{.Repository}}:{{.Tag}}").lines == [good]


def test_dockers_images_and_volumes(argosy: Program, insecure_registry: Registry) -> None:
    reference = insecure_registry.push("import/docker", "1", image([{"a": b"docker"}]))
    volume = f"{argosy.files}/volume"
    os.mkdir(volume)
    argosy.write("volume/file", "content")
    with FakeDocker(f"{argosy.files}/sock") as docker:
        argosy.run(
            *("copy", "-q", "--src-tls-verify=false", "--dest-daemon-host", docker.host),
            *(f"docker://{reference}", "docker-daemon:localhost/from-docker:1"),
            name="skopeo",
        )
        docker.volumes = [
            {"Name": "theirs", "Driver": "local", "Mountpoint": volume},
            {"Name": "remote", "Driver": "nfs", "Mountpoint": "/nosuch"},
            {"Name": "gone", "Driver": "local", "Mountpoint": "/nosuch"},
        ]
        done = argosy.run("system", "import-store", "-q", "--from", "docker", "--host", docker.host, check=125)
    assert done.lines == ["image localhost/from-docker:1", "volume theirs"]
    assert "volume gone was not imported" in done.stderr
    argosy.run("image", "exists", "localhost/from-docker:1")
    assert argosy.run("volume", "ls", "-q").lines == ["theirs"]


def test_what_cannot_be_imported(argosy: Program) -> None:
    for arguments, said in (
        ((), "--from takes podman or docker"),
        (("--from", "rkt"), "--from takes podman or docker"),
        (("--from", "podman", "--store", "/nosuch"), "no such store of containers/storage: /nosuch"),
        (("--from", "podman", "--host", "unix:///x"), "--host is for docker"),
        (("--from", "docker", "--store", "/x"), "--store is for podman"),
        (("--from", "docker", "--host", "unix:///nosuch"), "does not answer: no such file or directory"),
        (("--from", "docker", "--host", "ssh://x"), "invalid docker daemon"),
    ):
        assert said in argosy.run("system", "import-store", *arguments, check=125).stderr
