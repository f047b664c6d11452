"""registries.conf: merging, short names, endpoints."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from argosy.config import registries
from argosy.config.registries import Registries
from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.oci import reference as references

DIGEST = "sha256:" + "ab" * 32


class Files:
    """A home directory with configuration files; the system's own files take no part."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {"HOME": str(home)}
        self.write(".config/containers/registries.conf", "")

    def write(self, name: str, text: str) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def load(self, text: str = "", run: str = "") -> Registries:
        if text:
            self.write(".config/containers/registries.conf", text)
        return registries.load(self.environ, rootless=True, run=run)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def names(found: Registries, text: str) -> list[str]:
    return [str(reference) for reference in found.candidates(text)]


def places(found: Registries, text: str) -> list[tuple[str, bool]]:
    return [(str(place.reference), place.insecure) for place in found.endpoints(references.parse(text))]


def test_a_full_name_means_itself(files: Files) -> None:
    assert names(files.load(), "quay.io/a/b") == ["quay.io/a/b:latest"]
    assert places(files.load(), "quay.io/a/b:1") == [("quay.io/a/b:1", False)]


def test_a_short_name_nobody_knows(files: Files) -> None:
    with pytest.raises(ArgosyError, match='short-name "busybox" did not resolve to an alias') as caught:
        files.load().candidates("busybox")
    assert "docker.io/library/busybox" in caught.value.hint
    assert str(files.home) in caught.value.brief


def test_search_registries_in_order(files: Files) -> None:
    found = files.load('unqualified-search-registries = ["docker.io", "quay.io", "localhost:5000"]')
    assert names(found, "app:1") == ["docker.io/library/app:1", "quay.io/app:1", "localhost:5000/app:1"]
    assert names(found, f"a/b@{DIGEST}")[1] == f"quay.io/a/b@{DIGEST}"


def test_modes(files: Files) -> None:
    two = 'unqualified-search-registries = ["a.example", "b.example"]\nshort-name-mode = "{}"'
    for mode in ("permissive", "disabled", ""):
        assert len(files.load(two.format(mode)).candidates("x")) == 2
    with pytest.raises(ArgosyError, match=r"a\.example or b\.example"):
        files.load(two.format("enforcing")).candidates("x")
    one = 'unqualified-search-registries = ["a.example"]\nshort-name-mode = "enforcing"'
    assert names(files.load(one), "x") == ["a.example/x:latest"]


def test_aliases(files: Files) -> None:
    found = files.load('[aliases]\n"busybox" = "docker.io/library/busybox"\n"a/b" = "quay.io/c/d"')
    assert names(found, "busybox") == ["docker.io/library/busybox:latest"]
    assert names(found, f"busybox:1@{DIGEST}") == [f"docker.io/library/busybox:1@{DIGEST}"]
    assert names(found, "a/b:2") == ["quay.io/c/d:2"]


def test_recorded_aliases_win_and_an_empty_one_erases(files: Files) -> None:
    text = 'unqualified-search-registries = ["s.example"]\n[aliases]\n"a" = "x.example/a"\n"b" = "x.example/b"'
    files.write(".cache/containers/short-name-aliases.conf", '[aliases]\n"a" = "recorded.example/a"')
    files.write(".config/containers/registries.conf.d/10.conf", '[aliases]\n"b" = ""')
    found = files.load(text)
    assert names(found, "a") == ["recorded.example/a:latest"]
    assert names(found, "b") == ["s.example/b:latest"]


def test_drop_ins_are_laid_over_in_order(files: Files) -> None:
    files.write(".config/containers/registries.conf.d/20-b.conf", 'unqualified-search-registries = ["b.example"]')
    files.write(".config/containers/registries.conf.d/10-a.conf", 'unqualified-search-registries = ["a.example"]')
    files.write(".config/containers/registries.conf.d/30.txt", "not read")
    changed = '[[registry]]\nlocation = "r.example"\ninsecure = true\n[[registry]]\nlocation = "new.example"'
    files.write(".config/containers/registries.conf.d/15.conf", changed)
    found = files.load('[[registry]]\nlocation = "r.example"\nblocked = true')
    assert found.search == ("b.example",)
    assert places(found, "r.example/x") == [("r.example/x:latest", True)]


def test_an_environment_variable_names_the_main_file(files: Files) -> None:
    other = files.write("other.conf", 'unqualified-search-registries = ["other.example"]')
    files.environ["CONTAINERS_REGISTRIES_CONF"] = str(other)
    found = files.load()
    assert (found.origin, found.search) == (str(other), ("other.example",))
    files.environ["CONTAINERS_REGISTRIES_CONF"] = str(other) + ".absent"
    with pytest.raises(Invalid, match="there is no such file"):
        files.load()


