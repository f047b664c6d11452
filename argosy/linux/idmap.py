"""Id maps: which user and group ids inside a user namespace stand for which outside (user_namespaces(7), subuid(5))."""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# How many ids there are; the last, 2**32-1, means "none" in system calls.
ALL_IDS = 2**32 - 1
OVERFLOW_ID = 65534  # whom the kernel shows for those without an id


class IdRange(Value):
    """`size` ids from `container_id` on inside, from `host_id` on outside.  A line of /proc/PID/uid_map."""

    container_id: int
    host_id: int
    size: int


class IdMap(Value):
    """The maps of users and of groups."""

    uids: tuple[IdRange, ...]
    gids: tuple[IdRange, ...]

    _nested = {"uids": IdRange, "gids": IdRange}  # noqa: RUF012 -- as Value asks for

    @classmethod
    def of(cls, uids: Iterable[tuple[int, int, int]], gids: Iterable[tuple[int, int, int]]) -> IdMap:
        """The map of these ranges, each a line of /proc/PID/uid_map."""
        return cls(tuple(IdRange(*line) for line in uids), tuple(IdRange(*line) for line in gids))

    def lines(self) -> tuple[tuple[tuple[int, int, int], ...], tuple[tuple[int, int, int], ...]]:
        """The ranges of users and of groups, as `of` takes them."""
        uids, gids = (tuple((r.container_id, r.host_id, r.size) for r in ranges) for ranges in (self.uids, self.gids))
        return uids, gids

    def to_host(self, uid: int, gid: int) -> tuple[int, int]:
        """The outer ids of a user and group inside.  Raises Invalid when one has none."""
        return outer(self.uids, uid, "user id"), outer(self.gids, gid, "group id")

    def to_container(self, uid: int, gid: int) -> tuple[int, int]:
        """The inner ids of a user and group outside.  Raises Invalid when one has none."""
        return inner(self.uids, uid, "user id"), inner(self.gids, gid, "group id")

    def seen_inside(self, uid: int, gid: int) -> tuple[int, int]:
        """As `to_container`; what has no id inside is seen there as 65534, "nobody"."""
        return _seen(self.uids, uid), _seen(self.gids, gid)

    def inverse(self) -> IdMap:
        """The map the other way round: what is inside here is outside there."""
        uids, gids = (
            tuple(IdRange(r.host_id, r.container_id, r.size) for r in side) for side in (self.uids, self.gids)
        )
        return IdMap(uids, gids)

    def is_identity(self) -> bool:
        """Whether every id inside is the same outside."""
        return all(r.container_id == r.host_id for r in self.uids + self.gids)

    def is_single(self) -> bool:
        """Whether there is one user or one group only: an image's files cannot have their owners."""
        return count(self.uids) == 1 or count(self.gids) == 1


def identity() -> IdMap:
    """The map of the initial namespace: all ids, unchanged."""
    everything = (IdRange(0, 0, ALL_IDS),)
    return IdMap(everything, everything)


def outer(ranges: Iterable[IdRange], number: int, what: str = "id") -> int:
    """The id outside for `number` inside."""
    for r in ranges:
        if r.container_id <= number < r.container_id + r.size:
            return r.host_id + number - r.container_id
    raise Invalid(what, str(number), "it is not mapped in the user namespace")


def inner(ranges: Iterable[IdRange], number: int, what: str = "id") -> int:
    """The id inside for `number` outside."""
    for r in ranges:
        if r.host_id <= number < r.host_id + r.size:
            return r.container_id + number - r.host_id
    raise Invalid(what, str(number), "the user namespace has no id for it")


def _seen(ranges: Iterable[IdRange], number: int) -> int:
    try:
        return inner(ranges, number)
    except Invalid:
        return OVERFLOW_ID


def count(ranges: Iterable[IdRange]) -> int:
    """How many ids are mapped."""
    return sum(r.size for r in ranges)


def of_process(process: str | int = "self") -> IdMap:
    """The map of a process's user namespace, as seen from its parent namespace (or from ours, if that is another)."""
    return IdMap(*(_read_map(f"/proc/{process}/{kind}_map") for kind in ("uid", "gid")))


def _read_map(path: str) -> tuple[IdRange, ...]:
    with open(path, "rb", buffering=0) as file:
        return tuple(IdRange(*map(int, line.split())) for line in file.read(65536).splitlines())


def to_proc(ranges: Iterable[IdRange]) -> str:
    """The text that /proc/PID/uid_map takes."""
    return "".join(f"{r.container_id} {r.host_id} {r.size}\n" for r in ranges)


def subordinate(path: str, name: str, number: int) -> tuple[tuple[int, int], ...]:
    """The ranges (start, size) that /etc/subuid or /etc/subgid at `path` gives to the user, by name or by uid.

    Empty when there is no such file.  Malformed lines are passed over, as newuidmap(1) does.
    """
    try:
        with open(path, "rb") as file:
            lines = file.read(1 << 20).decode(errors="replace").splitlines()
    except (FileNotFoundError, PermissionError):
        return ()
    found: list[tuple[int, int]] = []
    for line in lines:
        fields = line.strip().split(":")
        if len(fields) == 3 and fields[0] in (name, str(number)) and fields[1].isdecimal() and fields[2].isdecimal():
            start, size = int(fields[1]), int(fields[2])
            if 0 < size <= ALL_IDS - start and (start, size) not in found:
                found.append((start, size))
    return tuple(found)


def stacked(own: int, ranges: Iterable[tuple[int, int]]) -> tuple[IdRange, ...]:
    """The map of a rootless user: 0 inside is the user outside, the ranges follow from 1 on."""
    stack = [IdRange(0, own, 1)]
    for start, size in ranges:
        stack.append(IdRange(stack[-1].container_id + stack[-1].size, start, size))
    return tuple(stack)


def less_than_all(id_map: IdMap) -> IdMap:
    """The map without the last id where it is that of the initial namespace, word for word.

    By that text both runtimes tell whether they are in a user namespace, and may make devices.
    """
    whole = identity()
    kept = (IdRange(0, 0, ALL_IDS - 1),)
    return IdMap(kept if id_map.uids == whole.uids else id_map.uids, kept if id_map.gids == whole.gids else id_map.gids)


def alone(uid: int, gid: int) -> IdMap:
    """The map of a user with no range: 0 inside is his own id, and there is no other."""
    return IdMap((IdRange(0, uid, 1),), (IdRange(0, gid, 1),))


def unchanged(own: IdMap) -> IdMap:
    """The map for a namespace below ours that has all our ids, each as it is."""
    uids, gids = (tuple(r.replace(host_id=r.container_id) for r in ranges) for ranges in (own.uids, own.gids))
    return IdMap(uids, gids)
