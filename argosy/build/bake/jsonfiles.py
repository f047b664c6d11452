"""Bake files in JSON (hashicorp/hcl, json/spec.md): the same blocks, by kind and name; strings are templates."""

from __future__ import annotations

from argosy import jsontext
from argosy.build.bake import hcl
from argosy.build.bake.expressions import BakeError, Block, ListOf, Literal, ObjectOf, Place, Variable
from argosy.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BLOCKS = ("variable", "group", "target", "function")


def parse(data: bytes, path: str) -> Block:
    """The body of a file.  JSON says no positions: the place is the file's beginning."""
    place = Place(path, 1, 1)
    try:
        found = jsontext.decode(data, path)
    except Invalid as error:
        raise BakeError(place, f"it is not JSON: {error.why}") from error
    if not isinstance(found, dict):
        raise BakeError(place, "it is not a JSON object")
    attributes, blocks = {}, []
    for key, value in found.items():
        if key not in _BLOCKS:
            attributes[key] = _node(value, place)
            continue
        if not isinstance(value, dict):
            raise BakeError(place, f'"{key}" is not an object of names')
        for name, body in value.items():
            if not isinstance(body, dict):
                raise BakeError(place, f'"{key}" "{name}" is not an object')
            blocks.append(_block(key, name, body, place))
    return Block("", (), place, attributes, tuple(blocks))


def _block(kind: str, name: str, body: dict[str, Any], place: Place) -> Block:
    fields = {key: _node(value, place) for key, value in body.items()}
    if kind == "function" and isinstance(body.get("params"), list):
        fields["params"] = ListOf(place, tuple(Variable(place, str(param)) for param in body["params"]))
    return Block(kind, (name,), place, fields, ())


def _node(value: Any, place: Place) -> Any:
    if isinstance(value, str):
        return hcl.template(value, place.path)
    if isinstance(value, list):
        return ListOf(place, tuple(_node(item, place) for item in value))
    if isinstance(value, dict):
        pairs = ((hcl.template(key, place.path), _node(item, place)) for key, item in value.items())
        return ObjectOf(place, tuple(pairs))
    return Literal(place, value)
