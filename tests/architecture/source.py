"""The package's source as trees: what each module imports, and how long things are."""

from __future__ import annotations

import ast
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass

from tests.rig.program import CHECKOUT

PACKAGE = f"{CHECKOUT}/argosy"


@dataclass(frozen=True)
class Module:
    """One file of the package: its dotted name, its path below the checkout, its text and tree."""

    name: str
    path: str
    text: str
    tree: ast.Module

    @property
    def unit(self) -> str:
        """The package or top module that it belongs to: `linux` for `argosy.linux.files`."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else "argosy"


@functools.cache
def modules() -> tuple[Module, ...]:
    """All modules of the package."""
    found = []
    for directory, below, files in os.walk(PACKAGE):
        below[:] = sorted(name for name in below if name != "__pycache__")
        for file in sorted(files):
            if file.endswith(".py"):
                path = f"{directory}/{file}"
                with open(path, encoding="utf-8") as source:
                    text = source.read()
                relative = os.path.relpath(path, CHECKOUT)
                name = relative.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
                found.append(Module(name, relative, text, ast.parse(text)))
    return tuple(found)


@functools.cache
def imports(module: Module) -> tuple[tuple[int, str], ...]:
    """Line and dotted name of everything that a module imports, at its top or anywhere else."""
    return tuple(_imports(module, module.tree))


@functools.cache
def type_imports(module: Module) -> frozenset[int]:
    """The lines of imports that only a type checker sees."""
    blocks = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    return frozenset(line for block in blocks for node in block.body for line, _ in _imports(module, node))


def _imports(module: Module, root: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(root):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            assert node.level == 0, f"{module.path}:{node.lineno}: relative import"
            yield node.lineno, base
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def functions(module: Module) -> Iterator[tuple[str, int]]:
    """Place and number of lines of every function, nested ones counted in those that hold them too."""
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            yield f"{module.path}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1
