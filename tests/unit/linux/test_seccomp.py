"""Compiling seccomp profiles: what the filter decides, and what cannot be compiled."""

from __future__ import annotations

import os
from typing import Any

import pytest

from argosy.errors import Invalid, Unsupported
from argosy.linux import seccomp


def library_is_there() -> bool:
    try:
        seccomp.compile_profile({"defaultAction": "SCMP_ACT_ALLOW"})
    except Unsupported:
        return False
    return True


pytestmark = pytest.mark.skipif(not library_is_there(), reason="libseccomp is not installed")


def profile(*rules: dict[str, Any], default: str = "SCMP_ACT_ALLOW", **fields: Any) -> dict[str, Any]:
    return {"defaultAction": default, "syscalls": list(rules), **fields}


def test_a_filter_is_a_whole_number_of_instructions() -> None:
    program = seccomp.compile_profile(profile({"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}))
    assert program
    assert len(program) % 8 == 0


def test_errno_values_are_in_the_program() -> None:
    one = seccomp.compile_profile(profile({"names": ["chdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 61}))
    assert (0x00050000 | 61).to_bytes(4, "little") in one
    assert (0x00050000 | 1).to_bytes(4, "little") in seccomp.compile_profile(
        profile({"names": ["chdir"], "action": "SCMP_ACT_ERRNO"})
    )
    assert (0x00050000 | 38).to_bytes(4, "little") in seccomp.compile_profile(
        profile(default="SCMP_ACT_ERRNO", defaultErrnoRet=38)
    )


def test_what_adds_nothing_changes_nothing() -> None:
    empty = seccomp.compile_profile(profile())
    assert seccomp.compile_profile(profile({"names": ["read"], "action": "SCMP_ACT_ALLOW"})) == empty
    assert seccomp.compile_profile(profile({"names": ["no_such_call"], "action": "SCMP_ACT_KILL"})) == empty


def test_conditions_on_one_argument_are_alternatives() -> None:
    def rule(*values: int) -> dict[str, Any]:
        args = [{"index": 0, "value": value, "op": "SCMP_CMP_EQ"} for value in values]
        return {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "args": args}

    assert seccomp.compile_profile(profile(rule(1, 2))) == seccomp.compile_profile(profile(rule(1), rule(2)))


def test_other_architectures() -> None:
    native = seccomp.compile_profile(profile())
    if os.uname().machine == "x86_64":
        assert seccomp.compile_profile(profile(architectures=["SCMP_ARCH_X86_64"])) == native
        assert seccomp.compile_profile(profile(architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"])) != native
    with pytest.raises(Invalid, match="does not know this architecture"):
        seccomp.compile_profile(profile(architectures=["SCMP_ARCH_VAX"]))


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (profile(default="SCMP_ACT_ALLOW", defaultErrnoRet=5), "only the actions ERRNO and TRACE"),
        (profile({"names": ["read"], "action": "SCMP_ACT_KILL", "errnoRet": 5}), "only the actions ERRNO and TRACE"),
    ],
)
def test_what_crun_refuses_is_refused(broken: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid) as caught:
        seccomp.compile_profile(broken)
    assert words in str(caught.value)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "LIBRARY", "libno-such-thing.so.9")
    with pytest.raises(Unsupported) as caught:
        seccomp.compile_profile(profile())
    assert "libseccomp" in caught.value.hint
