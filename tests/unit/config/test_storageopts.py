"""Options of the storage driver, as --storage-opt and STORAGE_OPTS have them."""

from __future__ import annotations

import pytest

from argosy.config.storage import options
from argosy.config.storageopts import StorageOptions, parse, split
from argosy.errors import ArgosyError


def test_image_stores_by_each_of_podmans_names() -> None:
    for key in ("additionalimagestore", "imagestore", "overlay.imagestore", ".imagestore"):
        assert parse(split([f"{key}=/a,/b/"], "--storage-opt")).image_stores == ("/a", "/b")
    twice = split(["imagestore=/a", "imagestore=/b", "imagestore=/a"], "--storage-opt")
    assert parse(twice).image_stores == ("/a", "/b")


def test_mount_options() -> None:
    given = "overlay.mountopt=nodev,nosuid,noexec,noatime,fsync=0,volatile,index=off,rw"
    assert parse(split([given], "x")).mount_options == ("nodev", "nosuid", "noexec", "noatime", "volatile")


def test_words_give_the_same_again() -> None:
    texts = ("imagestore=/a", "overlay.mountopt=nodev,volatile", "ignore_chown_errors=true", "skip_mount_home=true")
    found = parse(split(texts, "x"))
    assert parse(split(found.words(), "x")) == found
    assert StorageOptions().words() == ()


def test_the_flag_comes_before_the_variable() -> None:
    environ = {"STORAGE_OPTS": "imagestore=/a,overlay.mountopt=nodev"}
    assert options(environ, None) == StorageOptions(image_stores=("/a",), mount_options=("nodev",))
    assert options(environ, ("imagestore=/b",)) == StorageOptions(image_stores=("/b",))
    assert options(environ, ("",)) == StorageOptions()
    assert options({}, None) == StorageOptions()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("nothing", "unable to parse key/value option: nothing"),
        ("overlay.frob=1", "overlay: Unknown option overlay.frob"),
        ("zfs.fsname=x", "overlay: Unknown option zfs.fsname"),
        ("imagestore=a", 'overlay: image path "a" is not absolute.  Can not be relative'),
        ("overlay.size=1g", "--storage-opt is not supported with overlay.size: containers have no disk quota"),
        (".inodes=5", "--storage-opt is not supported with .inodes"),
        ("overlay.force_mask=700", "--storage-opt is not supported with overlay.force_mask"),
        ("additionallayerstore=/x:ref", "--storage-opt is not supported with additionallayerstore"),
        ("overlay.mountopt=metacopy=on", "--storage-opt is not supported with overlay.mountopt=metacopy=on"),
        ("overlay.mountopt=nodev,frob", "overlay.mountopt: unknown mount option frob"),
        ("overlay.mount_program=/nope", 'overlay: can\'t stat program "/nope": stat /nope: no such file or directory'),
        ("overlay.ignore_chown_errors=maybe", 'strconv.ParseBool: parsing "maybe": invalid syntax'),
        ("overlay.skip_mount_home=", 'strconv.ParseBool: parsing "": invalid syntax'),
    ],
)
def test_what_cannot_be(option: str, words: str) -> None:
    with pytest.raises(ArgosyError) as caught:
        options({}, (option,))
    assert words in str(caught.value)
