"""CDI: names, the documents of vendors' files, and what becomes of them in a specification."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import pytest

from argosy import jsontext
from argosy.config import cdi as cdi_files
from argosy.errors import Invalid
from argosy.spec import cdi
from tests.unit.spec.requests import spec

DOCUMENT: dict[str, Any] = {
    "cdiVersion": "0.5.0",
    "kind": "vendor.com/net",
    "containerEdits": {"env": ["COMMON=1"]},
    "devices": [
        {
            "name": "one",
            "containerEdits": {
                "env": ["PATH=/vendor", "ONE=1"],
                "deviceNodes": [
                    {"path": "/dev/v1", "type": "c", "major": 10, "minor": 3, "permissions": "rw", "fileMode": 432},
                    {"path": "/dev/null2", "hostPath": "/dev/null"},
                ],
                "mounts": [
                    {"hostPath": "/lib/v", "containerPath": "/usr/lib/v", "options": ["ro", "nosuid"]},
                    {"hostPath": "tmpfs", "containerPath": "/v", "type": "tmpfs"},
                ],
                "hooks": [
                    {
                        "hookName": "createContainer",
                        "path": "/bin/hook",
                        "args": ["hook", "x"],
                        "env": ["A=b"],
                        "timeout": 3,
                    }
                ],
                "additionalGids": [0, 44],
            },
        },
        {"name": "two", "containerEdits": {"env": ["TWO=2"]}},
    ],
}


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("nvidia.com/gpu=all", True),
        ("nvidia.com/gpu=0", True),
        ("a/b=c:d-e.f_g", True),
        ("vendor.com/class", False),
        ("/dev/null", False),
        ("a=b", False),
        ("vendor.com/class=x:rw=", False),
        ("vendor.com-/class=x", False),
        ("/class=x", False),
        ("vendor.com/class=", False),
    ],
)
def test_qualified_names(name: str, good: bool) -> None:
    assert cdi.is_qualified(name) is good


def applied(*names: str, **fields: Any) -> dict[str, Any]:
    parsed = cdi.parse(copy.deepcopy(DOCUMENT), "/etc/cdi/vendor.json")
    edits, unknown = cdi.edits_of({parsed.kind: (parsed,)}, names)
    assert not unknown
    return spec(cdi=tuple(cdi.completed(edit, lambda path: ("c", 1, len(path))) for edit in edits), **fields)


def test_everything_that_a_device_can_ask_for() -> None:
    made = applied("vendor.com/net=one", "vendor.com/net=two")
    env = made["process"]["env"]
    assert env[-4:] == ["COMMON=1", "PATH=/vendor", "ONE=1", "TWO=2"]
    assert [entry for entry in env if entry.startswith("PATH=")] == ["PATH=/vendor"]
    assert made["linux"]["devices"] == [
        {"path": "/dev/v1", "type": "c", "major": 10, "minor": 3, "fileMode": 432},
        {"path": "/dev/null2", "type": "c", "major": 1, "minor": len("/dev/null")},
    ]
    assert made["linux"]["resources"]["devices"][1:] == [
        {"allow": True, "type": "c", "major": 10, "minor": 3, "access": "rw"},
        {"allow": True, "type": "c", "major": 1, "minor": 9, "access": "rwm"},
    ]
    mounts = {mount["destination"]: mount for mount in made["mounts"]}
    assert mounts["/usr/lib/v"]["options"] == ["ro", "nosuid", "bind"]
    assert mounts["/v"]["type"] == "tmpfs"
    assert made["hooks"] == {
        "createContainer": [{"path": "/bin/hook", "args": ["hook", "x"], "env": ["A=b"], "timeout": 3}]
    }
    assert 44 in made["process"]["user"]["additionalGids"]
    assert made["process"]["user"]["additionalGids"].count(0) <= 1


def test_a_rootless_container_gets_its_devices_bound() -> None:
    made = applied("vendor.com/net=one", rootless=True)
    mounts = {mount["destination"]: mount["source"] for mount in made["mounts"]}
    assert (mounts["/dev/v1"], mounts["/dev/null2"]) == ("/dev/v1", "/dev/null")
    assert "devices" not in made["linux"]


def test_the_stronger_directory_wins() -> None:
    strong = cdi.parse({**DOCUMENT, "devices": [{"name": "one", "containerEdits": {"env": ["S=1"]}}]}, "/run/x")
    weak = cdi.parse(copy.deepcopy(DOCUMENT), "/etc/x")
    edits, unknown = cdi.edits_of({"vendor.com/net": (strong, weak)}, ("vendor.com/net=one", "vendor.com/net=no"))
    assert [edit.env for edit in edits] == [("COMMON=1",), ("S=1",)]
    assert unknown == ["vendor.com/net=no"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cdiVersion": "7"}, "cdiVersion"),
        ({"kind": "vendor"}, "VENDOR/CLASS"),
        ({"devices": [{"name": "a b"}]}, "not allowed"),
        ({"devices": [{"name": "a"}, {"name": "a"}]}, "twice"),
        ({"devices": {}}, "devices must be a list"),
        ({"containerEdits": {"env": ["x"]}}, "NAME=VALUE"),
        ({"containerEdits": {"deviceNodes": [{"path": "x"}]}}, "absolute"),
        ({"containerEdits": {"deviceNodes": [{"path": "/x", "type": "q"}]}}, "type"),
        ({"containerEdits": {"deviceNodes": [{"path": "/x", "permissions": "q"}]}}, "permissions"),
        ({"containerEdits": {"deviceNodes": [{"path": "/x", "major": "1"}]}}, "major must be a number"),
        ({"containerEdits": {"mounts": [{"hostPath": "/x"}]}}, "containerPath"),
        ({"containerEdits": {"hooks": [{"hookName": "no", "path": "/x"}]}}, "hook name"),
        ({"containerEdits": {"hooks": [{"hookName": "poststop", "path": "x"}]}}, "absolute"),
        ({"containerEdits": {"hooks": [{"hookName": "poststop", "path": "/x", "args": [1]}]}}, "args"),
    ],
)
def test_broken_documents(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        cdi.parse({**DOCUMENT, **changes}, "/etc/cdi/x.json")
    assert "/etc/cdi/x.json" in str(caught.value)


def test_reading_the_files(tmp_path: Path) -> None:
    weak, strong = tmp_path / "etc", tmp_path / "run"
    for directory in (weak, strong):
        directory.mkdir()
    (weak / "a.json").write_bytes(jsontext.encode(DOCUMENT))
    (weak / "b.json").write_text("{")
    (weak / "c.yaml").write_text("cdiVersion: 0.5.0\nkind: [a\n")
    (weak / "ignored.txt").write_text("{")
    (strong / "d.yaml").write_bytes(jsontext.encode({"x": 1}))
    (strong / "e.yml").write_text("# as nvidia-ctk writes it\ncdiVersion: 0.5.0\ndevices:\n- name: 'all'\n")
    documents, problems = cdi_files.read((str(weak), str(strong), str(tmp_path / "none")))
    written = {"cdiVersion": "0.5.0", "devices": [{"name": "all"}]}
    assert documents == [
        [],
        [(f"{strong}/d.yaml", {"x": 1}), (f"{strong}/e.yml", written)],
        [(f"{weak}/a.json", DOCUMENT)],
    ]
    assert [problem.partition(":")[0] for problem in problems] == [f"{weak}/b.json", f"{weak}/c.yaml"]


def test_hostile_files(tmp_path: Path) -> None:
    """None of them makes us wait or fills the memory, and none hides the good one."""
    (tmp_path / "good.json").write_bytes(jsontext.encode(DOCUMENT))
    os.mkfifo(tmp_path / "fifo.json")
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "directory.json").mkdir()
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(1 << 30)
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]" for n in range(1, 9))]
    (tmp_path / "aliases.yaml").write_text("\n".join(lines))
    merged = ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 10))]
    (tmp_path / "merges.yaml").write_text("\n".join(merged))
    (tmp_path / "deep.yaml").write_text("[" * 100_000)
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "twice.yaml").write_text("kind: a\nkind: b\n")
    (tmp_path / "objects.yaml").write_text("a: !!python/object/apply:os.system [echo]\n")
    ((documents,), problems) = cdi_files.read((str(tmp_path),))
    assert documents == [(f"{tmp_path}/good.json", DOCUMENT)]
    assert len(problems) == len(list(tmp_path.iterdir())) - 1
