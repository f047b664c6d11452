"""--share: which namespaces, and whether there is an infra container to hold them."""

from __future__ import annotations

import pytest

from argosy.cli.podman.pod_create import shared_namespaces
from argosy.spec.options import BadOption

USUAL = ("ipc", "net", "uts")


@pytest.mark.parametrize(
    ("text", "share", "infra"),
    [
        (None, USUAL, True),
        ("", (), False),
        ("none", (), False),
        ("net", ("net",), True),
        ("uts,net,net", ("net", "uts"), True),
        ("+pid", ("ipc", "net", "pid", "uts"), True),
        ("cgroup,ipc", ("cgroup", "ipc"), True),
    ],
)
def test_share(text: str | None, share: tuple[str, ...], infra: bool) -> None:
    assert shared_namespaces(text, infra=True) == (share, infra)


def test_without_an_infra_container() -> None:
    assert shared_namespaces(None, infra=False) == ((), False)
    assert shared_namespaces("net", infra=False) == (("net",), False)


@pytest.mark.parametrize(("text", "message"), [("mnt", "mount sharing"), ("+foo", "to share: foo"), ("user", "user")])
def test_what_cannot_be_shared(text: str, message: str) -> None:
    with pytest.raises(BadOption, match=message):
        shared_namespaces(text, infra=True)
