"""What is refused and what is accepted where containers have a root directory of their own and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.containers import chroot
from argosy.errors import Unsupported
from argosy.spec.options import ContainerOptions, Mount, NamespaceMode, NetworkMode, SecurityOptions, Ulimit

PLAIN = ContainerOptions(image="x")

ACCEPTED = (
    PLAIN,
    PLAIN.replace(tty=True, interactive=True, user="5", workdir="/x", env={"A": "b"}, umask="0077"),
    PLAIN.replace(network=NetworkMode("host"), pid=NamespaceMode("host"), ipc=NamespaceMode("host")),
    PLAIN.replace(network=NetworkMode("private"), cap_drop=("CAP_CHOWN",), ulimits=(Ulimit("nofile", 5, 5),)),
    PLAIN.replace(security=SecurityOptions(seccomp="unconfined", label=("disable",), no_new_privileges=True)),
)
REFUSED = (
    (PLAIN.replace(mounts=(Mount(kind="bind", target="/x", source="/y"),)), "--volume"),
    (PLAIN.replace(network=NetworkMode("none")), "--network none"),
    (PLAIN.replace(pid=NamespaceMode("private")), "--pid private"),
    (PLAIN.replace(cap_drop=("ALL",)), "CAP_SYS_CHROOT"),
    (PLAIN.replace(security=SecurityOptions(seccomp="/profile")), "--security-opt seccomp"),
    (PLAIN.replace(security=SecurityOptions(mask=("/x",))), "--security-opt mask"),
    (PLAIN.replace(read_only=True), "--read-only"),
    (PLAIN.replace(shm_size_bytes=5), "--shm-size"),
)


@pytest.mark.parametrize("options", ACCEPTED)
def test_accepted(options: ContainerOptions) -> None:
    chroot.check(options)


@pytest.mark.parametrize(("options", "word"), REFUSED)
def test_refused(options: ContainerOptions, word: str) -> None:
    with pytest.raises(Unsupported) as caught:
        chroot.check(options)
    assert word in str(caught.value)
    assert "argosy doctor userns" in caught.value.hint


def test_what_joins_others_is_refused_whatever_asked_for_it(tmp_path: Path) -> None:
    config = {"process": {}, "linux": {"namespaces": [{"type": "mount"}, {"type": "pid", "path": "/proc/1/ns/pid"}]}}
    with pytest.raises(Unsupported, match="the pid namespace of others"):
        chroot.adapt(config, PLAIN, str(tmp_path), {})


def test_files_of_ours_go_into_the_tree_and_through_no_link_in_it(tmp_path: Path) -> None:
    root, outside, own = tmp_path / "root", tmp_path / "outside", tmp_path / "own"
    for directory in (root / "etc", root / "run", outside):
        directory.mkdir(parents=True)
    own.write_text("ours")
    (outside / "hosts").write_text("theirs")
    (root / "etc/hosts").symlink_to(outside / "hosts")
    (root / "run/secrets").symlink_to("/../../outside")
    (root / "outside").mkdir()
    config = {"process": {}, "linux": {"namespaces": [{"type": "mount"}]}, "mounts": [{"destination": "/proc"}]}
    places = {"/etc/hosts": str(own), "/run/secrets/x": str(own), "/made/for/it": str(own)}
    adapted = chroot.adapt(config, PLAIN, str(root), places)
    assert (adapted["mounts"], adapted["linux"]) == ([], {"namespaces": []})
    for place in ("etc/hosts", "outside/x", "made/for/it"):
        assert (root / place).read_text() == "ours"
    assert (outside / "hosts").read_text() == "theirs"
    assert os.listdir(outside) == ["hosts"]
    assert (root / "dev/null").exists()
