"""The check of what images are accepted by."""

from __future__ import annotations

from argosy.containers.doctor.advice import BAD, GOOD, LESS, Advice, install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.doctor.facts import Facts


def trust(facts: Facts) -> Iterator[Advice]:
    """The policy, and the program that verifies simple signatures."""
    if facts.policy_error:
        remedy = "mend the file: containers-policy.json(5) describes it"
        yield Advice("trust", BAD, facts.policy_error, "every image is refused", remedy)
    elif "gpgv" not in facts.programs:
        cost = "images that must be signed with GnuPG are refused"
        yield Advice("trust", LESS, "gpgv is not installed", cost, install(facts, "gpgv"))
    else:
        yield Advice("trust", GOOD, facts.policy or "no policy.json: every image is accepted")
