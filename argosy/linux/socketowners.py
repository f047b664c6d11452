"""Which process has a port of this host, from /proc/net and the descriptors of the processes that we may look at."""

from __future__ import annotations

import os

from argosy.linux import files

_LISTENING = "0A"


def owner(protocol: str, port: int) -> str:
    """`NAME (process PID)` of one that has the port bound, "" when that cannot be told."""
    inodes = _inodes(protocol, port)
    if not inodes:
        return ""
    for text in os.listdir("/proc"):
        if text.isdecimal() and _has_socket(text, inodes):
            return f"{_name(text)} (process {text})"
    return ""


def _inodes(protocol: str, port: int) -> set[str]:
    """The sockets bound to the port, as links in /proc/PID/fd name them.  proc(5), /proc/net/tcp."""
    found = set()
    for table in (protocol, f"{protocol}6"):
        try:
            lines = files.read(f"/proc/net/{table}", 16 << 20).decode("ascii", "replace").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if (
                len(fields) > 9
                and fields[1].endswith(f":{port:04X}")
                and (protocol != "tcp" or fields[3] == _LISTENING)
            ):
                found.add(f"socket:[{fields[9]}]")
    return found


def _has_socket(pid: str, inodes: set[str]) -> bool:
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for fd in descriptors:
        try:
            if os.readlink(f"/proc/{pid}/fd/{fd}") in inodes:
                return True
        except OSError:
            continue
    return False


def _name(pid: str) -> str:
    try:
        return files.read(f"/proc/{pid}/comm", 64).decode(errors="replace").strip()
    except OSError:
        return "a program"
