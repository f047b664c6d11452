"""Git URLs: what is taken for one, its parts, and what would become an option."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from argosy.build.git import Repository, clone, is_repository, parse
from argosy.errors import ArgosyError, Invalid


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("git://host/a", True),
        ("git@host:a/b.git", True),
        ("ssh://git@host/a", True),
        ("https://host/a.git", True),
        ("https://host/a.git#main:sub", True),
        ("http://host/a.git#", True),
        ("github.com/a/b", True),
        ("https://host/a.tar.gz", False),
        ("https://host/a", False),
        ("https://host/a#b.git", False),
        ("a.git", False),
        ("./github.com/a", False),
        ("https://host/a.git?ref=main", True),
        ("https://host/a?b.git", False),
    ],
)
def test_what_is_a_repository(text: str, expected: bool) -> None:
    assert is_repository(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://h/a.git", Repository("https://h/a.git")),
        ("https://h/a.git#v1", Repository("https://h/a.git", "v1")),
        ("https://h/a.git#v1:x/y", Repository("https://h/a.git", "v1", "x/y")),
        ("https://h/a.git#:x", Repository("https://h/a.git", "", "x")),
        ("github.com/a/b#main", Repository("https://github.com/a/b", "main")),
        ("git@h:a/b.git", Repository("git@h:a/b.git")),
        ("https://h/a.git?branch=m&subdir=x%20y", Repository("https://h/a.git", "refs/heads/m", "x y")),
        ("https://h/a.git?tag=v1#:x", Repository("https://h/a.git", "refs/tags/v1", "x")),
        ("https://h/a.git?ref=pull/4/head&commit=AB", Repository("https://h/a.git", "pull/4/head", checksum="ab")),
        (f"https://h/a.git?checksum={'a' * 40}", Repository("https://h/a.git", "a" * 40, checksum="a" * 40)),
        (
            "https://h/a.git?submodules=0&keep-git-dir=1",
            Repository("https://h/a.git", submodules=False, keep_git=True),
        ),
    ],
)
def test_parts(text: str, expected: Repository) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "--upload-pack=x",
        "https://h/a.git#--upload-pack=x",
        "https://h/a.git#v:-x",
        "ext::sh -c x",
        "https://h/a.git#a\nb",
        "https://h/a.git?ref=--upload-pack=x",
        "https://h/a.git?subdir=-x",
    ],
)
def test_what_would_be_an_option(text: str) -> None:
    with pytest.raises(Invalid):
        parse(text)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("branch=a&tag=b", "it says ref twice"),
        ("subdri=a", "unknown key subdri (did you mean subdir?)"),
        ("checksum=xyz", "the id of a commit"),
        ("submodules=perhaps", "true or false"),
    ],
)
def test_queries_that_make_no_sense(query: str, said: str) -> None:
    with pytest.raises(Invalid, match=re.escape(said)):
        parse(f"https://h/a.git?{query}")


def test_the_repository_of_a_hook_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, path in (("GIT_DIR", "own/.git"), ("GIT_WORK_TREE", "own"), ("GIT_INDEX_FILE", "own/index")):
        monkeypatch.setenv(name, f"{tmp_path}/{path}")
    with pytest.raises(ArgosyError, match="git fetch failed"):
        clone(Repository("ssh-less://nowhere"), f"{tmp_path}/new")
    assert os.listdir(tmp_path) == ["new"]
