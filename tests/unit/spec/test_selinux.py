"""SELinux labels of containers."""

from __future__ import annotations

import pytest

from argosy.errors import Invalid
from argosy.spec import selinux
from argosy.spec.selinux import Labels

PROCESS = "system_u:system_r:container_t:s0"
FILE = "system_u:object_r:container_file_t:s0"
LEVEL = "s0:c3,c900"


@pytest.mark.parametrize(
    ("options", "process", "mount"),
    [
        ((), f"system_u:system_r:container_t:{LEVEL}", f"system_u:object_r:container_file_t:{LEVEL}"),
        (("disable",), "", "system_u:object_r:container_file_t:s0:c1022,c1023"),
        (("nested",), "", ""),
        (("type:spc_t",), f"system_u:system_r:spc_t:{LEVEL}", f"system_u:object_r:container_file_t:{LEVEL}"),
        (("level:s0:c1,c2",), "system_u:system_r:container_t:s0:c1,c2", "system_u:object_r:container_file_t:s0:c1,c2"),
        (
            ("user:u", "role:r", "filetype:usr_t"),
            f"u:r:container_t:{LEVEL}",
            f"system_u:object_r:usr_t:{LEVEL}",
        ),
    ],
)
def test_labels(options: tuple[str, ...], process: str, mount: str) -> None:
    assert selinux.labels(PROCESS, FILE, options, LEVEL) == Labels(process, mount)


@pytest.mark.parametrize("text", ["", "a:b", "a::c", ":::"])
def test_malformed_contexts(text: str) -> None:
    with pytest.raises(Invalid, match="SELinux context"):
        selinux.parse(text)


def test_a_level_that_nobody_has() -> None:
    numbers = iter((5, 5, 9, 2, 9, 1))
    random = lambda size: next(numbers).to_bytes(size, "little")  # noqa: E731
    assert selinux.free_level({"s0:c2,c9"}, random) == "s0:c1,c9"  # 5,5 is no pair, 2,9 is taken
    with pytest.raises(Invalid, match="belong to other containers"):
        selinux.free_level({"s0:c1,c2"}, lambda size: bytes(size))


def test_levels_and_shared_labels() -> None:
    label = f"system_u:object_r:container_file_t:{LEVEL}"
    assert selinux.level_of(label) == LEVEL
    assert selinux.level_of("") == ""
    assert selinux.shared(label) == FILE
