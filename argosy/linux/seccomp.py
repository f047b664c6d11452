"""Compiled seccomp filters, by libseccomp, kept in a directory of the run directory.

crun before 1.9 compiles the profile at each start, 15 ms; here that happens once.  The compiled filter is, byte for
byte, the one that crun makes of the same profile (a test compares them).  A damaged or foreign file in the cache is
never used: each carries the digest of its content, and is compiled again when that is wrong.
"""

from __future__ import annotations

import binascii
import os
import stat
import struct

from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.linux import files, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

LIBRARY = "libseccomp.so.2"
_MAGIC = b"argosy seccomp filter 1 "
_LIMIT = 1 << 20
_MOST_FILES = 64

_EPERM = 1
# <seccomp.h>: SCMP_ACT_*, of which ERRNO and TRACE hold a number in their lower half, and enum scmp_compare.
_ACTIONS = {
    "ALLOW": 0x7FFF0000,
    "ERRNO": 0x00050000,
    "KILL": 0x00000000,
    "KILL_PROCESS": 0x80000000,
    "KILL_THREAD": 0x00000000,
    "LOG": 0x7FFC0000,
    "TRACE": 0x7FF00000,
    "TRAP": 0x00030000,
}
_OPERATORS = {name: number for number, name in enumerate(("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"), 1)}
_NR_SCMP_ERROR = -1
_EEXIST = -17


def cached(directory: str, name: str, build: Callable[[], Mapping[str, Any]]) -> str:
    """The filter of the profile (linux.seccomp of the OCI) that `build` makes, in base64.

    `name` stands for all that the profile depends on.  The file also depends on this machine and the library's version.
    Raises Invalid when the profile cannot be compiled, Unsupported without libseccomp.
    """
    library = _library()
    path = f"{directory}/{name}-{os.uname().machine}-{_version(library)}"
    text = _read(path)
    if text is None:
        text = binascii.b2a_base64(compile_profile(build()), newline=False)
        _write(directory, path, text)
    return text.decode()


def _library() -> syscalls.Library:
    try:
        return syscalls.load_library(LIBRARY)
    except OSError as error:
        raise Unsupported(
            "cannot compile a seccomp filter: there is no libseccomp",
            details=str(error),
            hint="apt install libseccomp2",
        ) from error


def _version(library: syscalls.Library) -> str:
    """major.minor.micro of the library that is loaded."""
    address = library.call("seccomp_version", result="L")
    numbers = syscalls.Buffer(bytes(12))
    syscalls.load_library(None).call("memcpy", numbers, address, 12, result="L")
    return ".".join(map(str, struct.unpack("III", numbers.bytes())))


def _digest(data: bytes) -> bytes:
    try:
        from _sha2 import sha256  # type: ignore[import-not-found]  # the C module below hashlib, from 3.12 on
    except ImportError:
        from _sha256 import sha256  # type: ignore[import-not-found]
    return binascii.hexlify(sha256(data).digest())


def _read(path: str) -> bytes | None:
    """The filter in a file of the cache; None when there is none, or none that may be trusted."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            return None
        head, _, text = os.read(fd, _LIMIT).partition(b"\n")
    except OSError:
        return None
    finally:
        os.close(fd)
    return text if text and head == _MAGIC + _digest(text) else None


def _write(directory: str, path: str, text: bytes) -> None:
    """Keep a filter.  What cannot be kept is compiled again next time."""
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        old = os.listdir(directory)
        if len(old) >= _MOST_FILES:
            for name in old:
                os.unlink(f"{directory}/{name}")
        files.write_atomic(path, _MAGIC + _digest(text) + b"\n" + text)
    except OSError:
        pass


def compile_profile(profile: Mapping[str, Any]) -> bytes:
    """The BPF program for linux.seccomp of the OCI, by the rules that crun follows.

    A rule whose action is the default one adds nothing; names that the library does not know are left out; conditions
    on one argument more than once are alternatives, on several arguments they must all hold.
    """
    library = _library()
    default = _action(profile["defaultAction"], profile.get("defaultErrnoRet"))
    context = library.call("seccomp_init", default, result="L")
    if not context:
        raise Invalid("seccomp profile", profile["defaultAction"], "libseccomp does not take this default action")
    try:
        for name in profile.get("architectures", ()):
            _add_architecture(library, context, name)
        for rule in profile.get("syscalls", ()):
            action = _action(rule["action"], rule.get("errnoRet"))
            if action != default:
                _add_rule(library, context, action, rule)
        return _export(library, context)
    finally:
        library.call("seccomp_release", context)


def _action(name: str, errno: int | None) -> int:
    action = _ACTIONS[name.removeprefix("SCMP_ACT_")]
    if action in (_ACTIONS["ERRNO"], _ACTIONS["TRACE"]):
        return action | (_EPERM if errno is None else errno)
    if errno is not None:
        raise Invalid("seccomp profile", name, "only the actions ERRNO and TRACE go with an errno value")
    return action


def _add_architecture(library: syscalls.Library, context: int, name: str) -> None:
    token = library.call("seccomp_arch_resolve_name", name.removeprefix("SCMP_ARCH_").lower().encode(), result="I")
    result = library.call("seccomp_arch_add", context, token) if token else -1
    if result < 0 and result != _EEXIST:
        raise Invalid("seccomp profile", name, "libseccomp does not know this architecture")


def _add_rule(library: syscalls.Library, context: int, action: int, rule: Mapping[str, Any]) -> None:
    conditions = [
        struct.pack("IIQQ", arg["index"], _OPERATORS[arg["op"][9:]], arg["value"], arg.get("valueTwo", 0))
        for arg in rule.get("args", ())
    ]
    indexes = [arg["index"] for arg in rule.get("args", ())]
    alternatives = [[one] for one in conditions] if len(set(indexes)) < len(indexes) else [conditions]
    for name in rule["names"]:
        number = library.call("seccomp_syscall_resolve_name", name.encode())
        if number == _NR_SCMP_ERROR:
            continue
        for together in alternatives:
            array = b"".join(together) or None
            result = library.call("seccomp_rule_add_array", context, action, number, len(together), array)
            if result < 0:
                why = f"libseccomp refuses the rule: {os.strerror(-result)}"
                raise Invalid("seccomp profile", name, why)


def _export(library: syscalls.Library, context: int) -> bytes:
    fd = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    with open(fd, "rb", buffering=0) as file:
        result = library.call("seccomp_export_bpf", context, fd)
        if result < 0:
            raise ArgosyError("cannot compile the seccomp filter", details=os.strerror(-result))
        file.seek(0)
        return file.readall()
