"""The text of flags: what each value becomes, and podman's words for what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from argosy.errors import ArgosyError
from argosy.spec import parse
from argosy.spec.options import BadOption, Device, NamespaceMode, NetworkMode, RestartPolicy, SecurityOptions, Ulimit
from tests.unit.spec.requests import ODD_NUMBERS

GOOD: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = [
    (parse.parse_size, ("0",), 0),
    (parse.parse_size, ("100",), 100),
    (parse.parse_size, ("100b",), 100),
    (parse.parse_size, ("64k",), 64 << 10),
    (parse.parse_size, ("64KB",), 64 << 10),
    (parse.parse_size, ("64KiB",), 64 << 10),
    (parse.parse_size, ("1.5g",), 3 << 29),
    (parse.parse_size, ("2 T",), 2 << 40),
    (parse.parse_swap, ("-1",), -1),
    (parse.parse_cpus, ("1.5",), 1_500_000_000),
    (parse.parse_cpus, ("0",), 0),
    (parse.parse_pids_limit, ("-1",), 0),
    (parse.parse_pids_limit, ("0",), 0),
    (parse.parse_pids_limit, ("50",), 50),
    (parse.parse_ulimit, ("nofile=10",), Ulimit("nofile", 10, 10)),
    (parse.parse_ulimit, ("nofile=10:20",), Ulimit("nofile", 10, 20)),
    (parse.parse_ulimit, ("core=0:-1",), Ulimit("core", 0, -1)),
    (parse.parse_ulimit, ("memlock=-1:-1",), Ulimit("memlock", -1, -1)),
    (parse.parse_ulimit, ("host",), Ulimit("host")),
    (parse.parse_device, ("/dev/x",), Device("/dev/x", "/dev/x")),
    (parse.parse_device, ("/dev/x:r",), Device("/dev/x", "/dev/x", "r")),
    (parse.parse_device, ("/dev/x:/dev/y",), Device("/dev/x", "/dev/y")),
    (parse.parse_device, ("/dev/x:/dev/y:rw",), Device("/dev/x", "/dev/y", "rw")),
    (parse.parse_restart, ("",), RestartPolicy()),
    (parse.parse_restart, ("never",), RestartPolicy()),
    (parse.parse_restart, ("always",), RestartPolicy("always")),
    (parse.parse_restart, ("on-failure:3",), RestartPolicy("on-failure", 3)),
    (parse.parse_network, ([],), None),
    (parse.parse_network, (["host"],), NetworkMode("host")),
    (parse.parse_network, (["container:abc"],), NetworkMode("container", "abc")),
    (parse.parse_network, (["ns:/run/netns/x"],), NetworkMode("ns", "/run/netns/x")),
    (parse.parse_network, (["pasta:-t,8080"],), NetworkMode("pasta", options=("-t", "8080"))),
    (parse.parse_network, (["slirp4netns"],), NetworkMode("slirp4netns")),
    (parse.parse_network, (["private"],), NetworkMode()),
    (parse.parse_namespace, ("host", "pid"), NamespaceMode("host")),
    (parse.parse_namespace, ("none", "ipc"), NamespaceMode("none")),
    (parse.parse_namespace, ("container:x", "uts"), NamespaceMode("container", "x")),
    (parse.parse_capabilities, (["chown", "CAP_CHOWN", "all"],), ("CAP_CHOWN", "ALL")),
    (parse.parse_labels, (["a=b=c", "d"],), {"a": "b=c", "d": ""}),
    (parse.parse_annotations, (["a=b"],), {"a": "b"}),
    (parse.parse_security, ([],), SecurityOptions()),
    (parse.parse_security, (["seccomp:unconfined"],), SecurityOptions(seccomp="unconfined")),
    (parse.parse_security, (["seccomp=/a:b=c"],), SecurityOptions(seccomp="/a:b=c")),
    (parse.parse_security, (["no-new-privileges"],), SecurityOptions(no_new_privileges=True)),
    (parse.parse_security, (["no-new-privileges:false"],), SecurityOptions()),
    (parse.parse_security, (["mask=/a:/b", "unmask=all"],), SecurityOptions(mask=("/a", "/b"), unmask=("ALL",))),
    (parse.parse_security, (["systempaths=unconfined"],), SecurityOptions(unmask=("ALL",))),
    (parse.parse_security, (["label=disable", "label=type:x_t"],), SecurityOptions(label=("disable", "type:x_t"))),
    (parse.parse_security, (["proc-opts=hidepid=2,gid=5"],), SecurityOptions(proc_options=("hidepid=2", "gid=5"))),
]


@pytest.mark.parametrize(("function", "args", "expected"), GOOD)
def test_good(function: Callable[..., Any], args: tuple[Any, ...], expected: Any) -> None:
    assert function(*args) == expected


BAD: list[tuple[Callable[..., Any], tuple[Any, ...], str]] = [
    (parse.parse_size, ("5x", "memory"), "invalid value for memory: invalid size: '5x'"),
    (parse.parse_size, ("-1", "memory"), "invalid value for memory: invalid size: '-1'"),
    (parse.parse_size, ("", "shm-size"), "invalid value for shm-size: invalid size: ''"),
    (parse.parse_size, ("1.2.3",), "invalid size: '1.2.3'"),
    (parse.parse_size, ("9" * 5000,), "invalid size"),
    *((parse.parse_size, (text,), "invalid size") for text in (" 1", "1\n", "\u0663", "1_0", "9" * 5000 + ".0")),
    *((parse.parse_pids_limit, (text,), "strconv.ParseInt") for text in ODD_NUMBERS),
    *((parse.parse_ulimit, (f"nofile={text}",), "strconv.ParseInt") for text in ODD_NUMBERS),
    *((parse.parse_restart, (f"on-failure:{text}",), "parsing restart policy retry count") for text in ODD_NUMBERS),
    *((parse.parse_cpus, (text,), "--cpus") for text in (" 1", "1 ", "\u0663", "9" * 5000, "inf", "nan")),
    (parse.parse_size, ("9999999p",), "invalid size"),
    (parse.parse_size, ("1ib",), "invalid size"),
    (parse.parse_cpus, ("-1",), '"-1" for "--cpus" flag'),
    (parse.parse_cpus, ("nan",), '"nan" for "--cpus" flag'),
    (parse.parse_cpus, ("inf",), '"inf" for "--cpus" flag'),
    (parse.parse_cpus, ("0.001",), "--cpus"),
    (parse.parse_pids_limit, ("x",), '"x" for "--pids-limit" flag'),
    (parse.parse_pids_limit, ("-2",), "--pids-limit"),
    (parse.parse_env, (["=x"], {}), 'invalid environment variable: "=x"'),
    (parse.parse_labels, (["=x"],), 'unable to process labels: invalid label format: "=x"'),
    (parse.parse_annotations, (["foo"],), "annotations must be formatted KEY=VALUE"),
    (
        parse.parse_ulimit,
        ("foo=1",),
        'ulimit option "foo=1" requires name=SOFT:HARD, failed to be parsed: invalid ulimit type: foo',
    ),
    (parse.parse_ulimit, ("nofile",), "invalid ulimit argument: nofile"),
    (parse.parse_ulimit, ("nofile=10:5",), "ulimit soft limit must be less than or equal to hard limit: 10 > 5"),
    (parse.parse_ulimit, ("nofile=-1:5",), "hard limit: soft: -1 (unlimited), hard: 5"),
    (parse.parse_ulimit, ("nofile=-2",), "-1 (unlimited)"),
    (parse.parse_ulimit, ("nofile=x",), 'strconv.ParseInt: parsing "x": invalid syntax'),
    (parse.parse_device, ("/dev/null:/x:q",), "invalid device mode: q"),
    (parse.parse_device, ("/dev/null:rr",), "invalid device mode: rr"),
    (parse.parse_device, ("/dev/null:/x:",), "invalid device mode: "),
    (parse.parse_device, ("null",), "stat null: no such file or directory"),
    (parse.parse_device, ("/a:/b:r:w",), "invalid device specification"),
    (parse.parse_device, ("/dev/null:x:r",), "invalid device specification"),
    (parse.parse_restart, ("foo",), '"foo" is not a valid restart policy: invalid argument'),
    (
        parse.parse_restart,
        ("on-failure:x",),
        'parsing restart policy retry count: strconv.Atoi: parsing "x": invalid syntax',
    ),
    (parse.parse_restart, ("on-failure:-1",), 'parsing restart policy retry count: strconv.Atoi: parsing "-1"'),
    (parse.parse_restart, ("always:3",), "restart policy retries can only be specified with on-failure"),
    (parse.parse_network, (["none", "host"],), "cannot set multiple networks"),
    (parse.parse_network, (["container:"],), 'invalid network mode "container:"'),
    (parse.parse_namespace, ("foo", "pid"), "unrecognized namespace mode foo passed"),
    (parse.parse_namespace, ("none", "pid"), "unrecognized namespace mode none passed"),
    (parse.parse_namespace, ("ns:", "uts"), "namespace mode path requires a value"),
    (parse.parse_capabilities, (["foo"],), '"CAP_FOO": unknown capability'),
    (parse.parse_security, (["seccomp=unconfined", "foo"],), 'invalid --security-opt 2: "foo"'),
    (parse.parse_security, (["seccomp="],), 'invalid --security-opt 1: "seccomp="'),
    (parse.parse_security, (["mask=a"],), '"a" is not an absolute path'),
    (parse.parse_security, (["label=foo"],), 'invalid --security-opt label: "label=foo"'),
    (parse.parse_security, (["no-new-privileges=maybe"],), "invalid --security-opt 1"),
]


@pytest.mark.parametrize(("function", "args", "words"), BAD)
def test_bad(function: Callable[..., Any], args: tuple[Any, ...], words: str) -> None:
    with pytest.raises(BadOption) as caught:
        function(*args)
    assert words in str(caught.value)
    assert caught.value.exit_code == 125


def test_env_takes_values_from_the_environment() -> None:
    environ = {"A": "1", "AB": "2", "C": "3"}
    assert parse.parse_env(["X=y=z", "A*", "C", "NONE", "E=", ""], environ) == {
        "X": "y=z",
        "A": "1",
        "AB": "2",
        "C": "3",
        "E": "",
    }


def test_env_file() -> None:
    text = b'\xef\xbb\xbf# comment\n\n  A=b c \r\nQUOTED="x"\nFROM\nwith space =1\nLAST=1'
    assert parse.parse_env_file(text, "f", {"FROM": "env"}) == {
        "A": "b c ",
        "QUOTED": '"x"',
        "FROM": "env",
        "with space ": "1",
        "LAST": "1",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"A=1\n=x", 'parsing env file "f": invalid environment variable: "=x"'),
        (b"\xff=1", "line 1 is not UTF-8"),
        (b"A=\0", "line 1"),
    ],
)
def test_bad_env_file(text: bytes, words: str) -> None:
    with pytest.raises(ArgosyError) as caught:
        parse.parse_env_file(text, "f", {})
    assert 'parsing env file "f"' in str(caught.value)
    assert words in str(caught.value)
