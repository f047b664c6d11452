"""User namespaces of containers: the text of --userns, --uidmap and --gidmap, and the id maps that they come to.

A map is a tuple of ranges (first id inside, first id outside, how many).  "Outside" are the ids of our own user
namespace: of the host as root, of the store's namespace as a rootless user, whose map of it is called `parent` here.
Pure: what has to be looked up is handed in.
"""

from __future__ import annotations

from argosy import numbers
from argosy.spec.options import BadOption, UserNamespace
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

Range = tuple[int, int, int]
Interval = tuple[int, int]  # first id, and the one behind the last

ID_LIMIT = 2**32 - 1  # the last id means "none" in system calls
_PLAIN_KINDS = ("host", "private", "nomap")
_FORM = '["[+ug]uint32:[@]uint32[:uint32]"]'
_HINT = "write INSIDE:OUTSIDE:AMOUNT, as in 0:100000:65536"


class Entry(Value):
    """One of --uidmap, --gidmap.  `at_host` stands for @: `outside` is an id of the host, not of our namespace.

    `extends` (+) takes what the entries before it have there out of their way; `users` and `groups` say for which of
    the two the entry counts.
    """

    inside: int
    outside: int
    size: int
    at_host: bool = False
    extends: bool = False
    users: bool = True
    groups: bool = True


def parse_mode(text: str) -> UserNamespace:
    """--userns; "" is the caller's own namespace."""
    kind, colon, rest = text.partition(":")
    if text in ("", *_PLAIN_KINDS):
        return UserNamespace(kind or "host")
    if kind in ("container", "ns"):
        if rest:
            return UserNamespace(kind, target=rest)
        mode = "path" if kind == "ns" else kind
        raise BadOption(f"invalid config provided: namespace mode {mode} requires a value", hint="see --userns")
    if kind in ("keep-id", "auto"):
        return UserNamespace(kind, **_mode_options(kind, rest if colon else ""))
    if text == "pod":
        why = "cannot use pod namespace as container is not joining a pod or pod has no infra container"
        raise BadOption(f"{why}: invalid argument", hint="see --userns")
    hint = "--userns: use host, private, keep-id, auto, nomap, container:NAME or ns:PATH"
    raise BadOption(f"unrecognized namespace mode {text} passed", hint=hint)


def _mode_options(kind: str, text: str) -> dict[str, Any]:
    """What stands behind `keep-id:` or `auto:`."""
    numbers = ("uid", "gid", "size") if kind == "keep-id" else ("size",)
    maps = ("uidmapping", "gidmapping") if kind == "auto" else ()
    found: dict[str, Any] = {}
    for option in text.split(",") if text else ():
        name, equals, value = option.partition("=")
        if not equals:
            raise BadOption(f'invalid option specified: "{option}"', hint=f"see {kind} of --userns")
        if name in numbers:
            found[name] = _number(value)
        elif name in maps:
            parse_entries((value,), name[:3].upper(), plain=True)
            key = f"{name[:3]}_maps"
            found[key] = (*found.get(key, ()), value)
        else:
            hint = f"{kind} takes {', '.join((*numbers, *maps))}"
            raise BadOption(f'unknown option specified: "{name}"', hint=hint)
    return found


def _number(text: str) -> int:
    try:
        return numbers.natural(text, ID_LIMIT)
    except ValueError as error:
        raise BadOption(str(error), hint="see --userns") from None


def parse_entries(texts: Sequence[str], kind: str, *, plain: bool = False) -> tuple[Entry, ...]:
    """--uidmap or --gidmap, all of them; `kind` is "UID" or "GID", `plain` allows no flags before the first number."""
    return tuple(_entry(text, texts, kind, plain=plain) for text in texts if text)


def _entry(text: str, texts: Sequence[str], kind: str, *, plain: bool) -> Entry:
    fields = text.split(":")
    flags = fields[0][: len(fields[0]) - len(fields[0].lstrip("+ug"))]
    numbers = [fields[0][len(flags) :], *fields[1:2], *(fields[2:] or ["1"])]
    at_host = len(numbers) == 3 and numbers[1].startswith("@")
    if at_host:
        numbers[1] = numbers[1][1:]
    if len(numbers) != 3 or not all(map(_is_id, numbers)) or (plain and flags):
        shown = " ".join(f'"{item}"' for item in texts)
        what = f"initializing ID mappings: {kind} setting is malformed"
        raise BadOption(f"{what} expected {_FORM}: [{shown}]", hint=_HINT)
    inside, outside, size = map(int, numbers)
    if max(inside, outside) + size > ID_LIMIT:
        raise BadOption(f"{kind} map {text}: it goes beyond the last id, {ID_LIMIT - 1}", hint=_HINT)
    both = "u" not in flags and "g" not in flags
    return Entry(inside, outside, size, at_host, "+" in flags, both or "u" in flags, both or "g" in flags)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= ID_LIMIT


