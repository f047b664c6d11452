"""SELinux labels of a container, from the policy's contexts, the options and a level of its own.

A context is `user:role:type:level`; the level of a container is `s0:cX,cY`, two of 1,024 categories (multi-category
security): the kernel keeps processes of one pair from files and processes of another.
"""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

_CATEGORIES = 1024
_ATTEMPTS = 1000
# Nobody else's files: what a container with `label=disable` writes is labelled so (as podman does).
_UNCONFINED_CATEGORIES = "s0:c1022,c1023"


class Context(Value):
    """One context in its parts; `level` may hold colons."""

    user: str
    role: str
    type: str
    level: str = "s0"

    def __str__(self) -> str:
        return f"{self.user}:{self.role}:{self.type}:{self.level}"


def parse(text: str) -> Context:
    """A context as the policy's files write it.  Raises Invalid."""
    parts = text.strip().split(":", 3)
    if len(parts) < 3 or not all(parts):
        raise Invalid("SELinux context", text, "this is not USER:ROLE:TYPE[:LEVEL]")
    return Context(*parts)


class Labels(Value):
    """What the processes of a container run as, and what its files are; "" where SELinux has no say."""

    process: str = ""
    mount: str = ""


def labels(process: str, file: str, options: Iterable[str], level: str) -> Labels:
    """The labels of a container.

    `process` and `file` are the policy's contexts for containers, `options` those of --security-opt label=, `level` is
    the container's own.  Raises Invalid for an empty or malformed context.
    """
    chosen = tuple(options)
    process_context, file_context = parse(process), parse(file)
    if "disable" in chosen:
        return Labels("", str(file_context.replace(level=_UNCONFINED_CATEGORIES)))
    if "nested" in chosen:
        return Labels()
    process_context = process_context.replace(level=level)
    file_context = file_context.replace(level=level)
    for option in chosen:
        key, _, value = option.partition(":")
        if key in ("user", "role", "type"):
            process_context = process_context.replace(**{key: value})
        elif key == "level":
            process_context = process_context.replace(level=value)
            file_context = file_context.replace(level=value)
        elif key == "filetype":
            file_context = file_context.replace(type=value)
    return Labels(str(process_context), str(file_context))


def free_level(taken: Collection[str], random: Callable[[int], bytes]) -> str:
    """A level that is not among `taken`.  `random(n)` gives n bytes."""
    for _ in range(_ATTEMPTS):
        first, second = (int.from_bytes(random(2), "little") % _CATEGORIES for _ in range(2))
        if first != second:
            level = f"s0:c{min(first, second)},c{max(first, second)}"
            if level not in taken:
                return level
    raise Invalid("SELinux level", "s0", "all pairs of categories that were tried belong to other containers")


def level_of(label: str) -> str:
    """The level of a label, "" for none."""
    parts = label.split(":", 3)
    return parts[3] if len(parts) == 4 else ""


def shared(label: str) -> str:
    """A file's label for the volume option z: the container's, but for the categories that keep others out."""
    context = parse(label)
    return str(context.replace(level=context.level.partition(":")[0]))
