"""`.dockerignore`, case by case as moby's patternmatcher decides."""

from __future__ import annotations

import pytest

from argosy.build.dockerfile.ignore import Ignore, read
from argosy.errors import Invalid


@pytest.mark.parametrize(
    ("pattern", "path", "ignored"),
    [
        ("**", "file", True),
        ("**", "file/", True),
        ("**/", "file", True),
        ("**", "/", True),
        ("**", "dir/file", True),
        ("**/", "dir/file", True),
        ("**/**", "dir/file", True),
        ("dir/**", "dir/file", True),
        ("dir/**", "dir/dir2/file", True),
        ("dir/**", "dirs/file", False),
        ("**/dir", "dir", True),
        ("**/dir", "dir/file", True),
        ("**/dir2/*", "dir/dir2/file", True),
        ("**/dir2/*", "dir/dir2/dir2/file", True),
        ("**/dir2/**", "dir/dir2/dir2/file", True),
        ("**file", "file", True),
        ("**file", "dir/file", True),
        ("**/file", "dir/file", True),
        ("**file", "dir/dir/file", True),
        ("**/file", "dir/dir/file", True),
        ("**/file*", "dir/dir/file", True),
        ("**/file*", "dir/dir/file.txt", True),
        ("**/file*txt", "dir/dir/file.txt", True),
        ("**/file*.txt", "dir/dir/file.txt", True),
        ("**/file*.txt*", "dir/dir/file.txt", True),
        ("**/**/*.txt", "dir/dir/file.txt", True),
        ("**/**/*.txt2", "dir/dir/file.txt", False),
        ("**/*.txt", "file.txt", True),
        ("**/**/*.txt", "file.txt", True),
        ("a**/*.txt", "a/file.txt", True),
        ("a**/*.txt", "a/dir/file.txt", True),
        ("a**/*.txt", "a/dir/dir/file.txt", True),
        ("a/*.txt", "a/dir/file.txt", False),
        ("a/*.txt", "a/file.txt", True),
        ("a/*.txt**", "a/file.txt", True),
        ("a[b-d]e", "ae", False),
        ("a[b-d]e", "ace", True),
        ("a[b-d]e", "aae", False),
        ("a[^b-d]e", "aze", True),
        ("a[^b-d]e", "ace", False),
        (".*", ".foo", True),
        (".*", "foo", False),
        ("abc.def", "abcdef", False),
        ("abc.def", "abc.def", True),
        ("abc.def", "abcZdef", False),
        ("abc?def", "abcZdef", True),
        ("abc?def", "abcdef", False),
        ("a\\\\", "a\\", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("**/foo/bar", "foo/bar", True),
        ("**/foo/bar", "dir/foo/bar", True),
        ("**/foo/bar", "dir/dir2/foo/bar", True),
        ("abc/**", "abc", False),
        ("abc/**", "abc/def", True),
        ("abc/**", "abc/def/ghi", True),
        ("**/.foo", ".foo", True),
        ("**/.foo", "bar.foo", False),
        ("a(b)c/def", "a(b)c/def", True),
        ("a(b)c/def", "a(b)c/xyz", False),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", True),
        (
            "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
            "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
            True,
        ),
        ("dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", True),
        ("*", "a", True),
        ("*", "a/b", True),
        ("*/b", "b", False),
        ("*/b", "a/b", True),
        ("a", "a/b/c", True),
        ("a", "ab", False),
        ("a/b", "a", False),
        ("/a", "a", True),
        ("./a", "a", True),
        ("a/", "a", True),
        ("a//b", "a/b", True),
        ("a/../b", "b", True),
        ("../b", "b", False),
        (" a ", "a", True),
        ("A", "a", False),
        ("a b", "a b", True),
        ("*.c++/*", "x.c++/y", True),
        ("[a\\]]", "]", True),
        ("[-a]", "a", None),
        ("a\n*", "a", True),
    ],
)
def test_one_pattern(pattern: str, path: str, ignored: bool | None) -> None:
    if ignored is None:
        with pytest.raises(Invalid):
            Ignore([pattern])
        return
    patterns = read(pattern.encode())
    assert Ignore(patterns).ignores(path.strip("/") or "/") == ignored


@pytest.mark.parametrize(
    ("patterns", "path", "ignored"),
    [
        (["**", "!util/docker/web"], "util/docker/web/foo", False),
        (["**", "!util/docker/web", "util/docker/web/foo"], "util/docker/web/foo", True),
        (["**", "!dist/proxy.py", "!bin/entrypoint.sh"], "dist/proxy.py", False),
        (["**", "!dist/*.whl", "!bin/entrypoint.sh"], "dist/a.whl", False),
        (["*.md", "!README.md"], "README.md", False),
        (["*.md", "!README.md"], "other.md", True),
        (["*.md", "!README*.md", "README-secret.md"], "README-secret.md", True),
        (["*.md", "README-secret.md", "!README*.md"], "README-secret.md", False),
        (["!a", "a"], "a", True),
        (["a", "!a/b"], "a/c", True),
        (["a", "!a/b"], "a/b/c", False),
        (["a", "!a/b", "a/b/c"], "a/b/d", False),
        (["a", "! a/b"], "a/b", False),
        (["docs", "!docs/README.md"], "docs/x/README.md", True),
        (["*", "!Dockerfile"], "Dockerfile", False),
        (["**/*.go", "!**/*_test.go"], "a/b_test.go", False),
        (["**/*.go", "!**/*_test.go"], "a/b.go", True),
        ([], "a", False),
    ],
)
def test_order_and_exceptions(patterns: list[str], path: str, ignored: bool) -> None:
    assert Ignore(read("\n".join(patterns).encode())).ignores(path) == ignored


@pytest.mark.parametrize("pattern", ["!", "[", "[]", "a[", "a\\", "[a-", "[b-a]", "[]a]x["])
def test_broken_patterns(pattern: str) -> None:
    with pytest.raises(Invalid, match="ignore pattern"):
        Ignore([pattern])


def test_the_file() -> None:
    data = b"\xef\xbb\xbf# comment\n/test1\n/test2\n/a/file/here\n\nlastfile\n"
    data += b"# this is a comment\n! /inverted/abs/path\n!\n! \n #x\r\na/./b/\n/\n"
    assert read(data) == [
        "test1", "test2", "a/file/here", "lastfile", "!inverted/abs/path", "!", "!", "#x", "a/b", "/",
    ]  # fmt: skip


def test_exceptions_are_known() -> None:
    assert Ignore(["a", "!a/b"]).has_exceptions
    assert not Ignore(["a"]).has_exceptions
