"""Credentials: files in their order, keys in theirs, programs."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from argosy.config import auth
from argosy.config.auth import Credentials
from argosy.config.registries import AUTH_FILES, Registries
from argosy.errors import ArgosyError, Invalid, NotFound


def entry(user: str, password: str = "secret") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


class Home:
    """A user's files and programs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runtime = root / "runtime"
        self.environ = {"HOME": str(root), "XDG_RUNTIME_DIR": str(self.runtime)}

    def write(self, name: str, data: Any) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    def lookup(self, name: str, **more: Any) -> Credentials | None:
        return auth.lookup(name, self.environ, uid=1000, **more)

    def user(self, name: str) -> str:
        found = self.lookup(name)
        return "" if found is None else found.username


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def helper(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The program docker-credential-test, which notes what it is asked for."""
    log = home.root / "asked"
    program = home.write(
        "bin/docker-credential-test",
        f"""#!/bin/sh
[ "$1" = get ] || exit 9
read -r server
echo "$server" >> {log}
case "$server" in
token.example) echo '{{"ServerURL":"x","Username":"<token>","Secret":"refresh"}}' ;;
broken.example) echo 'keyring is locked'; exit 1 ;;
nonsense.example) echo 'hello' ;;
none.example) echo 'credentials not found in native keychain'; exit 1 ;;
*) echo '{{"ServerURL":"x","Username":"helped","Secret":"s"}}' ;;
esac
""",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    home.environ["PATH"] = f"{program.parent}:/usr/bin:/bin"
    return home


def test_nothing_anywhere(home: Home) -> None:
    assert home.lookup("a.example/b") is None


def test_the_first_file_that_knows_the_registry(home: Home) -> None:
    everywhere = ("runtime/containers/auth.json", ".config/containers/auth.json", ".docker/config.json")
    for number, name in reversed(list(enumerate(everywhere))):
        home.write(name, {"auths": {"a.example": entry(f"user{number}")}})
        assert home.user("a.example/b") == f"user{number}"
    home.write(".dockercfg", {"a.example": entry("old"), "b.example": entry("old")})
    assert home.user("a.example/b") == "user0"
    assert home.user("b.example/b") == "old"


def test_the_most_specific_key(home: Home) -> None:
    keys = ("a.example", "a.example/x", "a.example/x/y", "a.example/x/y/z")
    home.write("runtime/containers/auth.json", {"auths": {key: entry(key) for key in keys}})
    assert home.user("a.example/x/y/z") == "a.example/x/y/z"
    assert home.user("a.example/x/y/other") == "a.example/x/y"
    assert home.user("a.example/xx") == "a.example"
    assert home.user("a.example") == "a.example"
    assert home.user("a.example:5000/x") == ""
    assert home.user("b.a.example/x") == ""
    assert home.user("a.example.org/x") == ""


@pytest.mark.parametrize("key", ["https://a.example", "http://a.example/", "https://a.example/v1/", "a.example"])
def test_old_spellings(home: Home, key: str) -> None:
    home.write(".docker/config.json", {"auths": {key: entry("me")}})
    assert home.user("a.example/x") == "me"
    assert home.user("b.example/x") == ""


@pytest.mark.parametrize("key", ["docker.io", "index.docker.io", "https://index.docker.io/v1/", "docker.io/library/x"])
def test_docker_hub(home: Home, key: str) -> None:
    home.write(".docker/config.json", {"auths": {key: entry("me")}})
    assert home.user("docker.io/library/x") == "me"


def test_a_named_file_replaces_all_others(home: Home) -> None:
    home.write("runtime/containers/auth.json", {"auths": {"a.example": entry("usual")}})
    other = home.write("other.json", {"auths": {"a.example": entry("other")}})
    found = home.lookup("a.example/b", authfile=str(other))
    assert found == Credentials("other", "secret", origin=str(other))
    home.environ["REGISTRY_AUTH_FILE"] = str(home.write("empty.json", {}))
    assert home.lookup("a.example/b") is None
    for absent in (f"{home.root}/absent", str(home.root / "a" / "b")):
        with pytest.raises(Invalid, match="there is no such file"):
            home.lookup("a.example/b", authfile=absent)


def test_docker_config_is_obeyed(home: Home) -> None:
    home.write("elsewhere/config.json", {"auths": {"a.example": entry("me")}})
    home.environ["DOCKER_CONFIG"] = str(home.root / "elsewhere")
    assert home.user("a.example/b") == "me"


def test_passwords_with_colons_and_blank_entries(home: Home) -> None:
    auths = {"a.example": entry("me", "a:b:c"), "b.example": {}, "c.example": {"identitytoken": "t"}}
    home.write(".docker/config.json", {"auths": auths})
    found = home.lookup("a.example/x")
    assert found is not None
    assert found.password == "a:b:c"
    assert home.lookup("b.example/x") is None
    token = home.lookup("c.example/x")
    assert token is not None
    assert token.identity_token == "t"


def test_secrets_are_not_shown(home: Home) -> None:
    home.write(".docker/config.json", {"auths": {"a.example": entry("me", "hunter2")}})
    assert "hunter2" not in repr(home.lookup("a.example/x"))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"auths":[]}',
        '{"auths":{"a.example":7}}',
        '{"auths":{"a.example":{"auth":"%%%"}}}',
        '{"auths":{"a.example":{"auth":"bm9jb2xvbg=="}}}',
        '{"auths":{"a.example":{"auth":7}}}',
        '{"auths":{"a.example":{"identitytoken":7}}}',
        '{"credHelpers":7}',
        '{"credHelpers":{"a.example":"../evil"}}',
        '{"credHelpers":{"a.example":7}}',
        '{"auths":{},"auths":{"a.example":{"auth":"c2VjcmV0OmhpZGRlbg=="}}',
    ],
)
def test_damaged_files_are_named_without_their_content(home: Home, text: str) -> None:
    path = home.write(".docker/config.json", text)
    with pytest.raises(Invalid) as caught:
        home.lookup("a.example/x")
    assert str(path) in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)


def test_an_empty_file_is_no_fault(home: Home) -> None:
    home.write(".docker/config.json", "")
    assert home.lookup("a.example/x") is None


def test_a_helper_of_one_registry(helper: Home) -> None:
    helper.write(
        ".docker/config.json",
        {"auths": {"a.example": entry("file")}, "credHelpers": {"a.example": "test", "token.example": "test"}},
    )
    found = helper.lookup("a.example/x")
    assert found == Credentials("helped", "s", origin="docker-credential-test")
    token = helper.lookup("token.example/x")
    assert token is not None
    assert (token.username, token.identity_token) == ("", "refresh")
    assert (helper.root / "asked").read_text().split() == ["a.example", "token.example"]


def test_a_store_for_all_registries(helper: Home) -> None:
    helper.write(".docker/config.json", {"auths": {"b.example": entry("file")}, "credsStore": "test"})
    assert helper.user("a.example/x") == "helped"
    assert helper.user("docker.io/library/x") == "helped"
    assert helper.user("b.example/x") == "file"
    assert helper.user("none.example/x") == ""
    asked = (helper.root / "asked").read_text().split()
    assert asked == ["a.example", "https://index.docker.io/v1/", "none.example"]


@pytest.mark.parametrize(
    ("server", "words"), [("broken.example", "keyring is locked"), ("nonsense.example", "did not answer with a JSON")]
)
def test_a_helper_that_fails(helper: Home, server: str, words: str) -> None:
    helper.write(".docker/config.json", {"credHelpers": {server: "test"}})
    with pytest.raises(ArgosyError, match=words):
        helper.lookup(f"{server}/x")


def test_a_helper_that_is_missing(helper: Home) -> None:
    helper.write(".docker/config.json", {"credHelpers": {"a.example": "absent"}, "credsStore": "absent"})
    with pytest.raises(NotFound, match="docker-credential-absent"):
        helper.lookup("a.example/x")
    assert helper.lookup("public.example/x") is None


def test_helpers_of_registries_conf(helper: Home) -> None:
    helper.write(".docker/config.json", {"auths": {"a.example": entry("file")}})
    both = ("test", AUTH_FILES)
    found = helper.lookup("a.example/x", helpers=both)
    assert found is not None
    assert found.username == "helped"
    found = helper.lookup("a.example/x", helpers=(AUTH_FILES, "test"))
    assert found is not None
    assert found.username == "file"


def test_credentials_on_the_command_line() -> None:
    assert auth.parse("me:a:b") == Credentials("me", "a:b", origin="the command line")
    for text in ("me", ":x", ""):
        with pytest.raises(Invalid, match="USER:PASSWORD"):
            auth.parse(text)


def test_dockers_own_file_is_asked_first_when_called_as_docker(home: Home) -> None:
    shared = home.write(
        "runtime/containers/auth.json", {"auths": {"r.example": entry("p"), "only.example": entry("p")}}
    )
    home.write("other/config.json", {"auths": {"r.example": entry("docker")}})
    home.environ["DOCKER_CONFIG"] = f"{home.root}/other"
    assert home.user("r.example") == "p"
    helpers = Registries().for_docker(("docker.io",)).credential_helpers

    def user(name: str, authfile: str = "") -> str:
        found = home.lookup(name, helpers=helpers, authfile=authfile)
        return found.username if found else ""

    assert user("r.example") == "docker"
    assert user("only.example") == "p"
    assert user("none.example") == ""
    assert user("r.example", str(shared)) == "p"
