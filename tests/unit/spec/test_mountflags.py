"""-v, --mount and --tmpfs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from argosy.errors import Unsupported
from argosy.spec.options import BadOption, Mount
from argosy.spec.parse import parse_mount, parse_tmpfs, parse_volume

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
    (parse_mount, "type=bind,dst=/a", "must set source directory"),
    (parse_mount, "type=bind,src=/a,source=/b,dst=/x", "cannot pass more than one of source, src"),
    (parse_mount, "type=bind,src=/a,dst=/b,foo", "foo: invalid mount option"),
    (parse_mount, "type=bind,src=/a,dst=/b,foo=bar", "foo: invalid mount option"),
    (parse_mount, "type=bind,src=/a,dst=/b,ro=maybe", '"maybe" is neither true nor false'),
    (parse_mount, "type=bind,src=/a,dst=/b,bind-propagation=up", '"up": invalid mount option'),
    (parse_mount, "type=bind,src=/a,dst=/b,relabel=x", '"x": invalid mount option'),
    (parse_mount, "type=tmpfs,src=/a,dst=/b", "source is not supported with tmpfs mounts"),
    (parse_mount, "type=volume,src=v,dst=/b,tmpfs-size=1", "tmpfs-size: invalid mount option"),
    (parse_mount, 'type=bind,"src=/a', "invalid mount"),
]


@pytest.mark.parametrize(("function", "text", "words"), BAD)
def test_bad(function: Callable[[str], Mount], text: str, words: str) -> None:
    with pytest.raises(BadOption) as caught:
        function(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (parse_volume, "/a:/b:O"),
        (parse_volume, "/a:/b:idmap"),
        (parse_mount, "type=image,src=x,dst=/b"),
        (parse_mount, "type=volume,src=v,dst=/b,volume-opt=x=y"),
        (parse_mount, "type=volume,src=v,dst=/b,subpath=a"),
    ],
)
def test_not_there_yet(function: Callable[[str], Mount], text: str) -> None:
    with pytest.raises(Unsupported):
        function(text)
