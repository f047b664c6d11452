"""The command line and the bundle of the chroot runtime."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.runtime import chroot

PROCESS = {
    "args": ["tool"],
    "env": ["A=b"],
    "cwd": "/",
    "user": {"uid": 1, "gid": 2, "additionalGids": [3], "umask": 0o27},
    "capabilities": {"bounding": ["CAP_CHOWN", "CAP_KILL"]},
    "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 5, "hard": (1 << 64) - 1}],
    "noNewPrivileges": True,
    "oomScoreAdj": 10,
}


def test_a_command_line() -> None:
    words = "--root /run/r --log /dev/null create --bundle /b --pid-file p --no-pivot --console-socket s ID"
    call = chroot.parse(words.split())
    assert (call.command, call.operands) == ("create", ("ID",))
    assert (call.get("--bundle"), call.get("--console-socket"), call.get("--process")) == ("/b", "s", "")


@pytest.mark.parametrize(
    "words", ["", "create ID", "--root /r create", "--root /r checkpoint ID", "--root /r kill -x ID"]
)
def test_a_command_line_that_is_not_understood(words: str) -> None:
    with pytest.raises(ArgosyError):
        chroot.parse(words.split())


def test_a_process() -> None:
    entry = chroot.entry(PROCESS, "/tree")
    assert (entry.root, entry.args, entry.uid, entry.gid, entry.groups) == ("/tree", ("tool",), 1, 2, (3,))
    assert (entry.capabilities, entry.umask, entry.oom_score_adj) == ((0, 5), 0o27, 10)
    assert entry.rlimits == ((resource.RLIMIT_NOFILE, 5, -1),)
    assert entry.no_new_privileges


@pytest.mark.parametrize(
    "more",
    [
        {"mounts": [{"destination": "/x"}]},
        {"linux": {"namespaces": [{"type": "pid"}]}},
        {"linux": {"maskedPaths": ["/proc/kcore"]}},
    ],
)
def test_a_bundle_that_asks_for_more_is_refused(
    tmp_path: Path, more: dict[str, object], capfd: pytest.CaptureFixture[str]
) -> None:
    config = {"process": PROCESS, "root": {"path": str(tmp_path)}, **more}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert chroot.main(["--root", f"{tmp_path}/r", "create", "--bundle", str(tmp_path), "ID"]) == 1
    assert capfd.readouterr().err
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("name", ["..", ".", "a/b"])
def test_a_container_is_called_by_a_name(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert chroot.main(["--root", str(tmp_path), "delete", "--force", name]) == 1
    assert "is no name of a container" in capfd.readouterr().err
