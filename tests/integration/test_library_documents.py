"""What the documents say about the library: their examples run, and no method is missing."""

from __future__ import annotations

import pytest

from argosy.library import client
from argosy.library.containers import Containers
from argosy.library.images import Images
from argosy.library.working import Working
from tests.rig.foreign import Foreign
from tests.rig.program import CHECKOUT, Program


def examples(path: str) -> list[str]:
    """The Python examples of a document."""
    with open(f"{CHECKOUT}/{path}", encoding="utf-8") as file:
        parts = file.read().split("```")
    return [part.removeprefix("python\n") for part in parts[1::2] if part.startswith("python\n")]


@pytest.mark.parametrize("path", ["README.md", "docs/library.md"])
def test_examples_run(argosy_user: Program, path: str) -> None:
    argosy_user.busybox()
    foreign = Foreign(argosy_user)
    found = examples(path)
    assert found
    for example in found:
        done = foreign.run(example.replace("argosy.open()", "open_engine()"))
        expected = [line.partition("  # ")[2] for line in example.splitlines() if "print(" in line and "  # " in line]
        assert [line for line in expected if line not in done.lines] == []
        assert done.lines != []


def test_every_method_is_named() -> None:
    with open(f"{CHECKOUT}/docs/library.md", encoding="utf-8") as file:
        text = file.read()
    rows = "".join(line for line in text.splitlines() if line.startswith("| `"))
    for facade in (Containers, Images, Working):
        assert [name for name in client.public(facade) if f"`{name}`" not in rows] == []