def test_the_longest_prefix_decides(files: Files) -> None:
    found = files.load(
        """
[[registry]]
prefix = "r.example"
location = "one.example"
[[registry]]
prefix = "r.example/team"
location = "two.example/t"
insecure = true
[[registry]]
prefix = "r.example/team/app:special"
location = "three.example/app:other"
[[registry]]
prefix = "*.r.example"
location = "wild.example"
[[registry]]
prefix = "*.deep.r.example"
insecure = true
"""
    )
    assert places(found, "r.example/app:1") == [("one.example/app:1", False)]
    assert places(found, "r.example/team/app:1") == [("two.example/t/app:1", True)]
    assert places(found, "r.example/teams/app") == [("one.example/teams/app:latest", False)]
    assert places(found, "r.example/team/app:special") == [("three.example/app:other", False)]
    assert places(found, "r.example:5000/app") == [("r.example:5000/app:latest", False)]
    assert places(found, "r.example.org/app") == [("r.example.org/app:latest", False)]
    assert places(found, "x.r.example/app") == [("wild.example/app:latest", False)]
    assert places(found, "x.deep.r.example:5000/app") == [("x.deep.r.example:5000/app:latest", True)]
    assert places(found, "xr.example/app") == [("xr.example/app:latest", False)]


MIRRORS = """
[[registry]]
location = "r.example"
{}
[[registry.mirror]]
location = "m1.example/cache"
insecure = true
[[registry.mirror]]
location = "m2.example"
{}
"""


def test_mirrors_come_first(files: Files) -> None:
    found = files.load(MIRRORS.format("", ""))
    assert places(found, "r.example/a:1") == [
        ("m1.example/cache/a:1", True),
        ("m2.example/a:1", False),
        ("r.example/a:1", False),
    ]


@pytest.mark.parametrize(
    ("primary", "mirror", "by_tag", "by_digest"),
    [
        ("mirror-by-digest-only = true", "", 1, 3),
        ("", 'pull-from-mirror = "digest-only"', 2, 3),
        ("", 'pull-from-mirror = "tag-only"', 3, 2),
        ("", 'pull-from-mirror = "all"', 3, 3),
    ],
)
def test_mirrors_for_digests_or_tags_only(files: Files, primary: str, mirror: str, by_tag: int, by_digest: int) -> None:
    found = files.load(MIRRORS.format(primary, mirror))
    assert len(places(found, "r.example/a:1")) == by_tag
    assert len(places(found, f"r.example/a@{DIGEST}")) == by_digest
    assert len(places(found, f"r.example/a:1@{DIGEST}")) == by_digest


def test_blocked(files: Files) -> None:
    found = files.load('[[registry]]\nlocation = "r.example/bad"\nblocked = true')
    with pytest.raises(ArgosyError, match=r"registry r\.example/bad is blocked in .*registries\.conf"):
        found.endpoints(references.parse("r.example/bad/app"))
    assert found.endpoints(references.parse("r.example/good"))


def test_docker_hub_by_its_full_name(files: Files) -> None:
    found = files.load('[[registry]]\nprefix = "docker.io/library"\nlocation = "mirror.example/hub"')
    assert places(found, "busybox") == [("mirror.example/hub/busybox:latest", False)]
    assert places(found, "user/app") == [("docker.io/user/app:latest", False)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[registries.search]\nregistries = ['a']", "version 1"),
        ("[registries.insecure]\nregistries = ['a']", "version 1"),
        ("nonsense here = 1", "line 1"),
        ('short-name-mode = "strict"', "short-name-mode is one of"),
        ("short-name-mode = 1", "must be a string"),
        ('unqualified-search-registries = "docker.io"', "array of strings"),
        ('unqualified-search-registries = ["https://docker.io"]', "without https://"),
        ('unqualified-search-registries = ["*.docker.io"]', "host name"),
        ('[registry]\nlocation = "x.example"', r"written as \[\[registry\]\]"),
        ("[[registry]]\ninsecure = true", "neither prefix nor location"),
        ('[[registry]]\nprefix = "x.example"', "has no location"),
        ('[[registry]]\nlocation = "http://x.example"', "without http://"),
        ('[[registry]]\nlocation = "x.example"\ninsecure = "yes"', "true or false"),
        ('[[registry]]\nprefix = "*.x.example/path"', "wildcard"),
        ('[[registry]]\nprefix = "x.*.example"\nlocation = "y.example"', "host name"),
        ('[[registry]]\nlocation = "x.example"\n[[registry.mirror]]\ninsecure = true', "has no location"),
        (MIRRORS.format("mirror-by-digest-only = true", 'pull-from-mirror = "all"'), "exclude each other"),
        (MIRRORS.format("", 'pull-from-mirror = "never"'), "pull-from-mirror is one of"),
        ('[[registry]]\nlocation = "x.example"\n[[registry]]\nlocation = "x.example"\nblocked = true', "differ"),
        ('aliases = ["a"]', "must be a table"),
        ('[aliases]\n"a" = 1', "must be a string"),
        ('[aliases]\n"a" = "b"', "a name with a registry"),
        ('[aliases]\n"a" = "x.example/b:1"', "without tag"),
        ('[aliases]\n"a:1" = "x.example/b"', "without registry, tag"),
        ('[aliases]\n"x.example/a" = "x.example/b"', "without registry, tag"),
        ('[aliases]\n"A" = "x.example/b"', "lowercase"),
    ],
)
def test_faults_name_the_file(files: Files, text: str, words: str) -> None:
    with pytest.raises((Invalid, Unsupported), match=words) as caught:
        files.load(text)
    assert str(files.home) in str(caught.value)


