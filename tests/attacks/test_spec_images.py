"""Image configs and account files made to mislead: each is an error that names the field, or does no harm."""

from __future__ import annotations

import time
from typing import Any

import pytest

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid
from argosy.oci import imageconfig
from argosy.oci.imageconfig import ContainerConfig
from argosy.spec import users
from argosy.spec.generate import check, generate
from argosy.spec.options import BadOption, Mount
from tests.unit.spec.requests import GROUP, PASSWD, options, request


def read(config: dict[str, Any]) -> ContainerConfig:
    """The config as the store would read it from a blob."""
    text = {"os": "linux", "architecture": "amd64", "config": config, "rootfs": {"type": "layers", "diff_ids": []}}
    return imageconfig.parse(jsontext.encode(text)).config


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"User": 5}, "User"),
    ({"User": "a\nb"}, "User"),
    ({"User": "root\0"}, "User"),
    ({"Env": "A=1"}, "Env"),
    ({"Env": [5]}, "Env[0]"),
    ({"Env": ["A"]}, "Env[0]"),
    ({"Env": ["A=1", "=x"]}, "Env[1]"),
    ({"Env": ["A=\0"]}, "Env[0]"),
    ({"Env": ["A=\ud800"]}, "utf-8"),
    ({"WorkingDir": []}, "WorkingDir"),
    ({"WorkingDir": "srv"}, "WorkingDir"),
    ({"WorkingDir": "../proc"}, "WorkingDir"),
    ({"WorkingDir": "/proc/self/fd/7"}, "WorkingDir"),
    ({"WorkingDir": "/proc"}, "WorkingDir"),
    ({"WorkingDir": "//proc//self/./fd/8/"}, "WorkingDir"),
    ({"WorkingDir": "/srv/../proc/1/root"}, "WorkingDir"),
    ({"WorkingDir": "/dev/fd/8"}, "WorkingDir"),
    ({"Entrypoint": "sh"}, "Entrypoint"),
    ({"Entrypoint": {"0": "sh"}}, "Entrypoint"),
    ({"Entrypoint": [["sh"]]}, "Entrypoint"),
    ({"Cmd": [None]}, "Cmd"),
    ({"Cmd": ["a\0"]}, "Cmd"),
    ({"ExposedPorts": ["80"]}, "ExposedPorts"),
    ({"ExposedPorts": {"80/icmp": {}}}, "ExposedPorts"),
    ({"ExposedPorts": {"99999/tcp": {}}}, "ExposedPorts"),
    ({"StopSignal": 9}, "StopSignal"),
    ({"StopSignal": "SIGNONSENSE"}, "StopSignal"),
    ({"StopSignal": "0"}, "StopSignal"),
    ({"StopSignal": "-9"}, "StopSignal"),
    ({"StopSignal": "; rm"}, "StopSignal"),
    ({"Volumes": ["/data"]}, "Volumes"),
    ({"Volumes": {"data": {}}}, "Volumes"),
    ({"Volumes": {"/": {}}}, "Volumes"),
    ({"Volumes": {"/..": {}}}, "Volumes"),
    ({"Volumes": {"/proc": {}}}, "Volumes"),
    ({"Volumes": {"//proc/sys/": {}}}, "Volumes"),
    ({"Volumes": {"/./proc/self/attr": {}}}, "Volumes"),
    ({"Volumes": {"/data/../proc": {}}}, "Volumes"),
    ({"Volumes": {"/sys/fs/cgroup": {}}}, "Volumes"),
    ({"Volumes": {"/dev": {}}}, "Volumes"),
    ({"Volumes": {"/dev/shm": {}}}, "Volumes"),
    ({"Labels": {"a": 1}}, "Labels"),
]


@pytest.mark.parametrize(("config", "field"), NONSENSE)
def test_nonsense_is_an_error_that_names_the_field(config: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        image = read({"Cmd": ["sh"], **config})
        check(options(command=None), image)
        generate(request({"command": None}, image=image))
    assert field.lower() in str(caught.value).lower()
    assert caught.value.exit_code == 125
    assert "\n" not in str(caught.value)
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        {"Volumes": {"/processes": {}, "/device": {}, "/system": {}, "/srv/proc": {}}},
        {"WorkingDir": "/proc2"},
        {"WorkingDir": "/srv//x/"},
        {"StopSignal": "SIGRTMIN+3"},
        {"StopSignal": "15"},
        {"ExposedPorts": {"80": {}, "53/udp": {}, "1000-2000/tcp": {}}},
        {"Env": ["A=", "B==", "C=x\ny"]},
        {"Labels": {"run.oci.seccomp_bpf_data": "AAAA"}},
    ],
)
def test_what_is_merely_unusual_is_accepted(config: dict[str, Any]) -> None:
    image = read({"Cmd": ["sh"], **config})
    check(options(command=None), image)
    made = generate(request({"command": None}, image=image))
    assert "run.oci.seccomp_bpf_data" not in made["annotations"]


