"""Capabilities, hidden paths, annotations and rlimits."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.config.containers import DEFAULT_CAPABILITIES
from argosy.oci.runtimespec import CAPABILITIES, RLIMITS, capability_mask, capability_names
from argosy.spec import security
from argosy.spec.options import BadOption, SecurityOptions, Ulimit
from tests.unit.spec.requests import ALL_CAPABILITIES, options

CAP_SYS_RESOURCE = 1 << CAPABILITIES.index("CAP_SYS_RESOURCE")


def capabilities(held: int = ALL_CAPABILITIES, *, root: bool = True, **changes: Any) -> dict[str, list[str]]:
    return security.capabilities(options(**changes), DEFAULT_CAPABILITIES, held, root=root)


def test_the_table_is_the_kernels() -> None:
    assert CAPABILITIES[0] == "CAP_CHOWN"
    assert CAPABILITIES[21] == "CAP_SYS_ADMIN"
    assert CAPABILITIES[40] == "CAP_CHECKPOINT_RESTORE"
    assert (RLIMITS[7], RLIMITS[15]) == ("nofile", "rttime")
    assert capability_mask(capability_names(ALL_CAPABILITIES)) == ALL_CAPABILITIES


def test_default_is_podmans_eleven() -> None:
    found = capabilities()
    assert sorted(found["bounding"]) == sorted(DEFAULT_CAPABILITIES)
    assert len(DEFAULT_CAPABILITIES) == 11
    assert found["effective"] == found["permitted"] == found["bounding"]
    assert "inheritable" not in found
    assert "ambient" not in found


def test_a_user_has_none_in_effect() -> None:
    assert set(capabilities(root=False)) == {"bounding"}


def test_a_user_has_those_asked_for_by_name() -> None:
    found = capabilities(root=False, cap_add=("CAP_SYS_ADMIN",))
    assert "CAP_SYS_ADMIN" in found["bounding"]
    for kind in ("effective", "permitted", "inheritable", "ambient"):
        assert found[kind] == ["CAP_SYS_ADMIN"]


@pytest.mark.parametrize(
    ("changes", "bounding"),
    [
        ({"cap_drop": ("ALL",)}, set()),
        ({"cap_drop": ("ALL",), "cap_add": ("CAP_NET_RAW",)}, {"CAP_NET_RAW"}),
        ({"cap_add": ("ALL",)}, set(CAPABILITIES)),
        ({"cap_add": ("ALL",), "cap_drop": ("CAP_CHOWN",)}, set(CAPABILITIES) - {"CAP_CHOWN"}),
        ({"privileged": True}, set(CAPABILITIES)),
        ({"privileged": True, "cap_drop": ("CAP_CHOWN",)}, set(CAPABILITIES) - {"CAP_CHOWN"}),
        ({"privileged": True, "cap_drop": ("ALL",)}, set()),
        ({"cap_drop": ("CAP_CHOWN",)}, set(DEFAULT_CAPABILITIES) - {"CAP_CHOWN"}),
    ],
)
def test_adding_and_dropping(changes: dict[str, Any], bounding: set[str]) -> None:
    assert set(capabilities(**changes)["bounding"]) == bounding


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cap_add": ("ALL",), "cap_drop": ("ALL",)}, "adding all caps and removing all caps not allowed"),
        (
            {"cap_add": ("CAP_CHOWN",), "cap_drop": ("CAP_CHOWN",)},
            'capability "CAP_CHOWN" cannot be dropped and added',
        ),
    ],
)
def test_contradictions(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadOption) as caught:
        capabilities(**changes)
    assert words in str(caught.value)


def test_what_is_not_held_cannot_be_given() -> None:
    held = ALL_CAPABILITIES & ~CAP_SYS_RESOURCE & ~capability_mask(("CAP_SETFCAP",))
    assert "CAP_SETFCAP" not in capabilities(held)["bounding"]
    assert "CAP_SYS_RESOURCE" not in capabilities(held, privileged=True)["bounding"]
    with pytest.raises(BadOption, match="cannot add CAP_SYS_RESOURCE"):
        capabilities(held, cap_add=("CAP_SYS_RESOURCE",))


def test_masks_are_the_union_of_the_peers() -> None:
    masked, read_only = security.hidden_paths(SecurityOptions(), ("/sys/devices/system/cpu/cpu0/thermal_throttle",))
    podman = "acpi kcore keys latency_stats timer_list timer_stats sched_debug scsi"
    docker = "asound acpi interrupts kcore keys latency_stats timer_list timer_stats sched_debug scsi"
    assert {f"/proc/{name}" for name in (podman + " " + docker).split()} <= set(masked)
    assert {"/sys/firmware", "/sys/fs/selinux", "/sys/dev/block", "/sys/devices/virtual/powercap"} <= set(masked)
    assert masked[-1] == "/sys/devices/system/cpu/cpu0/thermal_throttle"
    assert {f"/proc/{name}" for name in ("bus", "fs", "irq", "sys", "sysrq-trigger")} == set(read_only)


def test_unmasking() -> None:
    assert security.hidden_paths(SecurityOptions(unmask=("ALL",))) == ([], [])
    masked, read_only = security.hidden_paths(SecurityOptions(unmask=("/proc/*",)))
    assert masked == [path for path in security.MASKED_PATHS if path.startswith("/sys")]
    assert read_only == []
    masked, _ = security.hidden_paths(SecurityOptions(unmask=("/sys/*", "/proc/acpi")))
    assert "/sys/firmware" not in masked
    assert "/sys/fs/selinux" in masked
    assert "/proc/acpi" not in masked


def test_masking_more() -> None:
    masked, _ = security.hidden_paths(SecurityOptions(mask=("/etc/x", "/proc/acpi"), unmask=("ALL",)))
    assert masked == ["/etc/x", "/proc/acpi"]


OWN = (Ulimit("nofile", 1024, 4096), Ulimit("nproc", 100, 200), Ulimit("core", 0, -1))


def limits(asked: tuple[Ulimit, ...] = (), defaults: tuple[Ulimit, ...] = (), *, may_raise: bool = False) -> Any:
    found = security.rlimits(asked, defaults, OWN, may_raise=may_raise)
    return {limit["type"]: (limit["soft"], limit["hard"]) for limit in found}


def test_defaults_are_cut_down_without_a_word() -> None:
    assert limits() == {"RLIMIT_NOFILE": (4096, 4096), "RLIMIT_NPROC": (200, 200)}
    assert limits(defaults=(Ulimit("nofile", 20000, 20000),))["RLIMIT_NOFILE"] == (4096, 4096)
    assert limits(defaults=(Ulimit("nofile", 100, -1),))["RLIMIT_NOFILE"] == (100, 4096)
    assert limits(defaults=(Ulimit("nofile", -1, -1),))["RLIMIT_NOFILE"] == (4096, 4096)


def test_defaults_are_podmans_for_who_may_raise_limits() -> None:
    assert limits(may_raise=True) == {"RLIMIT_NOFILE": (1 << 20, 1 << 20), "RLIMIT_NPROC": (1 << 20, 1 << 20)}


def test_asked_for_limits_hold() -> None:
    assert limits((Ulimit("nofile", 10, 20),))["RLIMIT_NOFILE"] == (10, 20)
    assert limits((Ulimit("core", -1, -1),))["RLIMIT_CORE"] == (2**64 - 1, 2**64 - 1)
    assert limits((Ulimit("nofile", 10, 9999),), may_raise=True)["RLIMIT_NOFILE"] == (10, 9999)


@pytest.mark.parametrize("hard", [9999, -1])
def test_a_limit_above_ones_own_is_an_error_that_names_both(hard: int) -> None:
    with pytest.raises(BadOption) as caught:
        limits((Ulimit("nofile", 10, hard),))
    assert ("unlimited" if hard == -1 else "9999") in str(caught.value)
    assert "4096" in str(caught.value)


def test_host_limits_are_inherited() -> None:
    assert limits((Ulimit("host"),)) == {}
    assert limits((Ulimit("host"), Ulimit("nofile", 5, 5))) == {"RLIMIT_NOFILE": (5, 5)}
