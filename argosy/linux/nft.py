"""nftables: rule sets are applied by one `nft -f -`, all of it or nothing."""

from __future__ import annotations

from argosy.linux import process

_TIMEOUT_S = 30


def apply(ruleset: str) -> None:
    """Apply a rule set in nft(8)'s language, as one transaction, in the network namespace that the thread is in.

    Raises NotFound when nft is not installed, ProgramFailed with its words and the place when it refuses.
    """
    process.run(["nft", "-f", "-"], input=ruleset.encode(), timeout_s=_TIMEOUT_S)


def list_table(family: str, name: str) -> str:
    """The table as nft(8) writes it; "" when there is none."""
    done = process.run(["nft", "list", "table", family, name], check=False, timeout_s=_TIMEOUT_S)
    if done.returncode == 0:
        return done.stdout.decode(errors="replace")
    if b"No such file or directory" in done.stderr:
        return ""
    raise process.ProgramFailed(done.argv, done.returncode, done.stderr)
