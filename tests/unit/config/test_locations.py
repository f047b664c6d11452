"""Where the store and the run directory are, and whom they must belong to."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from argosy.config import locations
from argosy.config.locations import Locations, resolve
from argosy.errors import ArgosyError, Invalid

UID = os.geteuid()


def place(tmp_path: Path, root: str = "", run: str = "", *, rootless: bool = True, **environ: str) -> Locations:
    return resolve(root, run, uid=UID, rootless=rootless, environ={"HOME": str(tmp_path), **environ})


def private(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True)
    return path


@pytest.mark.skipif(UID != 0 and os.path.exists("/var/lib/argosy"), reason="root has a store here")
def test_the_systems_places(tmp_path: Path) -> None:
    found = place(tmp_path, rootless=False)
    assert found.root == "/var/lib/argosy"
    assert found.run == (found.recorded or "/run/argosy")  # a store that is there has the word


def test_a_users_places(tmp_path: Path) -> None:
    run = private(tmp_path / "run")
    found = place(tmp_path, XDG_RUNTIME_DIR=str(run))
    assert found == Locations(f"{tmp_path}/.local/share/argosy", f"{run}/argosy")
    found = place(tmp_path, XDG_RUNTIME_DIR=str(run), XDG_DATA_HOME=f"{tmp_path}/data")
    assert found.root == f"{tmp_path}/data/argosy"


def test_relative_places_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert place(tmp_path, "a", "b") == Locations(f"{tmp_path}/a", f"{tmp_path}/b")


def test_the_recorded_run_directory_wins(tmp_path: Path) -> None:
    root, run, other = (private(tmp_path / name) for name in ("root", "run", "other"))
    (root / "store.json").write_text(json.dumps({"run": str(run)}))
    assert place(tmp_path, str(root), XDG_RUNTIME_DIR=str(other)).run == str(run)
    run.rmdir()
    assert place(tmp_path, str(root), XDG_RUNTIME_DIR=str(other)).run == str(run)
    assert place(tmp_path, str(root), str(other)) == Locations(str(root), str(other), str(run))


def test_a_recorded_directory_that_went_with_the_session(tmp_path: Path) -> None:
    root, other = private(tmp_path / "root"), private(tmp_path / "other")
    gone = tmp_path / "gone"
    gone.write_text("here was a directory")
    (root / "store.json").write_text(json.dumps({"run": f"{gone}/argosy"}))
    found = place(tmp_path, str(root), XDG_RUNTIME_DIR=str(other))
    assert found.run.startswith(f"{other}/argosy/stores/")
    assert found.recorded == f"{gone}/argosy"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run": 5}', '{"run": "relative"}', '{"run": ""}'])
def test_a_damaged_store_file_is_somebody_elses_to_report(tmp_path: Path, text: str) -> None:
    root, other = private(tmp_path / "root"), private(tmp_path / "other")
    (root / "store.json").write_text(text)
    assert place(tmp_path, str(root), XDG_RUNTIME_DIR=str(other)).recorded == ""


def test_each_store_has_a_run_directory_of_its_own(tmp_path: Path) -> None:
    run = private(tmp_path / "run")
    runs = {place(tmp_path, root, XDG_RUNTIME_DIR=str(run)).run for root in ("", f"{tmp_path}/a", f"{tmp_path}/b")}
    assert len(runs) == 3
    assert place(tmp_path, f"{tmp_path}/.local/share/argosy", XDG_RUNTIME_DIR=str(run)).run == f"{run}/argosy"


def test_without_a_runtime_directory_one_in_tmp_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = tmp_path / "argosy-run"
    assert locations._private_directory(str(wanted)) == str(wanted)
    assert wanted.stat().st_mode & 0o777 == 0o700
    assert locations._private_directory(str(wanted)) == str(wanted)


@pytest.mark.parametrize("trap", ["open to others", "readable", "link", "file"])
def test_a_directory_in_tmp_that_somebody_else_made(tmp_path: Path, trap: str) -> None:
    wanted = tmp_path / "argosy-run"
    if trap == "link":
        wanted.symlink_to(private(tmp_path / "elsewhere"))
    elif trap == "file":
        wanted.write_text("")
    else:
        wanted.mkdir()
        wanted.chmod(0o777 if trap == "open to others" else 0o755)
    with pytest.raises(Invalid, match="run directory"):
        locations._private_directory(str(wanted))


@pytest.mark.skipif(UID != 0, reason="giving a directory away needs root")
def test_somebody_elses_directories_are_refused(tmp_path: Path) -> None:
    theirs = private(tmp_path / "theirs")
    os.chown(theirs, 12345, 12345)
    with pytest.raises(Invalid, match="belongs to uid 12345"):
        place(tmp_path, str(theirs), f"{tmp_path}/run")
    with pytest.raises(Invalid, match="belongs to uid 12345"):
        place(tmp_path, f"{tmp_path}/root", str(theirs))
    with pytest.raises(Invalid, match="run directory"):
        locations._private_directory(str(theirs))
    assert not locations._is_ours(str(theirs))


@pytest.mark.skipif(UID != 0, reason="giving a link away needs root")
@pytest.mark.parametrize("target", ["precious", "missing"])
def test_somebody_elses_links_to_our_directories_are_refused(tmp_path: Path, target: str) -> None:
    private(tmp_path / "precious")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / target)
    os.chown(link, 12345, 12345, follow_symlinks=False)
    for root, run in ((str(link), f"{tmp_path}/run"), (f"{tmp_path}/root", str(link))):
        with pytest.raises(Invalid, match="a link that somebody else made"):
            place(tmp_path, root, run)
    assert not locations._usable(str(link))
    assert not locations._usable(f"{link}/stores/0123")


@pytest.mark.skipif(UID != 0, reason="giving a directory away needs root")
def test_no_recorded_directory_is_made_below_somebody_elses(tmp_path: Path) -> None:
    theirs = private(tmp_path / "theirs")
    os.chown(theirs, 12345, 12345)
    assert not locations._usable(f"{theirs}/stores/0123")
    assert locations._usable(f"{tmp_path}/stores/0123")


def test_directories_that_others_may_write_are_refused(tmp_path: Path) -> None:
    loose = private(tmp_path / "loose")
    loose.chmod(0o777)
    with pytest.raises(Invalid) as caught:
        place(tmp_path, str(loose), f"{tmp_path}/run")
    assert "chmod go-w" in caught.value.hint
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(Invalid, match="not a directory"):
        place(tmp_path, str(file), f"{tmp_path}/run")
    with pytest.raises(ArgosyError, match="cannot use the directory"):
        place(tmp_path, f"{file}/x", f"{tmp_path}/run")


def test_home() -> None:
    assert locations.home_directory({"HOME": "/a/../b"}) == "/b"
    assert os.path.isabs(locations.home_directory({}))
    assert os.path.isabs(locations.home_directory({"HOME": "relative"}))
