"""One YAML configuration file, read with bounds: its size, its aliases (a small file can mean gigabytes), its keys."""

from __future__ import annotations

import yaml

from argosy.errors import ArgosyError, Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ALIAS_LIMIT = 100


class _Loader(yaml.CSafeLoader):  # the C parser: pure Python takes fifty times as long
    """The safe loader, which in addition refuses a key that is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- PyYAML's
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, (str, int, float, bool, type(None))):
                raise yaml.YAMLError(f"a key is a collection{key_node.start_mark}")
            if key in seen:
                raise yaml.YAMLError(f'the key "{key}" is there twice{key_node.start_mark}')
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read(path: str, what: str, limit: int = 1 << 20) -> dict[str, Any]:
    """The mapping in the file; {} for an empty one.  `what` is the kind of file, for errors.

    Raises Invalid that names the place in it, ArgosyError when it cannot be read.
    """
    from argosy.linux import files

    try:
        data = files.read_regular(path, limit)
    except OSError as error:
        raise ArgosyError(f"cannot read {path}: {str(error.strerror).lower()}") from error
    return parse(data, path, what)


def parse(data: bytes, path: str, what: str) -> dict[str, Any]:
    """The mapping in `data`, the content of the file `path`."""
    try:
        aliases = sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(data, yaml.CSafeLoader))
        if aliases > _ALIAS_LIMIT:
            raise Invalid(what, path, f"it has more than {_ALIAS_LIMIT} aliases")
        value = yaml.load(data, _Loader)  # noqa: S506 -- a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid(what, path, " ".join(str(error).split())) from error
    if value is None:
        return {}
    if type(value) is not dict:
        raise Invalid(what, path, "it is not a mapping")
    return value
