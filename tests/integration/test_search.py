"""`search`: the catalog of a real registry, and the v1 API of Docker Hub's kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.rig import registry
from tests.rig.hostile_registry import Exchange, Hostile
from tests.rig.program import Program
from tests.rig.registry import Registry

INSECURE = "--tls-verify=false"
RESULTS = [
    {"name": "alpine", "description": "A\nminimal image " + "x" * 60, "star_count": 9, "is_official": True},
    {"name": "me/alpine", "description": "mine\x1b[2J", "star_count": 1, "is_automated": True},
]


@pytest.fixture(scope="module")
def full(insecure_registry: Registry) -> Registry:
    for repository, tag in (("search/a/app", "1"), ("search/a/app", "2"), ("search/app2", "1"), ("search/other", "1")):
        insecure_registry.push(repository, tag, registry.image())
    return insecure_registry


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    def script(exchange: Exchange) -> None:
        target = urlsplit(exchange.path)
        if target.path != "/v1/search":
            exchange.answer(200 if target.path == "/v2/" else 404)
            return
        query = parse_qs(target.query)
        results = [result for result in RESULTS if query["q"][0] in str(result["name"])]
        exchange.answer(200, json.dumps({"results": results[: int(query["n"][0])]}).encode())

    with Hostile(script) as server:
        yield server.name


def test_the_catalog_is_searched(shared_program: Program, full: Registry) -> None:
    def names(term: str, *flags: str) -> list[str]:
        done = shared_program.run("search", INSECURE, "--format", "{{.Name}}", *flags, f"{full.name}/{term}")
        return done.lines

    assert names("search/app") == [f"{full.name}/search/app2"]
    assert names("app2", "--limit", "1") == [f"{full.name}/search/app2"]
    assert f"{full.name}/search/other" in names("", "--limit", "100")
    assert names("search/", "--filter", "is-official") == []
    assert len(names("search/", "--filter", "is-official=false,stars=0")) == 3
    assert names("nothing-of-this-name") == []
    table = shared_program.run("search", INSECURE, f"{full.name}/search/other").lines
    assert table[0].split() == ["NAME", "DESCRIPTION"]
    assert shared_program.run("search", INSECURE, f"{full.name}/nothing-of-this-name").stdout == ""


def test_tags_are_listed(shared_program: Program, full: Registry) -> None:
    name = f"{full.name}/search/a/app"
    done = shared_program.run("search", INSECURE, "--list-tags", "--format", "json", name).json()
    assert [(entry["Name"], sorted(entry["Tags"])) for entry in done] == [(name, ["1", "2"])]
    assert len(shared_program.run("search", INSECURE, "--list-tags", "--limit", "1", name).lines) == 2
    refused = shared_program.run("search", INSECURE, "--list-tags", f"{full.name}/search/none", check=125)
    assert "1 error occurred" in refused.stderr
    refused = shared_program.run("search", INSECURE, "--list-tags", "--filter", "stars=1", name, check=125)
    assert "filters are not applicable to list tags result" in refused.stderr


def test_the_older_interface(shared_program: Program, hub: str) -> None:
    found = shared_program.run("search", INSECURE, "--format", "json", f"{hub}/alpine").json()
    assert [result["Name"] for result in found] == [f"{hub}/alpine", f"{hub}/me/alpine"]
    assert found[0] == {
        "Index": hub,
        "Name": f"{hub}/alpine",
        "Description": f"A minimal image {'x' * 28}...",
        "Stars": 9,
        "Official": "[OK]",
        "Automated": "",
        "Tag": "",
    }
    full = shared_program.run("search", INSECURE, "--no-trunc", "--format", "json", f"{hub}/alpine").json()
    assert full[0]["Description"] == f"A minimal image {'x' * 60}"
    table = shared_program.run("search", INSECURE, "--compatible", f"{hub}/alpine").lines
    assert table[0].split() == ["NAME", "DESCRIPTION", "STARS", "OFFICIAL", "AUTOMATED"]
    assert table[2].split()[-2:] == ["1", "[OK]"]
    assert "\x1b" not in "".join(table)
    for flags, count in ((("-f", "stars=2"), 1), (("-f", "is-automated=true"), 1), (("--limit", "1"), 1)):
        assert len(shared_program.run("search", INSECURE, *flags, f"{hub}/alpine").lines) == 1 + count
    docker = shared_program.run("search", INSECURE, "--format", "{{.Name}} {{.StarCount}} {{.IsOfficial}}",
                                f"{hub}/alpine", name="docker")  # fmt: skip
    assert docker.lines[0] == f"{hub}/alpine 9 [OK]"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("",), "it is empty"),
        (("--limit", "-1", "localhost/x"), 'invalid limit "-1"'),
        (("--filter", "stars=x", "localhost/x"), "incorrect value type for stars filter"),
        (("--filter", "foo=x", "localhost/x"), 'invalid filter type "foo=x"'),
        (("--filter", "is-official=maybe", "localhost/x"), "neither true nor false"),
        (("localhost:1/x",), "connection refused"),
        (("bad_host:1/x",), "not the host name"),
    ],
)
def test_nonsense_is_refused(shared_program: Program, words: tuple[str, ...], why: str) -> None:
    assert why in shared_program.run("search", *words, check=125).stderr


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"repositories": [1]}', b'{"repositories": {"a": 1}}', b"x" * (9 << 20), b'{"repositories"']
)
def test_a_registry_that_lies(shared_program: Program, body: bytes) -> None:
    def script(exchange: Exchange) -> None:
        exchange.answer(200, body if "_catalog" in exchange.path else b"")

    with Hostile(script) as server:
        done = shared_program.run("search", INSECURE, f"{server.name}/x", check=125)
    assert f'couldn\'t search registry "{server.name}"' in done.stderr


def test_a_catalog_without_end(shared_program: Program) -> None:
    def script(exchange: Exchange) -> None:
        if "_catalog" not in exchange.path:
            exchange.answer(404)
            return
        exchange.answer(200, b'{"repositories": ["y"]}', {"Link": '</v2/_catalog?last=y>; rel="next"'})

    with Hostile(script) as server:
        done = shared_program.run("search", INSECURE, f"{server.name}/x", check=125)
    assert "does not end" in done.stderr
