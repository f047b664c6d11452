"""storage.conf: what of it is ours, and where podman's store is."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.config.storage import StorageConf, load, wanted_driver
from argosy.errors import Invalid


def loaded(tmp_path: Path, text: str | None = None, *, rootless: bool = False, **environ: str) -> StorageConf:
    if text is not None:
        (tmp_path / "storage.conf").write_text(text)
        environ["CONTAINERS_STORAGE_CONF"] = f"{tmp_path}/storage.conf"
    return load({"HOME": "/home/me", **environ}, uid=1000, rootless=rootless)


def test_fields(tmp_path: Path) -> None:
    conf = loaded(
        tmp_path,
        '[storage]\ndriver="overlay"\ngraphroot="/g"\nrunroot="/r"\n'
        '[storage.options]\nadditionalimagestores=["/a"]\n'
        '[storage.options.overlay]\nmount_program="/usr/bin/fuse-overlayfs"\nmountopt="nodev, fsync=0"\n'
        'ignore_chown_errors="true"\n',
    )
    assert conf == StorageConf(
        path=f"{tmp_path}/storage.conf",
        driver="overlay",
        mount_program="/usr/bin/fuse-overlayfs",
        mount_options=("nodev", "fsync=0"),
        ignore_chown_errors=True,
        graphroot="/g",
        runroot="/r",
        additional_image_stores=("/a",),
    )


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ('[storage]\ndriver="vfs"\n', "vfs"),
        ('[storage]\ndriver="overlay"\n', ""),
        ('[storage.options.overlay]\nmount_program="/usr/bin/fuse-overlayfs"\n', "fuse_overlay"),
    ],
)
def test_the_driver_of_a_new_store(tmp_path: Path, text: str, driver: str) -> None:
    (tmp_path / "storage.conf").write_text(text)
    environ = {"HOME": "/home/me", "CONTAINERS_STORAGE_CONF": f"{tmp_path}/storage.conf"}
    assert wanted_driver(environ, uid=0, rootless=False) == driver


def test_rootless_places(tmp_path: Path) -> None:
    text = '[storage]\ngraphroot="/system"\nrunroot="/system"\n'
    conf = loaded(tmp_path, text, rootless=True, XDG_RUNTIME_DIR="/run/user/1000")
    assert (conf.graphroot, conf.runroot) == ("/home/me/.local/share/containers/storage", "/run/user/1000/containers")
    conf = loaded(tmp_path, '[storage]\nrootless_storage_path="$HOME/$UID/s"\n', rootless=True)
    assert conf.graphroot == "/home/me/1000/s"


def test_the_environment_wins(tmp_path: Path) -> None:
    assert loaded(tmp_path, '[storage]\ndriver="overlay"\n', STORAGE_DRIVER="vfs").driver == "vfs"
    with pytest.raises(Invalid, match="CONTAINERS_STORAGE_CONF"):
        loaded(tmp_path, CONTAINERS_STORAGE_CONF="/nonexistent")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[storage]\ndriver="btrfs"\n', 'invalid storage driver "btrfs"'),
        ('\n[storage]\ndriver="btrfs"\n', "storage.conf (at line 3), or leave it out"),
        ("[storage]\noptions=1\n", "storage.options must be a table (at line 2)"),
        ("[storage.options]\n\noverlay=1\n", "storage.options.overlay must be a table (at line 3)"),
        ("[storage]\ndriver=1\n", "storage.driver must be a string, not 1 (at line 2)"),
        (
            "[storage.options.overlay]\n\nmountopt=1\n",
            "storage.options.overlay.mountopt must be a string, not 1 (at line 3)",
        ),
        ('[storage]\ngraphroot="/a\\u0000"\n', "storage.graphroot must not hold a NUL byte"),
        ("storage=1\n", "storage must be a table"),
        ("[storage.options]\nadditionalimagestores='x'\n", "additionalimagestores must be an array"),
        ("[storage\n", "line 1"),
    ],
)
def test_damage(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        loaded(tmp_path, text)
    assert words in str(caught.value) + caught.value.hint
    assert "storage.conf" in str(caught.value) + caught.value.hint
