"""docker's contexts, in the files that docker's client reads and writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from argosy.config import contexts
from argosy.errors import ArgosyError, Invalid

FOO = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"DOCKER_CONFIG": str(tmp_path), "HOME": "/nowhere"}


def test_a_context_is_where_docker_keeps_it(environ: dict[str, str], tmp_path: Path) -> None:
    assert contexts.listing(environ) == []
    assert not contexts.exists(environ, "foo")
    contexts.put(environ, contexts.document("foo", "ssh://me@host", "words"))
    contexts.put(environ, contexts.document("bar", "tcp://x"))
    meta = tmp_path / f"contexts/meta/{FOO}/meta.json"
    assert json.loads(meta.read_text()) == {
        "Name": "foo",
        "Metadata": {"Description": "words"},
        "Endpoints": {"docker": {"Host": "ssh://me@host", "SkipTLSVerify": False}},
    }
    found = contexts.get(environ, "foo")
    assert (found.name, found.host, found.description) == ("foo", "ssh://me@host", "words")
    assert [context.name for context in contexts.listing(environ)] == ["bar", "foo"]
    tls = tmp_path / f"contexts/tls/{FOO}/docker"
    tls.mkdir(parents=True)
    contexts.remove(environ, "foo")
    assert not meta.exists()
    assert not tls.exists()
    with pytest.raises(ArgosyError, match=r'context "foo": context not found: open .*/meta.json: no such file'):
        contexts.get(environ, "foo")


def test_the_current_one(environ: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    assert contexts.current(environ) == ("default", str(config))
    config.write_text('{"auths": {"x": {}}, "currentContext": "foo"}')
    assert contexts.current(environ)[0] == "foo"
    assert contexts.current({**environ, "DOCKER_CONTEXT": "bar"}) == ("bar", "DOCKER_CONTEXT")
    assert contexts.current({**environ, "DOCKER_CONTEXT": "bar", "DOCKER_HOST": "ssh://x"})[0] == "default"
    contexts.use(environ, "other")
    assert json.loads(config.read_text()) == {"auths": {"x": {}}, "currentContext": "other"}
    contexts.use(environ, "default")
    assert json.loads(config.read_text()) == {"auths": {"x": {}}}
    assert contexts.default({**environ, "DOCKER_HOST": "ssh://x"}).host == "ssh://x"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Name": 1, "Endpoints": {}}', '{"Name": "a", "Endpoints": {}}'])
def test_a_broken_one_is_named(environ: dict[str, str], tmp_path: Path, text: str) -> None:
    (tmp_path / f"contexts/meta/{FOO}").mkdir(parents=True)
    (tmp_path / f"contexts/meta/{FOO}/meta.json").write_text(text)
    with pytest.raises(Invalid, match=FOO):
        contexts.listing(environ)


@pytest.mark.parametrize("name", ["default", "", "a", "a/b", "-ab", "a b", "ä1"])
def test_bad_names(name: str) -> None:
    with pytest.raises(ArgosyError, match=r"reserved context name|is invalid, names are validated"):
        contexts.check_name(name)


def test_hosts() -> None:
    contexts.check_host("ssh://me@host:22")
    for host in ("bogus", "ssh:/x", "ssh://a\nb"):
        with pytest.raises(ArgosyError, match="unable to parse docker host"):
            contexts.check_host(host)
