"""What a build tells about itself: the protocol that the faces implement.  This class says nothing."""

from __future__ import annotations

from argosy.values import Value


class StepName(Value):
    """A step: its stage's number among those that are built and how many these are, both from 1, and the same in it."""

    stage: int
    stages: int
    number: int
    numbers: int
    text: str


class Report:
    """Called from several threads at once where stages are built side by side."""

    def step(self, name: StepName) -> None:
        """A step begins."""

    def cached(self, name: StepName, key: str) -> None:
        """It was in the cache."""

    def done(self, name: StepName, key: str) -> None:
        """It is done."""

    def explain(self, name: StepName, reason: str) -> None:
        """Why it is not taken from the cache."""

    def warn(self, text: str) -> None:
        """Something that the user should know."""

    def output(self) -> tuple[int, int]:
        """The descriptors that a step's output and errors go to."""
        return 1, 2
