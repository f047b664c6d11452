"""OCI hooks: which files count, what they add, and how broken ones are named."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argosy.containers import hooks
from argosy.errors import ArgosyError, Invalid

SPEC: dict[str, Any] = {"process": {"args": ["/bin/sh", "-c", "x"]}, "annotations": {"com.example": "fluid-dynamics"}}


def write(directory: Path, name: str, **changes: Any) -> None:
    directory.mkdir(exist_ok=True)
    data = {
        "version": "1.0.0",
        "hook": {"path": "/bin/true", "args": [name]},
        "when": {"always": True},
        "stages": ["prestart"],
        **changes,
    }
    (directory / name).write_text(json.dumps({key: value for key, value in data.items() if value is not None}))


def applied(
    *directories: Path, has_bind_mounts: bool = False, notice: Callable[[str], None] = lambda _text: None
) -> dict[str, Any]:
    spec, paths = json.loads(json.dumps(SPEC)), [str(path) for path in directories]
    found: dict[str, Any] = hooks.apply(spec, paths, has_bind_mounts=has_bind_mounts, notice=notice)
    return found


def test_a_missing_directory_is_noted_and_the_others_count(tmp_path: Path) -> None:
    write(tmp_path / "there", "01.json")
    told: list[str] = []
    found = applied(tmp_path / "missing", tmp_path / "there", notice=told.append)
    assert len(found["hooks"]["prestart"]) == 1
    assert told == [f"the hooks directory {tmp_path}/missing does not exist"]


def test_order_masking_and_stages(tmp_path: Path) -> None:
    low, high = tmp_path / "low", tmp_path / "high"
    write(low, "02-b.json", stages=["prestart", "poststop"])
    write(low, "01-A.json")
    write(low, "03-masked.json")
    write(high, "03-masked.json", stages=["createRuntime"], hook={"path": "/bin/true", "env": ["A=1"], "timeout": 3})
    (low / "notes.txt").write_text("no hook")
    assert applied(low, high)["hooks"] == {
        "prestart": [{"path": "/bin/true", "args": ["01-A.json"]}, {"path": "/bin/true", "args": ["02-b.json"]}],
        "poststop": [{"path": "/bin/true", "args": ["02-b.json"]}],
        "createRuntime": [{"path": "/bin/true", "env": ["A=1"], "timeout": 3}],
    }


@pytest.mark.parametrize(
    ("when", "bound", "matches"),
    [
        ({"always": True}, False, True),
        ({"always": False}, False, False),
        ({"hasBindMounts": True}, True, True),
        ({"hasBindMounts": True}, False, False),
        ({"commands": ["^/usr", "/sh$"]}, False, True),
        ({"commands": ["^sh$"]}, False, False),
        ({"annotations": {"^com\\.": "fluid"}}, False, True),
        ({"annotations": {"^com\\.": "^dynamics"}}, False, False),
        ({"always": True, "commands": ["^sh$"]}, False, False),
        ({"annotations": {"com": "fluid"}, "commands": ["sh"], "hasBindMounts": True}, True, True),
    ],
)
def test_conditions(tmp_path: Path, when: dict[str, Any], bound: bool, matches: bool) -> None:
    write(tmp_path, "a.json", when=when)
    assert ("hooks" in applied(tmp_path, has_bind_mounts=bound)) == matches


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "0.1.0"}, "version must be"),
        ({"hook": "/bin/true"}, "hook must be an object"),
        ({"hook": {"path": "true"}}, "hook.path must be an absolute path"),
        ({"hook": {"path": "/nonexistent"}}, "No such file"),
        ({"hook": {"path": "/bin/true\0"}}, "null"),
        ({"hook": {"path": "/etc"}}, "is not a program"),
        ({"hook": {"path": "/etc/passwd"}}, "is not a program"),
        ({"hook": {"path": "/bin/true", "args": [1]}}, "hook.args must hold strings"),
        ({"hook": {"path": "/bin/true", "timeout": 0}}, "hook.timeout must be"),
        ({"when": None}, "when must be"),
        ({"when": {}}, "when must be"),
        ({"when": {"never": True}}, "when has 'never'"),
        ({"when": {"always": "yes"}}, "when.always has a wrong type"),
        ({"when": {"commands": ["("]}}, "'(' is no regular expression"),
        ({"when": {"commands": [1]}}, "when.commands must hold strings"),
        ({"when": {"annotations": {"a": 1}}}, "when.annotations must hold strings"),
        ({"stages": []}, "stages names none"),
        ({"stages": ["never"]}, "stages holds 'never'"),
        ({"stages": None}, "stages must hold strings"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    write(tmp_path, "bad.json", **changes)
    with pytest.raises(Invalid) as caught:
        applied(tmp_path)
    assert f"{tmp_path}/bad.json" in str(caught.value)
    assert words in str(caught.value)


def test_what_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    for text in ("{", "[]", "", "\ud800"):
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        with pytest.raises(Invalid, match=r"bad\.json"):
            applied(tmp_path)
    path.write_bytes(b" " * (2 << 20))
    with pytest.raises(ArgosyError, match=r"bad\.json"):
        applied(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Invalid, match="not a regular file"):
        applied(tmp_path)
    path.unlink()
    path.symlink_to("bad.json")
    with pytest.raises(ArgosyError, match=r"bad\.json"):
        applied(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(ArgosyError, match=r"bad\.json"):
        applied(tmp_path)


def test_precreate_rewrites_the_specification(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a.json",
        stages=["precreate"],
        hook={"path": "/bin/sed", "args": ["sed", "s/fluid/solid/"], "env": ["LC_ALL=C"]},
    )
    write(tmp_path, "b.json", when={"annotations": {"com": "^solid"}})
    found = applied(tmp_path)
    assert found["annotations"] == {"com.example": "solid-dynamics"}
    assert list(found["hooks"]) == ["prestart"]


@pytest.mark.parametrize("script", ["exit 3", "echo []", "echo '{}'", "true", 'echo \'{"process":{"args":[1]}}\''])
def test_a_precreate_hook_that_fails(tmp_path: Path, script: str) -> None:
    write(tmp_path, "a.json", stages=["precreate"], hook={"path": "/bin/sh", "args": ["sh", "-c", script]})
    with pytest.raises(ArgosyError, match="precreate hook /bin/sh"):
        applied(tmp_path)


def test_a_precreate_hook_that_says_too_much(tmp_path: Path) -> None:
    write(tmp_path, "a.json", stages=["precreate"], hook={"path": "/usr/bin/yes"})
    with pytest.raises(ArgosyError, match="wrote more than 16 MiB and was killed"):
        applied(tmp_path)
