"""registries.d: where signatures are, for reading and for writing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.config import registriesd
from argosy.errors import ArgosyError, Invalid
from argosy.oci import reference


def load(directory: Path, **files: str) -> registriesd.SignaturePlaces:
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)
    return registriesd.load({"HOME": "/home/u"}, rootless=True, given=str(directory))


def test_the_widest_namespace_that_says_something_is_asked_last(tmp_path: Path) -> None:
    places = load(
        tmp_path,
        a="default-docker:\n  lookaside: https://all\n  use-sigstore-attachments: false\n",
        b="docker:\n  quay.io:\n    use-sigstore-attachments: true\n  quay.io/a:\n    sigstore-staging: file:///s\n"
        "  quay.io/a/b:1:\n    lookaside: https://one\n    sigstore: https://old\n",
    )
    one, two, other = map(reference.parse, ("quay.io/a/b:1", "quay.io/a/b:2", "localhost:5000/x"))
    assert places.lookaside(one) == "https://one"
    assert places.lookaside(one, write=True) == "https://one"
    assert (places.lookaside(two), places.lookaside(two, write=True)) == ("https://all", "file:///s")
    assert [places.attachments(name) for name in (one, two, other)] == [True, True, False]


def test_without_files_signatures_are_in_the_users_own_directory(tmp_path: Path) -> None:
    places = load(tmp_path / "none")
    assert places.lookaside(reference.parse("quay.io/a")) == "file:///home/u/.local/share/containers/sigstore"
    places = registriesd.load({"HOME": "/root"}, rootless=False, given=str(tmp_path))
    assert places.lookaside(reference.parse("quay.io/a")) == "file:///var/lib/containers/sigstore"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "while parsing"),
        ("- a", "not a mapping"),
        ("docker: []", "docker is not a mapping"),
        ("docker:\n  q.io: x", "is not a mapping"),
        ("docker:\n  q.io:\n    lookaside: 1", "lookaside is not a string"),
        ("docker:\n  q.io:\n    use-sigstore-attachments: 1", "neither true nor false"),
        ("docker:\n  q.io: {}\n  q.io: {}", "there twice"),
        ("docker:\n  ? [a]\n  : {}", "a key is a collection"),
        ("docker: !!python/object/apply:os.system [true]", "could not determine a constructor"),
        ("a: &a [x]\nb: [" + "*a," * 101 + "]", "more than 100 aliases"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        load(tmp_path, a=text)


def test_two_files_must_not_say_the_same(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="as well"):
        load(tmp_path, a="docker:\n  q.io: {}", b="docker:\n  q.io: {}")
    with pytest.raises(Invalid, match="as well"):
        load(tmp_path, a="default-docker: {}", b="default-docker: {}")


def test_a_fifo_does_not_stop_us(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(ArgosyError, match="not a regular file"):
        load(tmp_path)
