"""References: the grammar of the distribution project, docker.io's rules."""

from __future__ import annotations

import pytest

from argosy.errors import Invalid
from argosy.oci import reference
from argosy.oci.reference import Reference

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        (f"busybox@{DIGEST}", f"docker.io/library/busybox@{DIGEST}"),
        (f"busybox:1@{DIGEST}", f"docker.io/library/busybox:1@{DIGEST}"),
        ("user/app", "docker.io/user/app:latest"),
        ("docker.io/busybox", "docker.io/library/busybox:latest"),
        ("index.docker.io/busybox", "docker.io/library/busybox:latest"),
        ("docker.io/library/busybox", "docker.io/library/busybox:latest"),
        ("quay.io/a/b/c:t", "quay.io/a/b/c:t"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("host:5000/app:1", "host:5000/app:1"),
        ("127.0.0.1:5000/app", "127.0.0.1:5000/app:latest"),
        ("[::1]/app", "[::1]/app:latest"),
        ("[2001:db8::1]:5000/a/b:1", "[2001:db8::1]:5000/a/b:1"),
        ("Example.COM/app", "Example.COM/app:latest"),
        ("x.y/a.b-c__d---e/f1", "x.y/a.b-c__d---e/f1:latest"),
        ("host/a", "docker.io/host/a:latest"),
        ("x:" + "t" * 128, "docker.io/library/x:" + "t" * 128),
        ("x:_A.b-c", "docker.io/library/x:_A.b-c"),
        ("x.y/sha256/abc:1", "x.y/sha256/abc:1"),
    ],
)
def test_full_form(text: str, expected: str) -> None:
    parsed = reference.parse(text)
    assert str(parsed) == expected
    assert reference.parse(str(parsed)) == parsed


def test_parts() -> None:
    parsed = reference.parse(f"quay.io:443/a/b:t@{DIGEST}")
    assert parsed == Reference("quay.io:443", "a/b", "t", DIGEST)
    assert parsed.name == "quay.io:443/a/b"
    assert parsed.selector == DIGEST
    assert reference.parse("x").selector == "latest"


def test_other_defaults() -> None:
    assert str(reference.parse("app", default_registry="localhost")) == "localhost/app:latest"
    assert reference.parse("app", default_tag="") == Reference("docker.io", "library/app")
    assert reference.parse(f"app@{DIGEST}", default_tag="x").tag == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("Busybox", "repository name must be lowercase"),
        ("docker.io/Library/busybox", "repository name must be lowercase"),
        ("User/app", "repository name must be lowercase"),
        ("a//b", "empty"),
        ("/a", "empty"),
        ("a/", "empty"),
        ("quay.io/", "empty"),
        ("a:", "nothing follows the ':'"),
        ("a@", "nothing follows the '@'"),
        ("a:b:c", "a tag is"),
        ("a:.x", "a tag is"),
        ("a:-x", "a tag is"),
        ("a:" + "x" * 129, "a tag is"),
        ("a:x/y", "host name|repository name"),
        ("-a", "begins and ends with"),
        ("a-", "begins and ends with"),
        ("_tags", "begins and ends with"),
        ("x/_tags/y", "begins and ends with"),
        ("a..b", "separator"),
        ("a___b", "separator"),
        ("a_.b", "separator"),
        ("a-_b", "separator"),
        ("a b", "made of"),
        ("a\nb", "made of"),
        ("caf\u00e9", "made of"),
        ("a.b/../../etc", "begins and ends with"),
        ("../etc", "host name"),
        ("http://quay.io/a", "host name"),
        ("quay.io:0/a", "host name"),
        ("quay.io:65536/a", "host name"),
        ("quay.io:/a", "host name"),
        ("quay..io/a", "host name"),
        ("-quay.io/a", "host name"),
        ("[::g]/a", "host name"),
        ("[]:1/a", "host name"),
        ("a@sha256:abc", "64 hexadecimal digits"),
        ("a@md5:" + "0" * 32, "neither sha256 nor sha512"),
        (f"a@{DIGEST}@{DIGEST}", "hexadecimal"),
        ("ab" * 32, "image id"),
        ("x.y/" + "a" * 252, "more than 255"),
    ],
)
def test_what_is_no_reference(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        reference.parse(text)


@pytest.mark.parametrize(
    ("text", "short"),
    [("a", True), ("a/b:1", True), (f"a@{DIGEST}", True), ("a.b/c", False), ("localhost/a", False), ("a:5/b", False)],
)
def test_short_names(text: str, short: bool) -> None:
    assert reference.is_short(text) is short
