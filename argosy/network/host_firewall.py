"""The host's own firewall, where it drops what is forwarded: what it says is obeyed, but for docker's general no.

A packet passes when every table that sees it lets it: what is accepted in ours may be dropped in another.  docker sets
the policy of FORWARD to drop and lets its own bridges through; rules of other programs belong into its chain
DOCKER-USER, so each bridge of ours gets two there, behind those that the user has written.  Other firewalls (ufw,
firewalld) say what their user wants: we tell him once what to allow.
"""

from __future__ import annotations

from argosy.linux import nft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_TABLE = "filter"
_DOCKER = "DOCKER-USER"
_FAMILIES = ("ip", "ip6")


def let_through(bridge: str, tell: Callable[[str], None]) -> None:
    """Let docker's chain accept what comes from the bridge and goes to it; tell of another firewall that may not.

    In the network namespace that the thread is in.  Idempotent.
    """
    for family in _FAMILIES:
        if nft.drops(family, _TABLE, "FORWARD"):
            rules = _rules(family)
            if rules is None:
                tell(
                    f"the host's firewall drops what is forwarded (chain FORWARD of {family}): containers reach the"
                    f" host alone; with ufw: ufw route allow in on {bridge} && ufw route allow out on {bridge}"
                )
                return
            missing = [words for words in _wanted(bridge) if not any(words in rule for rule, _ in rules)]
            nft.apply("".join(_placed(family, words, rules) for words in missing))
    if nft.exists("inet", "firewalld"):
        tell(
            "firewalld rejects what is forwarded between devices of different zones: "
            f"firewall-cmd --permanent --zone=trusted --add-interface={bridge} && firewall-cmd --reload"
        )


def forget(bridge: str) -> None:
    """Take the bridge's rules away from docker's chain.  Idempotent."""
    for family in _FAMILIES:
        if not nft.drops(family, _TABLE, "FORWARD"):
            continue
        ours = [handle for rule, handle in _rules(family) or () if any(words in rule for words in _wanted(bridge))]
        nft.apply("".join(f"delete rule {family} {_TABLE} {_DOCKER} handle {handle}\n" for handle in ours))


def _wanted(bridge: str) -> tuple[str, str]:
    return f'iifname "{bridge}" counter', f'oifname "{bridge}" counter'


def _placed(family: str, words: str, rules: list[tuple[str, str]]) -> str:
    """The command that adds the rule: before a last RETURN, as docker before version 28 leaves one there."""
    if rules and rules[-1][0].startswith("counter") and rules[-1][0].endswith("return"):
        return f"insert rule {family} {_TABLE} {_DOCKER} position {rules[-1][1]} {words} accept\n"
    return f"add rule {family} {_TABLE} {_DOCKER} {words} accept\n"


def _rules(family: str) -> list[tuple[str, str]] | None:
    """The rules of docker's chain with their handles; None where there is no such chain."""
    text = nft.list_chain(family, _TABLE, _DOCKER)
    if not text:
        return None
    pairs = (line.strip().rpartition(" # handle ") for line in text.splitlines())
    return [(rule, handle) for rule, _, handle in pairs if rule and not rule.endswith("{")]