def from_entries(
    uid_texts: Sequence[str],
    gid_texts: Sequence[str],
    parents: tuple[Sequence[Range], Sequence[Range]],
    *,
    fills: bool,
    named: tuple[Sequence[Range], Sequence[Range]] = ((), ()),
) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """The maps of users and groups.  What is given for one only counts for both, unless its flags say otherwise.

    `named` are ranges that come before (--subuidname, --subgidname).  `fills`: the ids that an extending first entry
    leaves over are mapped from 0 on, as they are for a kind that gets nothing (for rootless users; root would map the
    host).
    """
    texts = (uid_texts or gid_texts, gid_texts or uid_texts)
    found = [
        _evaluated(parse_entries(texts[index], kind), kind, parents[index], fills=fills)
        for index, kind in enumerate(("UID", "GID"))
    ]
    for index, parent in enumerate(parents):
        if found[1 - index] and not found[index] and not named[index]:
            found[index] = filled((), parent) if fills else [(0, 0, ID_LIMIT)]
    return check_map((*named[0], *found[0]), "UID"), check_map((*named[1], *found[1]), "GID")


def _evaluated(entries: Sequence[Entry], kind: str, parent: Sequence[Range], *, fills: bool) -> list[Range]:
    found: list[Range] = []
    fill = False
    for entry in entries:
        if not (entry.users if kind == "UID" else entry.groups):
            continue
        for piece in _pieces(entry, kind, parent):
            if entry.extends:
                fill = fill or (fills and not found)
                found = _made_way(found, piece)
            found.append(piece)
    return merged(filled(found, parent) if fill else found)


def _pieces(entry: Entry, kind: str, parent: Sequence[Range]) -> list[Range]:
    """The ranges of an entry: several where ids of the host lie apart in our namespace."""
    if not entry.size:
        return []
    if not entry.at_host:
        return [(entry.inside, entry.outside, entry.size)]
    found = []
    wanted = (entry.outside, entry.outside + entry.size)
    for ours, hosts, size in parent:
        first, last = max(wanted[0], hosts), min(wanted[1], hosts + size)
        if first < last:
            found.append((entry.inside + first - wanted[0], ours + first - hosts, last - first))
    if sum(size for _, _, size in found) < entry.size:
        covered = [(inside - entry.inside, inside - entry.inside + size) for inside, _, size in found]
        missing = wanted[0] + subtract([(0, entry.size)], covered)[0][0]
        hint = f"/etc/sub{kind.lower()} gives a user more ids, then `argosy system migrate`"
        raise BadOption(f"parent ID {kind} {missing} is not mapped/delegated", hint=hint)
    return found


def _made_way(ranges: Iterable[Range], new: Range) -> list[Range]:
    """The ranges without what `new` has, be it inside or outside."""
    found = []
    for inside, outside, size in ranges:
        cuts = [(start, start + new[2]) for start in (new[0] - inside, new[1] - outside)]
        for first, last in subtract([(0, size)], cuts):
            found.append((inside + first, outside + first, last - first))
    return found


def filled(ranges: Sequence[Range], parent: Sequence[Range]) -> list[Range]:
    """The map with all ids of our namespace that it leaves out, on the free ids inside from 0 on."""
    free = subtract(
        [(ours, ours + size) for ours, _, size in parent],
        [(outside, outside + size) for _, outside, size in ranges],
    )
    room = subtract([(0, ID_LIMIT)], [(inside, inside + size) for inside, _, size in ranges])
    return merged([*ranges, *zipped(room, free)])


def zipped(inside: Sequence[Interval], outside: Sequence[Interval]) -> list[Range]:
    """The ids of both, one after the other, as ranges; as long as the shorter lasts."""
    found = []
    left, right = list(inside), list(outside)
    while left and right:
        (first, last), (start, end) = left.pop(0), right.pop(0)
        size = min(last - first, end - start)
        found.append((first, start, size))
        if first + size < last:
            left.insert(0, (first + size, last))
        if start + size < end:
            right.insert(0, (start + size, end))
    return found


def subtract(intervals: Iterable[Interval], cuts: Iterable[Interval]) -> list[Interval]:
    """What is in `intervals` and in none of `cuts`, in order."""
    found = sorted(intervals)
    for start, end in cuts:
        rest = []
        for first, last in found:
            rest += [piece for piece in ((first, min(last, start)), (max(first, end), last)) if piece[0] < piece[1]]
        found = rest
    return found


def merged(ranges: Iterable[Range]) -> list[Range]:
    """The ranges by their ids inside, those that go on on both sides as one."""
    found: list[Range] = []
    for inside, outside, size in sorted(ranges):
        if found and (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]) == (inside, outside):
            found[-1] = (*found[-1][:2], found[-1][2] + size)
        else:
            found.append((inside, outside, size))
    return found


