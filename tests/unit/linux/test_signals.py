"""Signal names against the table of Python's own, which the C library made."""

from __future__ import annotations

import signal

import pytest

from argosy.errors import Invalid
from argosy.linux import signals

# fmt: off
NONSENSE = (
    "", "SIG", "0", "65", "-9", "+9", "9.0", "TERMINATE", "RTMIN-1", "RTMIN+31", "RTMIN+", "RTMAX+1", "RTMAX-31",
    "RTMIN+1+1", "SIGSIGTERM", "T\nERM", "RTMIN3", "99999999999999999999", "\u0669", "RTMIN+\u0663",
)
# fmt: on


@pytest.mark.parametrize("member", [s for s in signal.Signals if s.name not in ("SIGRTMIN", "SIGRTMAX")])
def test_names_and_numbers_are_the_systems(member: signal.Signals) -> None:
    assert signals.parse(member.name) == member
    assert signals.parse(member.name.removeprefix("SIG").lower()) == member
    assert signals.parse(str(int(member))) == member
    assert signals.name(member) == member.name


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("RTMIN", signal.SIGRTMIN),
        ("SIGRTMIN+3", signal.SIGRTMIN + 3),
        ("rtmin+15", signal.SIGRTMIN + 15),
        ("RTMAX", signal.SIGRTMAX),
        ("SIGRTMAX-14", signal.SIGRTMAX - 14),
        ("IOT", signal.SIGABRT),
        ("SIGCLD", signal.SIGCHLD),
        (" TERM ", signal.SIGTERM),
        ("64", 64),
        ("009", 9),
    ],
)
def test_other_spellings(text: str, number: int) -> None:
    assert signals.parse(text) == number


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid, match="invalid signal"):
        signals.parse(text)


@pytest.mark.parametrize("number", range(1, 65))
def test_every_name_parses_back(number: int) -> None:
    assert signals.parse(signals.name(number)) == number


def test_a_number_without_a_name_is_shown_as_it_is() -> None:
    assert signals.name(0) == "0"
    assert signals.name(99) == "99"
