"""`image prune`: what goes, what stays, and the question that is asked before."""

from __future__ import annotations

import os

from tests.integration.test_tag import made, names
from tests.rig.program import Program
from tests.rig.registry import tar


def identity(program: Program, name: str) -> str:
    return program.run("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()


def test_dangling_images_go(argosy_both: Program) -> None:
    made(argosy_both, "kept:1")
    dangling = identity(argosy_both, made(argosy_both, "gone:1"))
    argosy_both.run("untag", "gone:1")
    done = argosy_both.run("image", "prune", "--force")
    assert done.stdout == f"{dangling}\n"
    assert names(argosy_both) == ["localhost/kept:1"]
    assert len(os.listdir(f"{argosy_both.root}/layers")) == 1
    assert argosy_both.run("image", "prune", "--force").stdout == ""


def test_all_leaves_what_containers_use(argosy: Program) -> None:
    used = argosy.busybox()
    argosy.run("create", "--network", "none", used, "true")
    idle = identity(argosy, made(argosy))
    assert argosy.run("image", "prune", "-a", "-f").stdout == f"{idle}\n"
    assert names(argosy) == ["localhost/busybox:latest"]


def test_it_asks(argosy: Program) -> None:
    made(argosy)
    argosy.run("untag", "one:1")
    for answer in ("n\n", "", "no\n", "nyes\n"):
        done = argosy.run("image", "prune", input=answer)
        assert done.stdout == (
            "WARNING! This command removes all dangling images.\nAre you sure you want to continue? [y/N] "
        )
    assert names(argosy) == ["<none>:<none>"]
    done = argosy.run("image", "prune", "-a", input="y\n")
    assert "all images without at least one container associated with them" in done.stdout
    assert names(argosy) == []


def test_filters(argosy: Program) -> None:
    for number, label in enumerate(("a", "b")):
        argosy.run("import", "-q", "-c", f"LABEL which={label}", "-", f"x:{label}", input=tar({"n": b"%d" % number}))
    argosy.run("image", "prune", "-a", "-f", "--filter", "label=which=a")
    assert names(argosy) == ["localhost/x:b"]
    argosy.run("image", "prune", "-a", "-f", "--filter", "until=1h")
    assert names(argosy) == ["localhost/x:b"]
    failed = argosy.run("image", "prune", "-f", "--filter", "reference=x", check=125)
    assert 'unsupported image filter "reference"' in failed.stderr
    assert "takes no arguments" in argosy.run("image", "prune", "x", check=125).stderr
