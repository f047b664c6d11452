"""certs.d: which files belong to a registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.config import certs
from argosy.config.certs import Certificates
from argosy.errors import ArgosyError


def directory(path: Path, *names: str) -> str:
    path.mkdir(parents=True)
    for name in names:
        (path / name).write_text("x")
    return str(path)


def test_none() -> None:
    assert certs.find("nowhere.invalid", {"HOME": "/nonexistent"}) == Certificates()


def test_the_users_own(tmp_path: Path) -> None:
    own = directory(
        *(tmp_path / ".config/containers/certs.d/r.example:5000", "ca.crt", "b.crt", "me.cert", "me.key", "README")
    )
    found = certs.find("r.example:5000", {"HOME": str(tmp_path)})
    assert found == Certificates((f"{own}/b.crt", f"{own}/ca.crt"), ((f"{own}/me.cert", f"{own}/me.key"),))
    assert certs.find("r.example", {"HOME": str(tmp_path)}) == Certificates()


def test_a_named_directory_replaces_the_usual_ones(tmp_path: Path) -> None:
    directory(tmp_path / ".config/containers/certs.d/r.example", "usual.crt")
    given = directory(tmp_path / "given", "ca.crt")
    found = certs.find("r.example", {"HOME": str(tmp_path)}, cert_dir=given)
    assert found == Certificates((f"{given}/ca.crt",))
    with pytest.raises(ArgosyError, match="cannot read the certificate directory"):
        certs.find("r.example", {"HOME": str(tmp_path)}, cert_dir=f"{given}/absent")


@pytest.mark.parametrize(("name", "words"), [("a.cert", "missing key a.key"), ("a.key", "missing client certificate")])
def test_half_a_pair(tmp_path: Path, name: str, words: str) -> None:
    given = directory(tmp_path / "given", name)
    with pytest.raises(ArgosyError, match=words):
        certs.find("r.example", {"HOME": str(tmp_path)}, cert_dir=given)
