"""The default profile's table, and what profiles of a user's become."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from argosy import jsontext
from argosy.config.containers import DEFAULT_CAPABILITIES
from argosy.errors import Invalid
from argosy.oci.runtimespec import CAPABILITIES
from argosy.spec import seccomp, security

DISTRIBUTED = "/usr/share/containers/seccomp.json"

# Allowed by docker's profile and by earlier releases of Debian's; Debian 13's refuses them.
DISPUTED = {"cachestat", "futex_requeue", "futex_wait", "futex_waitv", "futex_wake", "map_shadow_stack", "syscall"}
DANGEROUS = {
    *("add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "kcmp", "open_by_handle_at"),
    *("init_module", "finit_module", "kexec_load", "iopl", "ioperm", "swapon", "clock_settime", "quotactl", "acct"),
}


def actions(profile: dict[str, Any]) -> dict[str, list[tuple[str, Any, Any]]]:
    """For each system call its rules in order: action, errno, conditions."""
    found: dict[str, list[tuple[str, Any, Any]]] = {}
    for rule in profile["syscalls"]:
        conditions = [(arg["index"], arg["value"], arg["op"]) for arg in rule.get("args", ())]
        for name in rule["names"]:
            found.setdefault(name, []).append((rule["action"], rule.get("errnoRet"), conditions))
    return found


def test_the_digest_is_the_tables() -> None:
    """Filters in caches are named by it: change it to what this says whenever the table changes."""
    assert seccomp.table_digest(CAPABILITIES)[:16] == security.SECCOMP_DIGEST


@pytest.mark.skipif(not os.path.exists(DISTRIBUTED), reason=f"no {DISTRIBUTED} to compare with")
@pytest.mark.parametrize("held", [DEFAULT_CAPABILITIES, (), CAPABILITIES])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "s390x", "ppc64le"])
def test_default_decides_as_the_distributions_profile(machine: str, held: tuple[str, ...]) -> None:
    """Calls that Debian's file does not name may differ (ours knows newer ones); all that it names must agree."""
    with open(DISTRIBUTED, "rb") as file:
        theirs = seccomp.profile(file.read(), held, machine)
    ours = seccomp.default(held, machine)
    for key in ("defaultAction", "defaultErrnoRet"):
        assert ours[key] == theirs[key]
    assert set(ours["architectures"]) == set(theirs["architectures"] or ours["architectures"])
    mine, other = actions(ours), actions(theirs)
    for name, rules in other.items():
        if name == "setns":
            # Theirs allows it, and then refuses it without CAP_SYS_ADMIN: libseccomp keeps the first.
            rules = rules[:1]
        if (name, machine) == ("swapcontext", "ppc64le"):
            continue  # Debian 13's allows it there; glibc needs it on 32-bit PowerPC only
        if name in DISPUTED and rules == [("SCMP_ACT_ERRNO", 1, [])]:
            rules = [("SCMP_ACT_ALLOW", None, [])]
        assert set(map(repr, mine[name])) == set(map(repr, rules)), name


def test_dangerous_calls_are_never_allowed() -> None:
    allowed = {
        name
        for name, rules in actions(seccomp.default(DEFAULT_CAPABILITIES, "x86_64")).items()
        for rule in rules
        if rule[0] == "SCMP_ACT_ALLOW"
    }
    assert not allowed & DANGEROUS


def test_capabilities_decide() -> None:
    assert actions(seccomp.default(("CAP_SYS_ADMIN",), "x86_64"))["bpf"] == [("SCMP_ACT_ALLOW", None, [])]
    assert actions(seccomp.default((), "x86_64"))["bpf"] == [("SCMP_ACT_ERRNO", 1, [])]
    assert actions(seccomp.default(("CAP_AUDIT_WRITE",), "x86_64"))["socket"] == [("SCMP_ACT_ALLOW", None, [])]


def test_an_unknown_machine_is_an_error() -> None:
    with pytest.raises(Invalid, match="no default seccomp profile"):
        seccomp.default((), "vax")


