"""What a build tells about itself: the protocol that the faces implement.  These classes say nothing."""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class StepName(Value):
    """A step: its stage's number among those that are built and how many these are, both from 1, and the same in it."""

    stage: int
    stages: int
    number: int
    numbers: int
    text: str


class Outlet:
    """Where the output of one step goes, as a context around it: descriptors for output and errors."""

    descriptors: tuple[int, int] = (1, 2)

    def tail(self) -> tuple[str, ...]:
        """The last lines, where they were not shown as they came; asked for after the context."""
        return ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """All of the output has been taken."""


class Report:
    """Called from several threads at once where stages are built side by side.

    A step is over when it is `cached`, `done` or `failed`, or when the next one of its stage begins.
    """

    def step(self, name: StepName) -> None:
        """A step begins."""

    def cached(self, name: StepName, key: str) -> None:
        """It was in the cache."""

    def done(self, name: StepName, key: str) -> None:
        """It is done."""

    def failed(self, name: StepName, why: str) -> None:
        """It did not work."""

    def explain(self, name: StepName, reason: str) -> None:
        """Why it is not taken from the cache."""

    def warn(self, text: str) -> None:
        """Something that the user should know."""

    def output(self, _name: StepName) -> Outlet:
        """Where the output of a step that runs a program goes."""
        return Outlet()

    def pause(self) -> None:
        """The terminal is somebody else's from now on: nothing is drawn any more."""