@pytest.mark.parametrize("path", ["/", "/.", "/proc", "/proc/..", "/sys/x", "/dev/fd", "x", ".."])
def test_a_volume_that_came_past_the_parser_is_refused_too(path: str) -> None:
    """An image made by other means than a pull has no other gate."""
    with pytest.raises(Invalid, match="Volumes"):
        check(options(), ContainerConfig(volumes=(path,)))


@pytest.mark.parametrize("root", ["/proc", "/sys", "/dev"])
def test_the_kernels_file_systems_are_mounted_whatever_the_image_says(root: str) -> None:
    image = ContainerConfig(cmd=("sh",), volumes=("/data",), env=("PATH=/proc",))
    made = generate(request(image=image, mounts=(Mount("volume", "/v", "/data"),)))
    kinds = {mount["destination"]: mount["type"] for mount in made["mounts"]}
    assert kinds[root] == {"/proc": "proc", "/sys": "sysfs", "/dev": "tmpfs"}[root]


@pytest.mark.parametrize(
    "passwd",
    [
        b"",
        b"\0" * 4096,
        b"\n" * 4096,
        b":" * 4096,
        b"bob" + b":" * 4096,
        b"bob:x:0x10:0:::\n",
        b"bob:x:-1:0:::\n",
        b"bob:x:4294967296:0:::\n",
        b"bob:x: 5:0:::\n",
        "bob:x:\u0665:0:::\n".encode(),
        b"\xff\xfe\xfd:\xff:\xff:\xff\n",
        b"bob\n:x:0:0:::\n",
        b"bob\r:x:0:0:::\n",
        b" bob:x:0:0:::\n",
    ],
)
def test_account_files_that_mislead_make_nobody_root(passwd: bytes) -> None:
    with pytest.raises(BadOption) as caught:
        users.resolve("bob", passwd, GROUP)
    assert "unable to find user bob" in str(caught.value)
    assert caught.value.exit_code == 126


@pytest.mark.parametrize("text", ["1000\n", "0x0", "00 ", "1e3", "1000:0x0", "bob:+x", "0:wheel\n", "²"])
def test_users_that_only_look_like_numbers(text: str) -> None:
    with pytest.raises(BadOption):
        users.resolve(text, PASSWD, GROUP)


def test_large_account_files_are_read_in_linear_time() -> None:
    passwd = b"user:x:5:5::/home:/bin/sh\n" * 40_000
    group = b"group:x:5:" + b"bob," * 250_000 + b"\n" + b"g:x:6:bob\n" * 40_000
    began = time.monotonic()
    user = users.resolve("bob", passwd + PASSWD, group)
    assert user.additional_gids == (1000, 5, 6)
    assert time.monotonic() - began < 5


def test_a_home_that_is_no_text_does_not_stop_the_container() -> None:
    made = generate(request({"user": "bob"}, passwd=b"bob:x:5:5::/\xff\xfe:\n"))
    assert any(entry.startswith("HOME=/") for entry in made["process"]["env"])


@pytest.mark.parametrize(
    "changes",
    [
        {"command": ("sh", "a\udcff")},
        {"env": {"A": "\udcff"}},
        {"workdir": "/\udcff"},
        {"annotations": {"a": "\udcff"}},
        {"annotations": {"\udcff": "a"}},
        {"command": ("sh", "a\0b")},
        {"env": {"A": "a\0b"}},
    ],
)
def test_text_that_the_specification_cannot_hold_is_an_error(changes: dict[str, Any]) -> None:
    with pytest.raises(ArgosyError) as caught:
        generate(request(changes))
    str(caught.value).encode()


@pytest.mark.parametrize("mount", [Mount("bind", "/\udcff", "/x"), Mount("bind", "/x", "/\udcff")])
def test_paths_that_the_specification_cannot_hold_are_an_error(mount: Mount) -> None:
    with pytest.raises(Invalid, match="it is not UTF-8"):
        generate(request(mounts=(mount,)))
