"""Whose turn it is: names and the moments at which they are due, by a clock of the caller's that only goes forward."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

_STALE = 64  # entries that were overtaken, beyond which the heap is made anew


class Schedule:
    """One moment for each name."""

    def __init__(self) -> None:
        self._moments: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def set(self, name: str, moment: float) -> None:
        """Have the name come up at that moment, and at no other."""
        self._moments[name] = moment
        heappush(self._heap, (moment, name))
        if len(self._heap) > 2 * len(self._moments) + _STALE:
            self._heap = [(moment, name) for name, moment in self._moments.items()]
            heapify(self._heap)

    def drop(self, name: str) -> None:
        """Forget the name, if it is there."""
        self._moments.pop(name, None)

    def next(self) -> float | None:
        """The moment at which the next name is due; None where nothing is to come."""
        self._skip()
        return self._heap[0][0] if self._heap else None

    def take(self, now: float, most: int) -> list[str]:
        """The names that are due, who has waited longest first, at most so many; they are forgotten."""
        found: list[str] = []
        while len(found) < most and (moment := self.next()) is not None and moment <= now:
            name = heappop(self._heap)[1]
            del self._moments[name]
            found.append(name)
        return found

    def _skip(self) -> None:
        while self._heap and self._moments.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
