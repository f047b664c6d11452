"""What a container gets of AppArmor and SELinux, by what it asks for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.containers import confinement
from argosy.containers.site import Site
from argosy.errors import Invalid
from argosy.linux import selinux
from argosy.spec.options import BadOption, ContainerOptions, Mount, SecurityOptions

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="security.* attributes need CAP_SYS_ADMIN")
LABEL = "system_u:object_r:container_file_t:s0:c4,c5"


class _Conf:
    apparmor_profile = ""
    label = True


class _Namespace:
    rootless = True


def _site(*, rootless: bool) -> Site:
    namespace = _Namespace()
    namespace.rootless = rootless
    return Site(store=None, conf=_Conf(), namespace=namespace, again=(), notice=lambda _text: None)  # type: ignore[arg-type]


def test_nobody_but_root_has_a_profile() -> None:
    site = _site(rootless=True)
    assert confinement.apparmor_profile(site, ContainerOptions("i")) == ""
    assert confinement.apparmor_profile(site, ContainerOptions("i", privileged=True)) == ""
    with pytest.raises(BadOption, match='cannot use the AppArmor profile "mine": only root can'):
        confinement.apparmor_profile(site, ContainerOptions("i", security=SecurityOptions(apparmor="mine")))


def test_unconfined_and_privileged() -> None:
    site = _site(rootless=False)
    unconfined = SecurityOptions(apparmor="unconfined")
    assert confinement.apparmor_profile(site, ContainerOptions("i", security=unconfined)) == ""
    assert confinement.apparmor_profile(site, ContainerOptions("i", privileged=True)) == ""


@ROOT
def test_relabelling(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shared = LABEL.rpartition(":")[0]
    for mount, label in (
        (Mount("bind", str(tmp_path), "/d", relabel="shared"), shared),
        (Mount("bind", str(tmp_path), "/d", relabel="private"), LABEL),
        (Mount("volume", str(tmp_path), "/d"), shared),
    ):
        confinement.relabel(mount, LABEL)
        assert selinux.label_of(f"{tmp_path}/file") == label
    (tmp_path / "new").touch()
    confinement.relabel(Mount("volume", str(tmp_path), "/d"), LABEL)
    assert selinux.label_of(f"{tmp_path}/new") == "", "a volume that has its label is not walked again"


@pytest.mark.parametrize("path", ["/", "/usr", "/etc/../home"])
def test_directories_of_the_system_are_not_relabelled(path: str) -> None:
    with pytest.raises(Invalid, match="relabeling of a directory of the system is not allowed"):
        confinement.relabel(Mount("bind", path, "/d", relabel="private"), LABEL)
