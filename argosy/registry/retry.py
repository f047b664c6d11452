"""Repeating requests: how often, after how long, and when not."""

from __future__ import annotations

import time

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.registry.faults import RegistryError


class Backoff(Value):
    """`retries` more tries after the first; the pause doubles from `base_s` to `ceiling_s`, each with random jitter.

    A transfer that can go on where it broke off is tried `transfers` times more at least.  A registry that asks for
    more than `patience_s` (Retry-After) is not waited for.
    """

    retries: int = 3
    transfers: int = 0
    base_s: float = 1.0
    ceiling_s: float = 30.0
    patience_s: float = 120.0


def backoff(retries: int, delay_s: float | None) -> Backoff:
    """`retries` more tries with the same pause before each; without a `delay_s` the pauses grow."""
    return Backoff(retries=retries) if delay_s is None else Backoff(retries=retries, base_s=delay_s, ceiling_s=delay_s)


class Retry:
    """The tries of one piece of work."""

    def __init__(self, backoff: Backoff, notice: Callable[[str], None] | None = None) -> None:
        self.backoff = backoff
        self.failures = 0
        self._notice = notice

    def progress(self) -> None:
        """The work went on: count from the start again."""
        self.failures = 0

    def pause(self, fault: RegistryError) -> None:
        """Sleep before the next try; raises `fault` when it will not go away by itself or the tries are used up."""
        limit = self.backoff.retries if fault.retries is None else min(fault.retries, self.backoff.retries)
        if not fault.transient or self.failures >= limit or fault.retry_after_s > self.backoff.patience_s:
            raise fault
        delay_s = min(self.backoff.base_s * 2**self.failures, self.backoff.ceiling_s)
        import random

        delay_s = max(delay_s * random.uniform(0.5, 1.0), fault.retry_after_s)  # noqa: S311 -- spreads load, no secret
        self.failures += 1
        if self._notice is not None:
            self._notice(f"{fault}; trying again in {delay_s:.1f} s ({self.failures} of {limit})")
        time.sleep(delay_s)
