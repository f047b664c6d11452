"""The filters by name and label that volumes and networks share."""

from __future__ import annotations

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    class Labelled(Protocol):
        """What has a name and labels."""

        @property
        def name(self) -> str: ...
        @property
        def labels(self) -> Mapping[str, str]: ...

    Test = Callable[[Labelled], bool]


def by_name(value: str) -> Test:
    """Those whose name the regular expression finds.  Raises ArgosyError for what is none."""
    import re

    try:
        pattern = re.compile(value)
    except re.error as error:
        raise ArgosyError(f'invalid regular expression "{value}": {error}') from error
    return lambda found: pattern.search(found.name) is not None


def by_label(value: str) -> Test:
    """Those with the label KEY, or KEY=VALUE."""
    key, equals, wanted = value.partition("=")
    return lambda found: key in found.labels and (not equals or found.labels[key] == wanted)


def without_label(value: str) -> Test:
    """Those without it."""
    has = by_label(value)
    return lambda found: not has(found)
