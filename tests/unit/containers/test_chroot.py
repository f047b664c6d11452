"""What is refused and what is accepted where containers have a root directory of their own and nothing else."""

from __future__ import annotations

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
