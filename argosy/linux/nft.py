"""nftables: rule sets are applied by one `nft -f -`, all of it or nothing."""

from __future__ import annotations

import os

from argosy.linux import process

_TIMEOUT_S = 30
_FAMILIES = {"inet": 1, "ip": 2, "ip6": 10}

# linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_SUBSYSTEM, _BATCH_BEGIN, _BATCH_END = 10, 0x10, 0x11
_GETTABLE, _DELTABLE, _GETCHAIN = 1, 2, 4
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_POLICY, _CHAIN_USE = 1, 3, 5, 6


def apply(ruleset: str) -> None:
    """Apply a rule set in nft(8)'s language, as one transaction, in the network namespace that the thread is in.

    Nothing is done for an empty one.  Raises NotFound when nft is not installed, ProgramFailed with its words and the
    place when it refuses.
    """
    if not ruleset:
        return
    process.run(["nft", "-f", "-"], input=ruleset.encode(), timeout_s=_TIMEOUT_S)


def list_table(family: str, name: str) -> str:
    """The table as nft(8) writes it; "" when there is none."""
    return _listed("table", family, name)


def list_chain(family: str, table: str, name: str) -> str:
    """The chain as nft(8) writes it, with the handles of its rules; "" when there is none."""
    return _listed("chain", family, table, name)


def _listed(*words: str) -> str:
    done = process.run(["nft", "-a", "list", *words], check=False, timeout_s=_TIMEOUT_S)
    if done.returncode == 0:
        return done.stdout.decode(errors="replace")
    if b"No such file or directory" in done.stderr:
        return ""
    raise process.ProgramFailed(done.argv, done.returncode, done.stderr)


def drops(family: str, table: str, chain: str) -> bool:
    """Whether the chain is hooked in and drops what none of its rules decides; False when there is no such chain."""
    try:
        answer = _ask(_message(_GETCHAIN, 1, family, table, chain))
    except OSError:
        return False
    return _attributes(answer).get(_CHAIN_POLICY) == bytes(4)  # NF_DROP


def uses(family: str, table: str) -> dict[str, int]:
    """How often each chain of the table is made use of: by the rules in it, and those that jump to it.

    Asked of the kernel, in 0.1 ms; empty when there is no such table.  Raises OSError where there is no nf_tables.
    """
    import struct
    from _socket import SOCK_CLOEXEC, SOCK_RAW, socket

    found: dict[str, int] = {}
    connection = socket(16, SOCK_RAW | SOCK_CLOEXEC, 12)  # AF_NETLINK, NETLINK_NETFILTER
    try:
        connection.bind((0, 0))
        connection.send(_message(_GETCHAIN, 1, family, flags=_DUMP))
        while True:
            answer, at = connection.recv(1 << 17), 0
            while at + 16 <= len(answer):
                length, kind = struct.unpack_from("=IH", answer, at)
                if kind in (_DONE, _ERROR):
                    return found
                chain = _attributes(answer[at : at + length])
                if chain.get(_CHAIN_TABLE) == table.encode() + b"\0":
                    found[chain[_CHAIN_NAME][:-1].decode()] = int.from_bytes(chain.get(_CHAIN_USE, b""), "big")
                at += length + 3 & ~3
    finally:
        connection.close()


def _attributes(message: bytes) -> dict[int, bytes]:
    """The attributes behind the two headers of a message."""
    import struct

    found, at = {}, 20
    while at + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, at)
        found[kind] = message[at + 4 : at + length]
        at += max(length + 3 & ~3, 4)
    return found


def exists(family: str, name: str) -> bool:
    """Whether there is such a table in the network namespace that the thread is in: asked of the kernel, in 0.1 ms.

    Raises OSError where the kernel has no nf_tables, or does not let us.
    """
    try:
        _ask(_message(_GETTABLE, 1, family, name))
    except FileNotFoundError:
        return False
    return True


def delete_table(family: str, name: str) -> None:
    """Delete the table, whatever it holds.  Idempotent.

    Asked of the kernel itself: an nft(8) that is older than the one which wrote the table may end by a signal when it
    reads what it does not know.  Raises OSError.
    """
    import struct

    begin = struct.pack("=IHHIIBBH", 20, _BATCH_BEGIN, _REQUEST, 0, 0, 0, 0, _SUBSYSTEM << 8)
    end = struct.pack("=IHHIIBBH", 20, _BATCH_END, _REQUEST, 2, 0, 0, 0, _SUBSYSTEM << 8)
    try:
        _ask(begin + _message(_DELTABLE, 1, family, name, flags=_ACK) + end)
    except FileNotFoundError:
        return


def _message(kind: int, sequence: int, family: str, *names: str, flags: int = 0) -> bytes:
    """A request that names a table, and perhaps a chain of it: NFTA_TABLE_NAME and NFTA_CHAIN_TABLE are 1."""
    import struct

    body = struct.pack("=BBH", _FAMILIES[family], 0, 0)
    for attribute, name in zip((1, _CHAIN_NAME), names, strict=False):
        value = name.encode() + b"\0"
        body += struct.pack("=HH", 4 + len(value), attribute) + value + bytes(-len(value) % 4)
    return struct.pack("=IHHII", 16 + len(body), _SUBSYSTEM << 8 | kind, _REQUEST | flags, sequence, 0) + body


def _ask(messages: bytes) -> bytes:
    """Send them: the first answer.  Raises the OSError that it is."""
    import struct
    from _socket import SOCK_CLOEXEC, SOCK_RAW, socket

    connection = socket(16, SOCK_RAW | SOCK_CLOEXEC, 12)  # AF_NETLINK, NETLINK_NETFILTER
    try:
        connection.bind((0, 0))
        connection.send(messages)
        answer = connection.recv(4096)
    finally:
        connection.close()
    if struct.unpack_from("=H", answer, 4)[0] == 2:  # NLMSG_ERROR; its number is 0 where nothing is wrong
        number = -struct.unpack_from("=i", answer, 16)[0]
        if number:
            raise OSError(number, os.strerror(number), "nf_tables")
    return answer