def test_a_location_that_makes_nonsense_is_named(files: Files) -> None:
    found = files.load('[[registry]]\nprefix = "r.example/a"\nlocation = "r.example/B"')
    with pytest.raises(Invalid, match="lowercase"):
        found.endpoints(references.parse("r.example/a/b"))


def test_parsed_form_is_kept_until_a_file_changes(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    run.mkdir(0o700)
    main = files.write(".config/containers/registries.conf", MIRRORS.format("", "") + '[aliases]\na = "x.example/a"')
    past = time.time() - 100
    os.utime(main, (past, past))
    for directory in (main.parent, tmp_path):
        os.utime(directory, (past, past))
    time.sleep(0.01)
    monkeypatch.setattr(registries, "_RACY_NS", 0)
    first = files.load(run=str(run))
    kept = run / "cache" / "registries.conf.json"
    assert kept.exists()
    from argosy.config import registriesfiles

    with monkeypatch.context() as patched:
        patched.delattr(registriesfiles, "merged")
        assert files.load(run=str(run)) == first
    files.write(".config/containers/registries.conf.d/1.conf", 'unqualified-search-registries = ["late.example"]')
    assert files.load(run=str(run)).search == ("late.example",)
    main.write_text('unqualified-search-registries = ["changed.example"]')
    (tmp_path / ".config/containers/registries.conf.d/1.conf").unlink()
    assert files.load(run=str(run)).search == ("changed.example",)


def test_a_damaged_cache_is_passed_over(files: Files, tmp_path: Path) -> None:
    cache = tmp_path / "run" / "cache"
    cache.mkdir(parents=True)
    for text in ("", "{", "[]", '{"shape":"x"}', "\0"):
        (cache / "registries.conf.json").write_text(text)
        assert files.load(run=str(tmp_path / "run")).search == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('\nshort-name-mode = "strict"', 2),
        ('\n\nunqualified-search-registries = ["*.docker.io"]', 3),
        ('[[registry]]\nlocation = "a.example"\n[[registry]]\nlocation = "http://b.example"', 4),
        ('[[registry]]\nlocation = "a.example"\n\n[[registry]]\ninsecure = true', 4),
        ('[[registry]]\nlocation = "a.example"\ninsecure = "yes"\n[[registry]]\ninsecure = true', 3),
        ('[[registry]]\nlocation = "a.example"\n[[registry]]\nlocation = "a.example"\nblocked = true', 3),
        (
            '[[registry]]\nlocation = "a.example"\n[[registry.mirror]]\nlocation = "m.example"\n'
            '[[registry]]\nlocation = "b.example"\n[[registry.mirror]]\nlocation = "n.example"\n'
            '[[registry.mirror]]\nlocation = "o.example"\npull-from-mirror = "x"\n',
            11,
        ),
        ('[[registry]]\nlocation = "a.example"\nmirror = [{location = "m.example", insecure = 1}]\n', 3),
        ('[aliases]\n"ok" = "x.example/ok"\n"a" = "b"\n"c" = "x.example/c"\n', 3),
    ],
)
def test_faults_name_the_line(files: Files, text: str, line: int) -> None:
    with pytest.raises(Invalid, match=rf"registries\.conf.*\(at line {line}\)"):
        files.load(text)
