"""nftables: rule sets are applied by one `nft -f -`, all of it or nothing."""

from __future__ import annotations

from argosy.linux import process

_TIMEOUT_S = 30
_FAMILIES = {"inet": 1, "ip": 2, "ip6": 10}


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


def exists(family: str, name: str) -> bool:
    """Whether there is such a table in the network namespace that the thread is in: asked of the kernel, in 0.1 ms."""
    import struct
    from _socket import SOCK_CLOEXEC, SOCK_RAW, socket

    netfilter, get_table, request = 12, 10 << 8 | 1, 1  # NETLINK_NETFILTER; NFT_MSG_GETTABLE of NFNL_SUBSYS_NFTABLES
    value = name.encode() + b"\0"
    attribute = struct.pack("=HH", 4 + len(value), 1) + value + bytes(-len(value) % 4)  # NFTA_TABLE_NAME
    body = struct.pack("=BBH", _FAMILIES[family], 0, 0) + attribute
    connection = socket(16, SOCK_RAW | SOCK_CLOEXEC, netfilter)
    try:
        connection.bind((0, 0))
        connection.send(struct.pack("=IHHII", 16 + len(body), get_table, request, 1, 0) + body)
        kind = struct.unpack_from("=H", connection.recv(4096), 4)[0]
    finally:
        connection.close()
    return bool(kind != 2)  # NLMSG_ERROR
