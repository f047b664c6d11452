"""Arguments, environment and working directory, from the image and the options."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.config.containers import ContainersConf
from argosy.errors import Invalid
from argosy.oci.imageconfig import ContainerConfig
from argosy.spec import process
from argosy.spec.options import BadOption
from tests.unit.spec.requests import options

ENTRY = ContainerConfig(entrypoint=("/e", "x"), cmd=("c", "d"))
CMD = ContainerConfig(cmd=("c", "d"))


@pytest.mark.parametrize(
    ("image", "changes", "expected"),
    [
        (ENTRY, {"command": None}, ["/e", "x", "c", "d"]),
        (ENTRY, {"command": ()}, ["/e", "x", "c", "d"]),
        (ENTRY, {"command": ("z",)}, ["/e", "x", "z"]),
        (ENTRY, {"command": None, "entrypoint": ("/n",)}, ["/n"]),
        (ENTRY, {"command": ("z",), "entrypoint": ("/n",)}, ["/n", "z"]),
        (ENTRY, {"command": ("z",), "entrypoint": ()}, ["z"]),
        (CMD, {"command": None}, ["c", "d"]),
        (CMD, {"command": ("z",)}, ["z"]),
    ],
)
def test_arguments(image: ContainerConfig, changes: dict[str, Any], expected: list[str]) -> None:
    assert process.arguments(options(**changes), image) == expected


@pytest.mark.parametrize(
    ("image", "changes", "words"),
    [
        (
            ContainerConfig(),
            {"command": None},
            "no command or entrypoint provided, and no CMD or ENTRYPOINT from image",
        ),
        (ENTRY, {"command": None, "entrypoint": ()}, "no command or entrypoint provided"),
        (ENTRY, {"entrypoint": ("",)}, "empty string"),
    ],
)
def test_no_program(image: ContainerConfig, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadOption) as caught:
        process.arguments(options(**changes), image)
    assert words in str(caught.value)
    assert caught.value.exit_code == 125


def environment(
    image_env: tuple[str, ...] = (), environ: dict[str, str] | None = None, conf: Any = None, **changes: Any
) -> dict[str, str]:
    conf = conf or ContainersConf()
    asked = options(**changes)
    pairs = process.environment(
        asked.replace(host_env=process.from_caller(asked, conf, environ or {})),
        ContainerConfig(env=image_env),
        conf,
        home="/home/me",
        hostname="box",
    )
    return dict(pair.partition("=")[::2] for pair in pairs)


def test_environment_defaults() -> None:
    assert environment() == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "TERM": "xterm",
        "container": "podman",
        "HOME": "/home/me",
        "HOSTNAME": "box",
    }


def test_the_stronger_wins() -> None:
    conf = ContainersConf(env=("A=conf", "B=conf", "C=conf", "TERM=conf"))
    found = environment(("A=image", "B=image", "HOME=/image"), conf=conf, env={"A": "option", "HOSTNAME": "mine"})
    assert (found["A"], found["B"], found["C"], found["TERM"]) == ("option", "image", "conf", "conf")
    assert (found["HOME"], found["HOSTNAME"]) == ("/image", "mine")


def test_unset() -> None:
    assert "TERM" not in environment(unset_env=("TERM",))


def test_proxies_come_from_this_process_and_nothing_else_does() -> None:
    environ = {"http_proxy": "p", "NO_PROXY": "n", "SECRET": "s"}
    found = environment(("http_proxy=image",), environ)
    assert (found["http_proxy"], found["NO_PROXY"]) == ("image", "n")
    assert "SECRET" not in found
    assert "NO_PROXY" not in environment(environ=environ, conf=ContainersConf(http_proxy=False))
    assert "NO_PROXY" not in environment(environ=environ, http_proxy=False)
    assert environment(environ=environ, conf=ContainersConf(env_host=True))["SECRET"] == "s"
    assert environment(environ=environ, env_host=True)["SECRET"] == "s"
    assert "SECRET" not in environment(environ=environ, conf=ContainersConf(env_host=True), env_host=False)


def test_the_environment_of_the_caller_is_weaker_than_that_of_the_image() -> None:
    environ = {"PATH": "/caller", "A": "caller", "B": "caller", "HOME": "/caller"}
    found = environment(("A=image",), environ, ContainersConf(env=("B=conf", "C=conf")), env_host=True)
    assert (found["PATH"], found["A"], found["B"], found["C"]) == ("/caller", "image", "caller", "conf")
    assert found["HOME"] == "/caller"


def test_env_merge_changes_what_is_there_and_only_that() -> None:
    merges = ("PATH=$PATH:/x", "NEW=${nope}y", "A=b=c", "PATH=${PATH}z", "IMAGE=${IMAGE:-no}-${NOPE:-so}${IMAGE:+me}")
    found = environment(("IMAGE=image",), env_merge=merges, env={"A": "option"})
    assert found["PATH"].endswith("/sbin:/bin:/xz")
    assert (found["A"], found["IMAGE"]) == ("option", "image-some")
    assert "NEW" not in found


def test_unsetenv_takes_nothing_that_was_given() -> None:
    found = environment(("A=image", "B=image"), unset_env=("A", "TERM", "C"), env={"C": "option"})
    assert ("A" in found, "TERM" in found, found["B"], found["C"]) == (False, False, "image", "option")
    assert environment(("A=image",), unset_all_env=True, env={"C": "option"}) == {
        "C": "option",
        "HOME": "/home/me",
        "HOSTNAME": "box",
    }


@pytest.mark.parametrize(
    ("command", "systemd", "found"),
    [
        (("/sbin/init",), "", True),
        (("/usr/sbin/init", "--x"), "true", True),
        (("/lib/systemd/systemd",), "", True),
        (("systemd",), "false", False),
        (("/bin/sh", "-c", "/sbin/init", "x"), "", True),
        (("sh", "-c", "/sbin/init"), "", False),
        (("init",), "", False),
        (("sleep",), "always", True),
    ],
)
def test_systemd_is_known_by_its_program(command: tuple[str, ...], systemd: str, found: bool) -> None:
    assert process.runs_systemd(options(command=command, systemd=systemd), ContainerConfig()) is found


@pytest.mark.parametrize("given", ["/", "/a", "//a/./b/../c/", "/procession", "/dev/fdx"])
def test_working_directory(given: str) -> None:
    assert process.working_directory(given).startswith("/")
    assert "//" not in process.working_directory(given)


def test_working_directory_of_the_image() -> None:
    image = ContainerConfig(working_dir="/srv/app/")
    assert process.directory_of(options(), image) == "/srv/app"
    assert process.directory_of(options(workdir="/x"), image) == "/x"
    assert process.directory_of(options(), ContainerConfig()) == "/"


@pytest.mark.parametrize(
    ("what", "texts", "words"),
    [
        ("command", ["ok", "bad\udcff"], 'invalid command "bad\\udcff": it is not UTF-8'),
        ("command", ["a\0b"], 'invalid command "a\\x00b": it holds a NUL character'),
        ("command", ["é", "a\0b"], "NUL"),
    ],
)
def test_text_that_cannot_be_passed_on(what: str, texts: list[str], words: str) -> None:
    with pytest.raises(Invalid) as caught:
        process.check_text(what, texts)
    assert words in str(caught.value)
