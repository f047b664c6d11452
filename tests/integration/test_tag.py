"""`tag` and `untag`."""

from __future__ import annotations

from tests.rig.program import Program
from tests.rig.registry import tar


def names(program: Program) -> list[str]:
    return sorted(program.run("images", "--format", "{{.Repository}}:{{.Tag}}").lines)


def made(program: Program, name: str = "one:1") -> str:
    """Import an image that differs from others by its name."""
    program.run("import", "-q", "-", name, input=tar({"name": name.encode()}))
    return name


def test_names_are_added_moved_and_taken(argosy_both: Program) -> None:
    one, two = made(argosy_both), made(argosy_both, "two:1")
    argosy_both.run("tag", one, "foo", "registry.test:5000/deep/path:2", "docker.io/short")
    assert names(argosy_both) == [
        "docker.io/library/short:latest",
        "localhost/foo:latest",
        "localhost/one:1",
        "localhost/two:1",
        "registry.test:5000/deep/path:2",
    ]
    argosy_both.run("image", "tag", two, "foo")
    shown = argosy_both.run("image", "inspect", "--format", "{{.RepoTags}}", "foo").stdout
    assert shown == "[localhost/foo:latest localhost/two:1]\n"
    argosy_both.run("untag", two, "foo")
    argosy_both.run("image", "untag", one)
    assert names(argosy_both) == ["<none>:<none>", "localhost/two:1"]


def test_what_cannot_be_done_changes_nothing(argosy: Program) -> None:
    one = made(argosy)
    for arguments, words in (
        (("tag", "absent", "x"), "absent: image not known"),
        (("tag", one, "fine", "UPPER"), "lowercase"),
        (("tag", one, f"x@sha256:{'0' * 64}"), "tag by digest not supported"),
        (("tag", one), "requires at least 2 arg"),
        (("untag", "absent"), "absent: image not known"),
        (("untag", one, "other"), "localhost/other:latest: tag not known"),
        (("untag",), "requires at least 1 arg"),
    ):
        failed = argosy.run(*arguments, check=125)
        assert words in failed.stderr
    assert names(argosy) == ["localhost/one:1"]
