"""The rarer flags about a container's process, from text to values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from argosy.spec import processflags, words
from argosy.spec.options import BadOption


@pytest.mark.parametrize(
    ("reader", "given", "found"),
    [
        (processflags.parse_umask, "27", "27"),
        (processflags.parse_umask, "0022", "0022"),
        (processflags.parse_personality, "LINUX32", "LINUX32"),
        (processflags.parse_systemd, "Always", "always"),
        (processflags.parse_groups, ("5", "", "audio", "5"), ("5", "audio")),
        (processflags.parse_groups, ("keep-groups", "keep-groups"), ("keep-groups",)),
        (processflags.parse_attach, ("StdIn", "stdout"), frozenset(("stdin", "stdout"))),
        (processflags.parse_log_driver, "json-file", "json-file"),
        (processflags.parse_log_size, "10", 10),
        (processflags.parse_log_size, "10k", 10_000),
        (processflags.parse_log_size, "1.5MiB", 1_500_000),
        (processflags.parse_chroot_dirs, ("/a/", "//a/./", "/b"), ("/a", "/b")),
        (processflags.parse_label_file, b" k=v=w \n#c\n\n  key\r\nempty=\n", {"k": "v=w ", "key": "", "empty": ""}),
        (
            processflags.tag_parts,
            "a{{.Name}}-{{ .State.Pid }}",
            [("a", False), ("Name", True), ("-", False), ("State.Pid", True), ("", False)],
        ),
    ],
)
def test_what_is_read(reader: Callable[[Any], Any], given: Any, found: Any) -> None:
    assert reader(given) == found


@pytest.mark.parametrize(
    ("reader", "given", "message"),
    [
        (processflags.parse_umask, "9", "invalid umask string 9: invalid argument"),
        (processflags.parse_umask, "00222", "invalid umask string 00222: invalid argument"),
        (processflags.parse_umask, "", "invalid umask string : invalid argument"),
        (processflags.parse_personality, "FOO", "unknown persona specified `FOO`"),
        (
            processflags.parse_seccomp_policy,
            "foo",
            'invalid seccomp policy "foo": valid policies are ["default" "image"]',
        ),
        (processflags.parse_sdnotify, "foo", 'invalid sdnotify value "foo": must be container, conmon or ignore'),
        (processflags.parse_systemd, "foo", '--systemd values must be one of "true, false, always"'),
        (
            processflags.parse_groups,
            ("keep-groups", "wheel"),
            "the '--group-add keep-groups' option is not allowed with any other --group-add options",
        ),
        (processflags.parse_attach, ("foo",), 'invalid stream "foo" for --attach'),
        (processflags.parse_log_driver, "foo", "invalid log driver: invalid argument"),
        (processflags.parse_log_options, ("foo",), 'invalid log option "foo"'),
        (processflags.parse_log_options, ("foo=bar",), 'invalid log option "foo=bar"'),
        (processflags.parse_log_options, ("max-size=x",), "invalid size: 'x'"),
        (processflags.parse_log_options, ("max-size=",), "invalid size: ''"),
        (processflags.parse_log_options, ("path=/a/b:c",), 'invalid log option "path=/a/b:c"'),
        (processflags.parse_log_options, ("tag={{.Name",), 'invalid log option "tag={{.Name"'),
        (processflags.parse_log_options, ("tag={{len .Name}}",), "invalid log option"),
        (processflags.parse_env_merge, ("foo",), 'invalid --env-merge "foo"'),
        (processflags.parse_env_merge, ("=x",), 'invalid --env-merge "=x"'),
        (processflags.parse_label_file, b"=x", 'unable to process labels: invalid environment variable: "=x"'),
        (processflags.parse_label_file, b"a b=1", 'name "a b" has white spaces, poorly formatted name'),
        (processflags.parse_label_file, b"\xff", "unable to process labels: not UTF-8"),
        (processflags.parse_chroot_dirs, ("rel",), 'invalid --chrootdirs "rel"'),
        (processflags.parse_chroot_dirs, ("/a/../b",), 'invalid --chrootdirs "/a/../b"'),
        (processflags.parse_chroot_dirs, ("/",), 'invalid --chrootdirs "/"'),
    ],
)
def test_what_is_refused(reader: Callable[[Any], Any], given: Any, message: str) -> None:
    with pytest.raises(BadOption) as caught:
        reader(given)
    assert message in str(caught.value)
    assert caught.value.exit_code == 125


def test_log_path_is_made_absolute() -> None:
    found = processflags.parse_log_options(("path=a/b.log", "max-size=1m", "tag=t=u", "max-file=3"), "/here")
    assert found == {"path": "/here/a/b.log", "max-size": "1m", "tag": "t=u"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("linux/amd64", "arm64", None, None), "--platform option can not be specified with --arch or --os"),
        (("linux/amd64", None, "linux", None), "--platform option can not be specified with --arch or --os"),
        (("linux/arm/v7", None, None, "v6"), "--variant cannot be given when --platform names a variant"),
    ],
)
def test_platforms_that_conflict(given: tuple[str | None, ...], message: str) -> None:
    with pytest.raises(BadOption) as caught:
        processflags.check_platform(given[0], given[1], given[2], given[3])
    assert message in str(caught.value)


def test_platforms_that_do_not() -> None:
    processflags.check_platform("linux/arm", None, None, "v7")
    processflags.check_platform(None, "arm", "linux", "v7")


ENV = {"A": "a", "EMPTY": "", "LONG_1": "x"}


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("plain", "plain"),
        ("$A", "a"),
        ("${A}b$NOPE.", "ab."),
        ("$LONG_1-", "x-"),
        ("${EMPTY:-e}${NOPE:-n}${A:-z}", "ena"),
        ("${EMPTY:+e}${NOPE:+n}${A:+z}", "z"),
        ("${NOPE:-${EMPTY:-$A}}", "a"),
        (r"\$A\\", "$A\\"),
        ("'$A'\"$A b\"", "$Aa b"),
        ("$", "$"),
        ("$1", "$1"),
        ("a$ b", "a$ b"),
    ],
)
def test_words(word: str, found: str) -> None:
    assert words.expand(word, ENV) == found


@pytest.mark.parametrize(
    "word", ["${A", "${", "${}", "${A:?x}", "${A:-", "'a", '"a', "${A:-'", "${NOPE:-" * 200 + "}" * 200]
)
def test_words_that_do_not_end(word: str) -> None:
    with pytest.raises(BadOption, match="unable to process variables"):
        words.expand(word, ENV)
