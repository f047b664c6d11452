"""-v, --mount and --tmpfs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from argosy.errors import Unsupported
from argosy.spec import idmapping
from argosy.spec.mountflags import parse_image_volume, parse_rootfs, parse_volumes_from
from argosy.spec.options import BadOption, Mount
from argosy.spec.parse import parse_mount, parse_tmpfs, parse_volume

MAP = "uids=0-1000-1#1-2000-10;gids=0-1000-1"

GOOD: list[tuple[Callable[[str], Mount], str, Mount]] = [
    (parse_volume, "/a:/b", Mount("bind", "/a", "/b")),
    (parse_volume, "/a/../c:/b//./x/", Mount("bind", "/c", "/b/x")),
    (parse_volume, "./a:/b", Mount("bind", "/a", "/b")),
    (parse_volume, "/a:/b:ro,nosuid,rslave", Mount("bind", "/a", "/b", ("ro", "nosuid", "rslave"))),
    (parse_volume, "/a:/b:z,U", Mount("bind", "/a", "/b", relabel="shared", chown=True)),
    (parse_volume, "/a:/b:Z,rw", Mount("bind", "/a", "/b", ("rw",), relabel="private")),
    (parse_volume, "/a:/b:cached", Mount("bind", "/a", "/b")),
    (parse_volume, "/a\\:x:/b", Mount("bind", "/a:x", "/b")),
    (parse_volume, "data:/b", Mount("volume", "data", "/b")),
    (parse_volume, "data:/b:nocopy", Mount("volume", "data", "/b", copy_up=False)),
    (parse_volume, "/b", Mount("volume", "", "/b")),
    (parse_tmpfs, "/t", Mount("tmpfs", "", "/t")),
    (parse_tmpfs, "/t:size=5m,mode=1777,noexec", Mount("tmpfs", "", "/t", ("size=5m", "mode=1777", "noexec"))),
    (parse_tmpfs, "/t:notmpcopyup,size=10%", Mount("tmpfs", "", "/t", ("size=10%",), copy_up=False)),
    (parse_mount, "type=bind,src=/a,dst=/b", Mount("bind", "/a", "/b")),
    (parse_mount, "type=bind,source=/a,target=/b,readonly", Mount("bind", "/a", "/b", ("ro",))),
    (parse_mount, "type=bind,src=/a,dst=/b,ro=false", Mount("bind", "/a", "/b", ("rw",))),
    (
        parse_mount,
        "type=bind,src=/a,destination=/b,bind-propagation=rshared,bind-nonrecursive,relabel=private,U=true",
        Mount("bind", "/a", "/b", ("rshared", "bind"), relabel="private", chown=True),
    ),
    (parse_mount, 'type=bind,"src=/a,b",dst=/c', Mount("bind", "/a,b", "/c")),
    (parse_mount, "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700", Mount("tmpfs", "", "/t", ("size=1m", "mode=700"))),
    (parse_mount, "type=tmpfs,dst=/t,tmpcopyup=false", Mount("tmpfs", "", "/t", copy_up=False)),
    (parse_mount, "type=volume,src=v,dst=/b,volume-nocopy", Mount("volume", "v", "/b", copy_up=False)),
    (parse_mount, "src=v,dst=/b,consistency=cached", Mount("volume", "v", "/b")),
    (parse_mount, "type=volume,dst=/b", Mount("volume", "", "/b")),
    (parse_volume, "/a:/b:O", Mount("bind", "/a", "/b", overlay=True)),
    (parse_volume, "/a:/b:O,U", Mount("bind", "/a", "/b", overlay=True, chown=True)),
    (
        parse_volume,
        "./a:/b:O,upperdir=u,workdir=/w",
        Mount("bind", "/a", "/b", overlay=True, upper="/u", work="/w"),
    ),
    (parse_volume, "v:/b:O,ro", Mount("volume", "v", "/b", ("ro",), overlay=True)),
    (parse_volume, "/a:/b:copy", Mount("bind", "/a", "/b", copy_up=True)),
    (parse_volume, "/a:/b:idmap", Mount("bind", "/a", "/b", idmap="container")),
    (parse_volume, f"/a:/b:idmap={MAP}", Mount("bind", "/a", "/b", idmap=MAP)),
    (parse_tmpfs, "/t:U,rprivate", Mount("tmpfs", "", "/t", ("rprivate",), chown=True)),
    (parse_mount, "type=tmpfs,dst=/t,U,ro", Mount("tmpfs", "", "/t", ("ro",), chown=True)),
    (parse_mount, "type=bind,dst=/a", Mount("bind", "/a", "/a")),
    (parse_mount, "type=bind,src=/a,dst=/b,dst=/c", Mount("bind", "/a", "/c")),
    (parse_mount, "type=bind,src=/a,dst=/b,chown=1,Z", Mount("bind", "/a", "/b", relabel="private", chown=True)),
    (parse_mount, "type=bind,src=/a,dst=/b,rslave,rw=false", Mount("bind", "/a", "/b", ("rslave", "ro"))),
    (parse_mount, "type=bind,src=/a,dst=/b,bind-recursive=disabled", Mount("bind", "/a", "/b", ("bind",))),
    (parse_mount, f"type=bind,src=/a,dst=/b,idmap={MAP}", Mount("bind", "/a", "/b", idmap=MAP)),
    (parse_mount, "type=bind,src=/a,dst=/b,idmap=false", Mount("bind", "/a", "/b")),
    (parse_mount, "type=volume,src=v,dst=/b,volume-subpath=/x/y", Mount("volume", "v", "/b", subpath="x/y")),
    (parse_mount, "type=volume,src=v,dst=/b,volume-driver=local,noexec", Mount("volume", "v", "/b", ("noexec",))),
    (parse_mount, "type=image,src=box:1,dst=/b", Mount("image", "box:1", "/b")),
    (parse_mount, "type=image,src=box,dst=/b,rw=true,subpath=bin", Mount("image", "box", "/b", ("rw",), subpath="bin")),
    (parse_mount, "type=image,src=box,dst=/b,readwrite=false", Mount("image", "box", "/b", ("ro",))),
    (
        parse_mount,
        "type=devpts,dst=/p,uid=1,gid=2,mode=620,max=9",
        Mount("devpts", "", "/p", ("uid=1", "gid=2", "mode=620", "max=9")),
    ),
    (parse_mount, "type=ramfs,dst=/r,noexec", Mount("ramfs", "", "/r", ("noexec",))),
    (parse_mount, "type=glob,src=a/*.d,ro", Mount("glob", "/a/*.d", "", ("ro",))),
    (parse_mount, "type=glob,src=/a/*,dst=/b", Mount("glob", "/a/*", "/b")),
]


@pytest.mark.parametrize(("function", "text", "expected"), GOOD)
def test_good(function: Callable[[str], Mount], text: str, expected: Mount) -> None:
    assert function(text) == expected


def test_relative_sources_start_in_the_working_directory() -> None:
    assert parse_volume("./x:/b", "/home/me") == Mount("bind", "/home/me/x", "/b")
    assert parse_volume("../x:/b", "/home/me") == Mount("bind", "/home/x", "/b")
    assert parse_mount("type=bind,src=x,dst=/b", "/home/me") == Mount("bind", "/home/me/x", "/b")


BAD: list[tuple[Callable[[str], Mount], str, str]] = [
    (parse_volume, "a:b:c:d", "a:b:c:d: incorrect volume format, should be [host-dir:]ctr-dir[:option]"),
    (parse_volume, "rel:x", 'invalid container path "x", must be an absolute path'),
    (parse_volume, ":/x", "host directory cannot be empty"),
    (parse_volume, "/x:", "container directory cannot be empty"),
    (parse_volume, "", "container directory cannot be empty"),
    (parse_volume, "/x:/", "root of the container"),
    (parse_volume, "/x:/..", "root of the container"),
    (parse_volume, "/x:/b:bad", 'invalid option type "bad"'),
    (parse_volume, "/x:/b:ro,rw", "invalid options \"ro, rw\", can only specify 1 'rw' or 'ro' option"),
    (parse_volume, "/x:/b:z,Z", "invalid options \"z, Z\", can only specify 1 'z', 'Z', or 'O' option"),
    (parse_volume, "/x:/b:rshared,rslave", "can only specify 1 '[r]shared'"),
    (parse_volume, "/x:/b:bind,rbind", "can only specify 1 '[r]bind' option"),
    (parse_volume, "foo/bar:/b", 'creating named volume "foo/bar"'),
    (parse_volume, "-foo:/b", "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*"),
    (parse_tmpfs, "rel", 'invalid container path "rel", must be an absolute path'),
    (parse_tmpfs, "/", "root of the container"),
    (parse_tmpfs, "/x:foo", 'unknown mount option "foo": invalid mount option'),
    (parse_tmpfs, "/x:size=1x", 'unknown mount option "size=1x"'),
    (parse_tmpfs, "/x:size=", 'unknown mount option "size="'),
    (parse_tmpfs, "/x:mode=999", 'unknown mount option "mode=999"'),
    (parse_tmpfs, "/x:size=1m\0ro", "unknown mount option"),
    (parse_mount, "/x", "incorrect mount format"),
    (parse_mount, "type=foo,dst=/x", 'invalid filesystem type "foo"'),
    (parse_mount, "type=bind,src=/a", "must set volume destination"),
    (parse_mount, "type=bind,src=,dst=/a", "host directory cannot be empty: must provide an argument for option"),
    (parse_mount, "type=bind,src,dst=/a", "src: must provide an argument for option"),
    (parse_mount, "type=bind,src=/a,dst", "dst: must provide an argument for option"),
    (parse_mount, "type=bind,src=/a,dst=b", 'invalid container path "b", must be an absolute path'),
    (parse_mount, "type=bind,src=/a,dst=/", "root of the container"),
    (parse_mount, "type=bind,src=/a,dst=/b,ro,rw", "cannot pass 'readonly', 'ro', or 'rw' options more than once"),
    (parse_mount, "type=bind,src=/a,dst=/b,suid,nosuid", "cannot pass 'nosuid' and 'suid' options more than once"),
    (parse_mount, "type=bind,src=/a,dst=/b,z,relabel=shared", "cannot pass 'relabel' option more than once"),
    (parse_mount, "type=bind,src=/a,dst=/b,U=maybe", "'U' or 'chown' must be set to true or false, instead received"),
    (parse_mount, "type=bind,src=/a,dst=/b,bind-propagation", "bind-propagation: must provide an argument for option"),
    (parse_mount, "type=bind,src=/a,dst=/b,idmap=uids=0-1", 'invalid mapping specified "uids=0-1"'),
    (parse_mount, "type=tmpfs,dst=/t,tmpfs-size", "tmpfs-size: must provide an argument for option"),
    (parse_mount, "type=tmpfs,dst=/t,tmpcopyup,notmpcopyup", "'tmpcopyup' and 'notmpcopyup' options more than once"),
    (parse_mount, "type=tmpfs,dst=/t,bind-propagation=shared", "bind-propagation: invalid mount option"),
    (parse_mount, "type=image,src=box", "must set source and destination for image volume"),
    (parse_mount, "type=image,src=box,dst=/b,rw=maybe", 'invalid rw value "maybe": invalid mount option'),
    (parse_mount, "type=image,src=box,dst=/b,ro", "ro: invalid mount option"),
    (parse_mount, "type=devpts,dst=/p,src=/x", "src: invalid mount option"),
    (parse_mount, "type=devpts,dst=/p,mode=999", 'invalid mode value "999"'),
    (parse_mount, "type=devpts,dst=/p,uid", "uid: must provide an argument for option"),
    (parse_mount, "type=ramfs,dst=/r,U", "U: invalid mount option"),
    (parse_mount, "type=glob,dst=/b", "must set source with type=glob"),
    (parse_mount, "type=volume,src=v,dst=/b,volume-opt=x", "cannot parse driver opts: invalid mount option"),
    (parse_mount, "type=volume,src=/v,dst=/b", 'creating named volume "/v"'),
    (parse_volume, "/a:/b:O,ro", "can't use 'O' with other options"),
    (parse_volume, "/a:/b:O,z", "invalid options \"O, z\", can only specify 1 'z', 'Z', or 'O' option"),
    (parse_volume, "/a:/b:O,upperdir=/u", "must set both `upperdir` and `workdir`"),
    (parse_volume, "/a:/b:upperdir=/u", 'unknown mount option "upperdir=/u": invalid mount option'),
    (
        parse_volume,
        "v:/b:copy,nocopy",
        "invalid options \"copy, nocopy\", can only specify 1 'copy' or 'nocopy' option",
    ),
    (parse_volume, "/a:/b:idmap=x", 'invalid mapping specified "x"'),
    (parse_tmpfs, "/t:ro,rw", "only one of 'rw' and 'ro' can be used: duplicate mount option passed"),
    (parse_tmpfs, "/t:bind", "the 'bind' and 'rbind' options are not allowed with tmpfs mounts"),
    (parse_mount, "type=bind,src=/a,dst=/b,foo", "foo: invalid mount option"),
    (parse_mount, "type=bind,src=/a,dst=/b,foo=bar", "foo: invalid mount option"),
    (parse_mount, "type=bind,src=/a,dst=/b,ro=maybe", 'instead received "maybe"'),
    (parse_mount, "type=bind,src=/a,dst=/b,bind-propagation=up", 'invalid option type "up"'),
    (parse_mount, "type=bind,src=/a,dst=/b,relabel=x", "relabel mount option must be 'private' or 'shared'"),
    (parse_mount, "type=tmpfs,src=/a,dst=/b", "source is not supported with tmpfs mounts"),
    (parse_mount, "type=volume,src=v,dst=/b,tmpfs-size=1", "tmpfs-size: invalid mount option"),
    (parse_mount, 'type=bind,"src=/a', "parse error"),
]


@pytest.mark.parametrize(("function", "text", "words"), BAD)
def test_bad(function: Callable[[str], Mount], text: str, words: str) -> None:
    with pytest.raises(BadOption) as caught:
        function(text)
    assert words in str(caught.value)


def test_how_a_volume_is_to_be_made() -> None:
    given = "type=volume,src=v,dst=/b,volume-driver=local,volume-opt=type=tmpfs,volume-opt=o=size=1m,volume-label=a=b"
    mount = parse_mount(given)
    assert (mount.volume_options, mount.volume_labels) == (("type=tmpfs", "o=size=1m"), ("a=b",))
    with pytest.raises(Unsupported, match='driver "other"'):
        parse_mount("type=volume,src=v,dst=/b,volume-driver=other")


@pytest.mark.parametrize(
    ("text", "found"),
    [("web", ("web", ())), ("web:ro", ("web", ("ro",))), ("web:z,rw", ("web", ("z", "rw"))), ("web:", ("web", ()))],
)
def test_volumes_from(text: str, found: tuple[str, tuple[str, ...]]) -> None:
    assert parse_volumes_from(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("web:Z", 'invalid option "Z" specified - volumes from another container can only use z,ro,rw options'),
        ("web:ro,rw", "cannot set ro or rw options more than once"),
        ("web:z,z", "cannot set :z more than once"),
    ],
)
def test_bad_volumes_from(text: str, words: str) -> None:
    with pytest.raises(BadOption, match=words):
        parse_volumes_from(text)


def test_image_volume() -> None:
    given = ("bind", "anonymous", "tmpfs", "ignore")
    assert [parse_image_volume(text) for text in given] == ["anonymous", "anonymous", "tmpfs", "ignore"]
    with pytest.raises(BadOption, match='invalid image volume mode "nil" required value: bind, tmpfs, ignore'):
        parse_image_volume("nil")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/r", ("/r", "")),
        ("r/../s", ("/home/s", "")),
        ("/r:O", ("/r", "O")),
        ("/r:idmap", ("/r", "idmap")),
        (f"/r:idmap={MAP}", ("/r", f"idmap={MAP}")),
        ("/r:other", ("/r:other", "")),
    ],
)
def test_rootfs(text: str, found: tuple[str, str]) -> None:
    assert parse_rootfs(text, "/home") == found


def test_id_maps() -> None:
    assert idmapping.parse(MAP) == {
        "uids": ((0, 1000, 1), (1, 2000, 10)),
        "gids": ((0, 1000, 1),),
    }


@pytest.mark.parametrize(
    "text", ["", "uids=0-1-1", "uids=0-1-1;uids=0-1-1", "uids=0-1-0;gids=0-1-1", "uids=0-4294967295-1;gids=0-1-1"]
)
def test_bad_id_maps(text: str) -> None:
    with pytest.raises(BadOption, match="invalid mapping specified"):
        idmapping.parse(text)
