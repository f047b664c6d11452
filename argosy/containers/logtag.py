"""The tag of a container's entries in the journal: a text in which {{.Field}} stands for a field of `inspect`."""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.spec.processflags import tag_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site


def expand(site: Site, container_id: str, tag: str) -> str:
    """The tag with its fields filled in.  Raises Invalid for one that the document does not have."""
    from argosy.containers import inspect

    document = inspect.inspect(site, container_id)
    return "".join(_value(document, text, tag) if is_field else text for text, is_field in tag_parts(tag))


def _value(document: object, path: str, tag: str) -> str:
    for name in path.split("."):
        if not isinstance(document, dict) or name not in document:
            raise Invalid("--log-opt tag", tag, f"a container has no field .{path}", hint="`argosy inspect` shows them")
        document = document[name]
    if isinstance(document, (dict, list)):
        raise Invalid("--log-opt tag", tag, f".{path} is not a single value")
    return str(document)
