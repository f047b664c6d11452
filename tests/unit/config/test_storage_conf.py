"""storage.conf: what of it is ours, and where podman's store is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.config.storage import StorageConf, load, options
from argosy.config.storageopts import StorageOptions
from argosy.errors import ArgosyError, Invalid


def loaded(tmp_path: Path, text: str | None = None, *, rootless: bool = False, **environ: str) -> StorageConf:
    if text is not None:
        (tmp_path / "storage.conf").write_text(text)
        environ["CONTAINERS_STORAGE_CONF"] = f"{tmp_path}/storage.conf"
    return load({"HOME": "/home/me", **environ}, uid=1000, rootless=rootless)


def test_fields(tmp_path: Path) -> None:
    conf = loaded(
        tmp_path,
        '[storage]\ndriver="overlay"\ngraphroot="/g"\nrunroot="/r"\ndriver_priority=["vfs"]\ntransient_store=true\n'
        '[storage.options]\nadditionalimagestores=["/a", "$HOME/b/"]\ndisable-volatile=true\nunknown=1\n'
        '[storage.options.overlay]\nmount_program="/bin/sh"\nmountopt="nodev, metacopy=on,nosuid"\n'
        'ignore_chown_errors="true"\nskip_mount_home="true"\n[storage.options.btrfs]\nmin_space="1"\n',
    )
    assert conf.replace(options=()) == StorageConf(
        path=f"{tmp_path}/storage.conf",
        driver="overlay",
        driver_priority=("vfs",),
        graphroot="/g",
        runroot="/r",
        root="/g/argosy",
        run="/r/argosy",
        transient_store=True,
    )
    assert options({}, None, conf) == StorageOptions(
        image_stores=("/a", "/home/me/b"),
        mount_options=("fsync=1", "nodev", "nosuid"),
        mount_program="/bin/sh",
        ignore_chown_errors=True,
    )


def test_the_places_of_distributions_files_are_no_other_places(tmp_path: Path) -> None:
    conf = loaded(tmp_path, '[storage]\ngraphroot="/var/lib/containers/storage"\nrunroot="/run/containers/storage"\n')
    assert (conf.root, conf.run) == ("", "")


@pytest.mark.parametrize(
    ("text", "drivers"),
    [
        ("", ()),
        ('[storage]\ndriver="vfs"\ndriver_priority=["overlay"]\n', ("vfs",)),
        ('[storage]\ndriver="overlay"\n', ("overlay", "fuse_overlay")),
        ('[storage]\ndriver_priority=["vfs","overlay"]\n', ("vfs", "overlay", "fuse_overlay")),
    ],
)
def test_the_drivers_of_a_new_store(tmp_path: Path, text: str, drivers: tuple[str, ...]) -> None:
    assert loaded(tmp_path, text).drivers == drivers


def test_whose_ids_and_how_many_auto_takes(tmp_path: Path) -> None:
    found = [
        (conf.auto_userns_user, conf.auto_userns_min_size, conf.auto_userns_max_size)
        for conf in (
            loaded(tmp_path),
            loaded(
                tmp_path,
                '[storage.options]\nroot-auto-userns-user="me"\nauto-userns-min-size=5\nauto-userns-max-size=6\n',
            ),
            loaded(tmp_path, "[storage.options]\nauto-userns-max-size=0\n"),
        )
    ]
    assert found == [("containers", 1024, 65536), ("me", 5, 6), ("containers", 1024, 65536)]


def test_rootless_places(tmp_path: Path) -> None:
    conf = loaded(tmp_path, "", rootless=True, XDG_RUNTIME_DIR="/run/user/1000")
    assert (conf.graphroot, conf.runroot) == ("/home/me/.local/share/containers/storage", "/run/user/1000/containers")
    assert (conf.root, conf.run) == ("", "")
    text = '[storage]\nrootless_storage_path="$HOME/$UID/$USER/s"\n'
    conf = loaded(tmp_path, text, rootless=True, USER="me")
    assert (conf.graphroot, conf.root) == ("/home/me/1000/me/s", "/home/me/1000/me/s/argosy")
    # as podman has it, graphroot of a file of the user's own comes before
    conf = loaded(tmp_path, text + 'graphroot="$HOME/g"\nrunroot="/r/$UID"\n', rootless=True)
    assert (conf.root, conf.run) == ("/home/me/g/argosy", "/r/1000/argosy")


def test_the_parsed_file_is_kept_until_it_or_the_user_changes(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "argosy").mkdir(parents=True, mode=0o700)
    run.chmod(0o700)
    file = tmp_path / "storage.conf"
    environ = {"HOME": "/home/me", "XDG_RUNTIME_DIR": str(run), "CONTAINERS_STORAGE_CONF": str(file)}
    file.write_text('[storage]\ngraphroot="$HOME/g"\n')
    os.utime(file, (1, 1))
    conf = load(environ, uid=1000, rootless=True)
    kept = run / "argosy/cache/storage.conf.json"
    assert kept.exists()
    assert load(environ, uid=1000, rootless=True) == conf
    assert load({**environ, "HOME": "/home/you"}, uid=1000, rootless=True).root == "/home/you/g/argosy"
    file.write_text('[storage]\ngraphroot="/other"\n')
    assert load(environ, uid=1000, rootless=True).root == "/other/argosy"


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
        ('[storage]\ngraphroot="rel"\n', "storage.graphroot must be an absolute path, not 'rel' (at line 2)"),
        ('[storage]\ndriver_priority=["x"]\n', 'invalid storage driver "x"'),
        ('[storage.options]\nauto-userns-min-size="1"\n', "auto-userns-min-size must be a number of ids, not '1'"),
        ("[storage.options]\nauto-userns-max-size=-1\n", "auto-userns-max-size must be a number of ids, not -1"),
        ("[storage]\ntransient_store=1\n", "storage.transient_store must be true or false, not 1 (at line 2)"),
    ],
)
def test_damage(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        loaded(tmp_path, text)
    assert words in str(caught.value) + caught.value.hint
    assert "storage.conf" in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[storage.options]\nsize="1g"\n', "(at line 2) is not supported with size: containers have no disk quota"),
        ('[storage.options.overlay]\nforce_mask="shared"\n', "(at line 2) is not supported with force_mask"),
        ('[storage.options.overlay]\n\nmountopt="index=on"\n', "(at line 3) is not supported with mountopt=index=on"),
        ('[storage.options]\nadditionalimagestores=["a"]\n', 'image path "a" is not absolute'),
        ('[storage.options]\nadditionallayerstores=["/a"]\n', "is not supported with additionallayerstore"),
    ],
)
def test_options_that_cannot_be_name_the_file_and_the_line(tmp_path: Path, text: str, words: str) -> None:
    conf = loaded(tmp_path, text)  # with --root they do not count
    with pytest.raises(ArgosyError) as caught:
        options({}, None, conf)
    assert words in str(caught.value)
    assert f"{tmp_path}/storage.conf" in str(caught.value)
    assert options({}, ("",), conf) == StorageOptions()
    assert options({"STORAGE_OPTS": "overlay.mountopt=nodev"}, None, conf).mount_options == ("nodev",)