def check_map(ranges: Sequence[Range], kind: str) -> tuple[Range, ...]:
    """The map itself.  Raises BadOption when two ranges overlap, or nothing stands for the container's root."""
    for side in (0, 1):
        last = 0
        for start, item in sorted((item[side], item) for item in ranges):
            if start < last:
                text = ":".join(map(str, item))
                why = f"the specified UID and/or GID mapping {text} conflicts with other mappings"
                raise BadOption(f"{why}: invalid mappings specified", hint="an id can be mapped once")
            last = start + item[2]
    if ranges and not any(inside == 0 for inside, _, _ in ranges):
        shown = " ".join(":".join(map(str, item)) for item in ranges)
        hint = f"map {kind} 0 as well: the files of images and the kernel's file systems belong to it"
        raise BadOption(f"container uses ID mappings ({shown}), but doesn't map {kind} 0", hint=hint, exit_code=126)
    return tuple(ranges)


def within(ranges: Iterable[Range], parent: Sequence[Range], kind: str) -> tuple[Range, ...]:
    """The map cut where the ranges of `parent` end: the kernel takes no range that lies in two of them.

    Raises BadOption for ids that our namespace does not have.
    """
    found = []
    for inside, outside, size in ranges:
        pieces = []
        for ours, _, count in parent:
            first, last = max(outside, ours), min(outside + size, ours + count)
            if first < last:
                pieces.append((inside + first - outside, first, last - first))
        if sum(piece[2] for piece in pieces) < size:
            have = sum(count for _, _, count in parent)
            why = f"{kind} map {inside}:{outside}:{size}: only {have} ids are available, from 0 to {have - 1}"
            raise BadOption(why, hint="/etc/subuid and /etc/subgid give a user more; `argosy doctor ids` tells how")
        found += pieces
    return tuple(sorted(found))


def keep_id(own: int, subordinate: int, size: int | None = None) -> tuple[Range, ...]:
    """The map under which the caller has the id `own`, and his `subordinate` other ids have the rest.

    `size` is how many ids there are at most.
    """
    others = subordinate if not size else min(subordinate, size - 1)
    found: list[Range] = [(0, 1, min(own, others)), (own, 0, 1), (own + 1, own + 1, others - own)]
    return tuple(item for item in found if item[2] > 0)


def stacked(ranges: Iterable[tuple[int, int]]) -> tuple[Range, ...]:
    """The map that has the ranges (start, size) one after the other, from 0 on."""
    found: list[Range] = []
    for start, size in sorted(ranges):
        found.append((found[-1][0] + found[-1][2] if found else 0, start, size))
    return tuple(found)


def allocated(
    size: int, available: Sequence[Interval], used: Iterable[Interval], extra: Sequence[Range], kind: str
) -> tuple[Range, ...]:
    """--userns=auto: `size` ids that nobody uses, from the first on, beside the ranges `extra` that were asked for."""
    room = subtract([(0, size)], [(inside, inside + count) for inside, _, count in extra])
    free = subtract(available, [*used, *((outside, outside + count) for _, outside, count in extra)])
    found = zipped(room, free)
    if sum(count for _, _, count in found) < sum(last - first for first, last in room):
        hint = f"give more ids in /etc/sub{kind.lower()}, a smaller size, or remove containers that hold some"
        raise BadOption("creating container storage: could not find enough available IDs", hint=hint)
    return check_map(merged([*found, *extra]), kind)


def extra_ranges(texts: Sequence[str], kind: str, parent: Sequence[Range]) -> tuple[Range, ...]:
    """uidmapping or gidmapping of --userns=auto."""
    return tuple(_evaluated(parse_entries(texts, kind, plain=True), kind, parent, fills=False))


def image_size(passwd: bytes, group: bytes) -> int:
    """How many ids the account files of an image name: as many as its highest, nobody's apart, and one more."""
    highest = -1
    for data, columns in ((passwd, (2, 3)), (group, (2,))):
        for line in data.split(b"\n"):
            fields = line.split(b":")
            if fields[0] in (b"nobody", b"nogroup"):
                continue
            for column in columns:
                text = fields[column] if column < len(fields) else b""
                if text.isdigit() and len(text) <= 10 and int(text) != _NOBODY:
                    highest = max(highest, int(text))
    return highest + 1


_NOBODY = 65534


def describe(linux: dict[str, Any], uids: Sequence[Range], gids: Sequence[Range], path: str) -> None:
    """Put a user namespace into the runtime specification's `linux`; `path` is where it is, "" for a new one."""
    for key, ranges in (("uidMappings", uids), ("gidMappings", gids)):
        linux[key] = [dict(zip(("containerID", "hostID", "size"), item, strict=True)) for item in ranges]
    linux["namespaces"].insert(0, {"type": "user", "path": path} if path else {"type": "user"})
