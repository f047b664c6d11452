"""Checks of the programs that containers are run by."""

from __future__ import annotations

from argosy.containers.doctor.advice import BAD, GOOD, LESS, Advice, install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.doctor.facts import Facts

_OLDEST_CONMON = (2, 0)


def runtime(facts: Facts) -> Iterator[Advice]:
    """The OCI runtime that is taken."""
    found = facts.runtime
    if found.error:
        remedy = install(facts, "crun") if "not installed" in found.error else found.hint
        yield Advice("runtime", BAD, found.error, "no container can be run", remedy)
    elif found.refusal:
        text = f"{found.version} ({found.path}), since {found.refusal}"
        cost = "runc takes three times as long to start a container"
        yield Advice("runtime", LESS, text, cost, "boot with systemd.unified_cgroup_hierarchy=1, or take a newer crun")
    else:
        yield Advice("runtime", GOOD, f"{found.version} ({found.path})")


def conmon(facts: Facts) -> Iterator[Advice]:
    """The program that stays with a container."""
    found = facts.conmon
    if found.error:
        where = f"{found.path}: " if found.path else ""
        yield Advice("conmon", BAD, f"{where}{found.error}", "no container can be started", install(facts, "conmon"))
        return
    numbers = tuple(int(part) for part in found.version.split(".")[:2] if part.isdecimal())
    text = f"conmon {found.version} ({found.path})"
    if numbers and numbers < _OLDEST_CONMON:
        yield Advice("conmon", BAD, f"{text} is too old", "no container can be started", install(facts, "conmon"))
    else:
        yield Advice("conmon", GOOD, text)


def init(facts: Facts) -> Iterator[Advice]:
    """The program of --init."""
    if facts.init:
        yield Advice("init", GOOD, facts.init)
    else:
        yield Advice("init", LESS, "catatonit is not installed", "--init does not work", install(facts, "catatonit"))
