"""`--filter KEY=VALUE` (and `KEY!=VALUE`) of `images` and `image prune`, with podman's keys and meanings.

Filters of different keys must all hold.  Of several `reference` filters one must, as docker has it; of several of any
other key, all.
"""

from __future__ import annotations

import time

from argosy import durations
from argosy.errors import ArgosyError, Invalid
from argosy.images import timestamps
from argosy.images.inventory import Family, Image
from argosy.images.resolve import ImageNotKnown, config, resolve
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from argosy.images.resolve import LoadRegistries
    from argosy.oci.reference import Reference
    from argosy.storage.store import Store

    Test = Callable[[Image], bool]

PRUNE_KEYS = ("label", "until")
_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


class Scope(Value):
    """What a filter may look at beside the image itself."""

    store: Store
    registries: LoadRegistries
    family: Family


class Filters:
    """Compiled filters.  Raises ArgosyError in podman's words for what is no filter."""

    def __init__(
        self, store: Store, registries: LoadRegistries, texts: Iterable[str], images: tuple[Image, ...]
    ) -> None:
        scope = Scope(store, registries, Family(store, images))
        self._tests: list[Test] = []
        references: list[Test] = []
        for text in texts:
            key, value, negated = _split(text)
            make = _MAKERS.get(key)
            if make is None:
                raise ArgosyError(f'unsupported image filter "{key}"', hint=f"choose {', '.join(sorted(_MAKERS))}")
            test = make(scope, value)
            if key == "reference" and not negated:
                references.append(test)
            else:
                self._tests.append(_negated(test) if negated else test)
        if references:
            self._tests.append(lambda image: any(test(image) for test in references))

    def accepts(self, image: Image) -> bool:
        """Whether all filters hold for the image."""
        return all(test(image) for test in self._tests)


# One maker for each key: from the value to a test.


def _age(scope: Scope, key: str, value: str) -> tuple[str, int]:
    """The id and the creation time of the image that `value` names."""
    try:
        record = resolve(scope.store, scope.registries, value).record
    except ImageNotKnown as error:
        raise ArgosyError(f'could not find local image for filter "{key}"="{value}": {error}') from error
    return record.config_digest.partition(":")[2], timestamps.parse_or_zero(record.created)


def _before(scope: Scope, value: str) -> Test:
    image_id, moment_ns = _age(scope, "before", value)
    return lambda image: image.id != image_id and image.created_ns < moment_ns


def _since(scope: Scope, value: str) -> Test:
    image_id, moment_ns = _age(scope, "since", value)
    return lambda image: image.id != image_id and image.created_ns > moment_ns


def _containers(_scope: Scope, value: str) -> Test:
    if value == "external":
        return lambda _image: False  # containers of other programs: there are none in this store
    wanted = _bool("containers", value)
    return lambda image: bool(image.containers) == wanted


def _dangling(_scope: Scope, value: str) -> Test:
    wanted = _bool("dangling", value)
    return lambda image: image.dangling == wanted


def _intermediate(scope: Scope, value: str) -> Test:
    wanted = _bool("intermediate", value)
    return lambda image: (image.dangling and not scope.family.children(image)) == wanted


def _id(_scope: Scope, value: str) -> Test:
    digits = value.removeprefix("sha256:")
    return lambda image: bool(digits) and image.id.startswith(digits)


def _label(scope: Scope, value: str) -> Test:
    name, equals, wanted = value.partition("=")

    def test(image: Image) -> bool:
        if image.is_list:
            return False
        labels = config(scope.store, image.record).config.labels
        return name in labels and (not equals or labels[name] == wanted)

    return test


def _manifest(_scope: Scope, value: str) -> Test:
    wanted = _bool("manifest", value)
    return lambda image: image.is_list == wanted


def _readonly(_scope: Scope, value: str) -> Test:
    wanted = _bool("readonly", value)
    return lambda image: bool(image.lender) == wanted


