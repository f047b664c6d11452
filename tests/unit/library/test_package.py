"""What `import argosy` offers."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys

import pytest

import argosy
from argosy.library import client
from argosy.library.containers import Containers
from argosy.library.images import Images
from argosy.linux import process
from tests.rig.program import CHECKOUT

PUBLIC = [method for facade in (Containers, Images) for method in client.public(facade).values()]


def test_every_name_is_there() -> None:
    for name in argosy.__all__:
        assert getattr(argosy, name).__name__ == name


def test_type_checkers_see_the_same_names_from_the_same_modules() -> None:
    with open(argosy.__file__, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        (str(node.module).removeprefix("argosy."), alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = {(module, name) for module, names in argosy._HOMES.items() for name in names}
    assert seen == homes
    assert sorted(name for _, name in homes) == sorted(argosy.__all__)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = argosy.nothing  # type: ignore[attr-defined]


def test_importing_does_nothing() -> None:
    code = "import sys; before = set(sys.modules); import argosy; print(sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({CHECKOUT!r}); {code}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "['__future__', 'argosy']\n"


@pytest.mark.parametrize("method", PUBLIC, ids=lambda method: method.__qualname__)
def test_what_programs_call_is_documented_and_typed(method: object) -> None:
    assert inspect.getdoc(method)
    signature = inspect.signature(method)  # type: ignore[arg-type]
    assert signature.return_annotation is not inspect.Signature.empty
    parameters = list(signature.parameters.values())[1:]
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in parameters)


def test_argosy_is_never_started_again_as_the_program_that_uses_it() -> None:
    """Without a launcher's word, as in a foreign program, it is the package's own."""
    code = f"import sys; sys.path.append({CHECKOUT!r}); from argosy.linux import process; print(process.self_argv()[3])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == f"{os.path.realpath(CHECKOUT)}/argosy/launch.py"
    assert process.self_argv()[:3] == [sys.executable, "-I", "-S"]
