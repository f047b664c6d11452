"""The rules of a policy as rows, as `image trust show` has them."""

from __future__ import annotations

from argosy.config.policy import ACCEPT, REJECT, SIGNED_BY
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.config.policy import Policy, Requirement
    from argosy.config.registriesd import SignaturePlaces

_KINDS = {ACCEPT: "accept", REJECT: "reject", SIGNED_BY: "signed"}


class Row(Value):
    """One rule.  `ids` are the addresses of its GnuPG keys, `store` where signatures are kept."""

    transport: str
    name: str
    kind: str
    ids: str = ""
    store: str = ""


def rows(policy: Policy, places: SignaturePlaces) -> list[Row]:
    """All rules: the default, then registries by name, then the other transports."""
    found = _rows("all", "default", policy.default, places)
    transports = sorted(policy.transports, key=lambda name: (name != "docker", name))
    for transport in transports:
        for scope, rules in sorted(policy.transports[transport].items()):
            shown = "repository" if transport == "docker" else transport
            found += _rows(shown, scope, rules, places)
    return found


def effective(policy: Policy, places: SignaturePlaces, text: str) -> list[Row]:
    """The rules that hold for images of the registry, namespace, repository or reference `text`."""
    names = [text]
    if ":" in text.rpartition("/")[2] and "/" in text:
        names.append(text.rpartition(":")[0])
    while "/" in names[-1]:
        names.append(names[-1].rpartition("/")[0])
    domain = names[-1].partition(":")[0]
    while "." in domain:
        domain = domain.partition(".")[2]
        names.append(f"*.{domain}")
    rules = policy.requirements("docker", names)
    return _rows("repository", text, rules, places)


def _rows(transport: str, name: str, rules: Iterable[Requirement], places: SignaturePlaces) -> list[Row]:
    store = places.configured(name) if transport in ("all", "repository") else ""
    return [
        Row(
            transport,
            name,
            _KINDS.get(rule.kind, rule.kind),
            _ids(rule),
            store if rule.kind not in (ACCEPT, REJECT) or transport == "all" else "",
        )
        for rule in rules
    ]


def _ids(rule: Requirement) -> str:
    """The addresses in the keys of a rule; "N/A" for sigstore's, which have none."""
    if rule.kind in (ACCEPT, REJECT):
        return ""
    if rule.kind != SIGNED_BY:
        return "N/A"
    from argosy.signatures import gpg

    found: list[str] = []
    for key in rule.keys:
        try:
            found += gpg.user_ids(key.read())
        except ArgosyError as error:
            found.append(f"({error})")
    return ", ".join(dict.fromkeys(map(_address, found)))


def _address(user_id: str) -> str:
    front, bracket, rest = user_id.partition("<")
    return rest.rpartition(">")[0] if bracket and ">" in rest else front.strip()