def _reference(scope: Scope, value: str) -> Test:
    try:
        meant = resolve(scope.store, scope.registries, value).record.config_digest.partition(":")[2]
    except ArgosyError:
        meant = ""
    match = path_matcher(value)
    return lambda image: image.id == meant or any(match(text) for name in image.names for text in spellings(name))


def _until(_scope: Scope, value: str) -> Test:
    limit_ns = moment(value)
    return lambda image: image.created_ns < limit_ns


_MAKERS: dict[str, Callable[[Scope, str], Test]] = {
    "after": _since,
    "before": _before,
    "containers": _containers,
    "dangling": _dangling,
    "id": _id,
    "intermediate": _intermediate,
    "label": _label,
    "manifest": _manifest,
    "readonly": _readonly,
    "reference": _reference,
    "since": _since,
    "until": _until,
}


def check_keys(texts: Iterable[str], allowed: Sequence[str]) -> None:
    """Raise ArgosyError unless all filters have one of the keys."""
    for text in texts:
        key, _, _ = _split(text)
        if key not in allowed:
            raise ArgosyError(f'unsupported image filter "{key}"', hint=f"choose {' or '.join(allowed)}")


def _split(text: str) -> tuple[str, str, bool]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ArgosyError(f'invalid image filter "{text}": must be in the format "filter=value or filter!=value"')
    if key.endswith("!"):
        return key[:-1], value, True
    return key, value, False


def _negated(test: Test) -> Test:
    return lambda image: not test(image)


def _bool(key: str, value: str) -> bool:
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ArgosyError(f'non-boolean value "{value}" for {key} filter', hint="use true or false")


def moment(text: str) -> int:
    """A point in time in nanoseconds since the epoch: seconds since then, RFC 3339, a date, or how long ago it was."""
    try:
        whole, dot, fraction = text.partition(".")
        if whole.isascii() and whole.isdigit() and (not dot or fraction.isdigit()):
            return int(whole) * 1_000_000_000 + int(f"{fraction[:9]:0<9}")
        if "T" in text:
            zoned = text[-1] in "zZ" or text[-6:-5] in ("+", "-")
            return timestamps.parse(text) if zoned else _local(text)
        if text.count("-") == 2 and text[0] != "-":
            return _local(f"{text}T00:00:00")
        return time.time_ns() - int(durations.seconds(text) * 1e9)
    except ValueError:
        raise ArgosyError(
            f'failed to parse value as time or duration: "{text}"',
            hint="give a time such as 2006-01-02T15:04:05Z, a Unix timestamp, or a duration such as 10m or 1h30m",
        ) from None


def _local(text: str) -> int:
    """A time without a zone is local time, as the peers read it."""
    found = timestamps.parse(f"{text}Z")
    return found - time.localtime(found // 1_000_000_000).tm_gmtoff * 1_000_000_000


def spellings(name: Reference) -> tuple[str, ...]:
    """The forms of a name that a pattern may match: with and without registry, path, and tag or digest."""
    full = str(name)
    behind = full[len(name.name) :]
    last = name.repository.rpartition("/")[2]
    return tuple(part + end for part in (name.name, name.repository, last) for end in dict.fromkeys((behind, "")))


def path_matcher(pattern: str) -> Callable[[str], bool]:
    """Go's path.Match: `*` and `?` match anything but a slash, `[a-z]` one of a set, a backslash quotes.

    Raises Invalid for a pattern that is malformed.
    """
    import re

    out, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "\\" and at < len(pattern):
            out.append(re.escape(pattern[at]))
            at += 1
        elif char == "[":
            end = pattern.find("]", at + 1)
            if end < 0:
                raise Invalid("reference pattern", pattern, "a '[' without its ']'")
            inner = pattern[at:end].replace("\\", "\\\\").replace("[", "\\[")
            out.append(f"[{inner}]")
            at = end + 1
        else:
            out.append(re.escape(char))
    try:
        return re.compile("".join(out) + r"\Z", re.DOTALL).match  # type: ignore[return-value]  # a match is true
    except re.error as error:
        raise Invalid("reference pattern", pattern, str(error)) from error