def resolved(profile: Any, capabilities: tuple[str, ...] = (), machine: str = "x86_64") -> dict[str, Any]:
    return seccomp.profile(jsontext.encode(profile), capabilities, machine)


def test_dockers_form() -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
        "syscalls": [
            {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": None, "includes": {}, "excludes": {}},
            {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}},
            {"names": ["acct"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_X"]}},
            {"names": ["chroot"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_BPF"]}},
            {"names": ["iopl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}},
            {"names": ["modify_ldt"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
            {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
            {
                "name": "open",
                "action": "SCMP_ACT_TRACE",
                "errnoRet": 7,
                "args": [{"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}],
            },
        ],
    }
    found = resolved(profile, ("CAP_BPF",))
    assert found["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    assert [rule["names"] for rule in found["syscalls"]] == [["read"], ["bpf"], ["modify_ldt"], ["ptrace"], ["open"]]
    assert found["syscalls"][-1] == {
        "names": ["open"],
        "action": "SCMP_ACT_TRACE",
        "errnoRet": 7,
        "args": [{"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}],
    }


def test_the_ocis_form() -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}],
    }
    assert resolved(profile) == profile


def _with(**changes: Any) -> dict[str, Any]:
    rule = {"names": ["read"], "action": "SCMP_ACT_ALLOW", **changes}
    return {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]}


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ([], "not a JSON object"),
        ({}, "None is not an action"),
        ({"defaultAction": "ALLOW"}, "'ALLOW' is not an action"),
        ({"defaultAction": ["x"]}, "is not an action"),
        ({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": {}}, "must be an array"),
        ({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": ""}, "must be an array"),
        ({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [1]}, "must be an array of objects"),
        ({"defaultAction": "SCMP_ACT_ERRNO", "architectures": "x"}, "not an array of strings"),
        ({"defaultAction": "SCMP_ACT_ERRNO", "archMap": 1}, "archMap"),
        ({"defaultAction": "SCMP_ACT_ERRNO", "listenerPath": "/x"}, "listeners"),
        ({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": -1}, "not a number"),
        (_with(action="SCMP_ACT_NOTIFY"), "SCMP_ACT_NOTIFY needs a listener"),
        (_with(names=[]), "names no system call"),
        (_with(names="read"), "not an array of strings"),
        (_with(action=None), "is not an action"),
        (_with(errnoRet="EPERM"), "not a number"),
        (_with(args={}), "must be an array of objects"),
        (_with(args=[1]), "must be an array of objects"),
        (_with(includes={"caps": ""}), "not an array of strings"),
        (_with(args=[{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]), "not a number from 0 to 5"),
        (_with(args=[{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}]), "not a number"),
        (_with(args=[{"index": 0, "value": True, "op": "SCMP_CMP_EQ"}]), "not a number"),
        (_with(args=[{"index": 0, "value": 0, "op": "=="}]), "is not an operator"),
        (_with(args=[{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}] * 7), "at most 6"),
        (_with(includes=[1]), "must be objects"),
        (_with(includes={"uid": [0]}), "does not know the condition 'uid'"),
        (_with(includes={"minKernel": "6.12"}), "does not decide on minKernel 6.12"),
        (_with(includes={"minKernel": "x"}), "is not a version"),
        (_with(excludes={"caps": "CAP_BPF"}), "not an array of strings"),
    ],
)
def test_a_broken_profile_is_an_error(profile: Any, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        resolved(profile)
    assert words in str(caught.value)
    assert "seccomp profile" in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"{", b"unconfined", b'{"defaultAction":"SCMP_ACT_ALLOW"}x', b"\xff"])
def test_text_that_is_no_profile(text: bytes) -> None:
    with pytest.raises(Invalid, match="seccomp profile"):
        seccomp.profile(text, (), "x86_64")


def test_the_default_profile_is_json() -> None:
    assert json.loads(jsontext.encode(seccomp.default((), "x86_64")))["defaultErrnoRet"] == 38
