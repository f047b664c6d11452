"""Whose turn it is, by a clock that the test sets."""

from __future__ import annotations

import random

from argosy.containers.health.schedule import Schedule


def test_names_come_up_in_the_order_of_their_moments() -> None:
    turns = Schedule()
    assert turns.next() is None
    for name, moment in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
        turns.set(name, moment)
    assert turns.next() == 1.0
    assert turns.take(0.5, 9) == []
    assert turns.take(2.0, 9) == ["a", "b"]
    assert turns.take(9.0, 9) == ["c"]
    assert turns.take(9.0, 9) == []
    assert turns.next() is None


def test_the_last_word_counts() -> None:
    turns = Schedule()
    turns.set("a", 1.0)
    turns.set("a", 5.0)
    turns.set("b", 2.0)
    turns.drop("b")
    turns.drop("nobody")
    assert turns.next() == 5.0
    assert turns.take(4.0, 9) == []
    turns.set("a", 3.0)
    assert turns.take(4.0, 9) == ["a"]
    assert turns.take(9.0, 9) == []


def test_nobody_starves() -> None:
    """Of more than can be served at once, those that have waited longest are."""
    turns = Schedule()
    names = [f"c{number:03}" for number in range(300)]
    for number, name in enumerate(names):
        turns.set(name, number / 1000)
    served: list[str] = []
    now = 1.0
    while len(served) < 600:
        for name in turns.take(now, 7):
            served.append(name)
            turns.set(name, now + 1.0)
        now += 0.01
    assert served[:300] == served[300:600] == names


def test_what_was_overtaken_is_let_go_of() -> None:
    turns = Schedule()
    clock = random.Random(4)
    for _ in range(10_000):
        turns.set(f"c{clock.randrange(10)}", clock.random())
    assert len(turns._heap) < 200
    assert len(turns.take(1.0, 99)) == 10
