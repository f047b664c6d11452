"""Images of an additional store, as podman and as we have them: the same commands, statuses and words."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tests.interop.peer import Podman, podman  # noqa: F401 -- a fixture
from tests.rig import host, images
from tests.rig.program import Program

pytestmark = [host.needs_root, host.needs_podman_4()]

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("images", "--format", "{{.Repository}}:{{.Tag}} {{.ReadOnly}}"),
    ("images", "--filter", "readonly=true", "--format", "{{.Repository}}"),
    ("images", "--filter", "readonly=false", "--format", "{{.Repository}}"),
    ("image", "exists", "shared:1"),
    ("image", "exists", "nothing:1"),
    ("rmi", "shared:1"),
    ("rmi", "--force", "shared:1"),
    ("tag", "shared:1", "own:2"),
    ("images", "--sort", "repository", "--format", "{{.Repository}}:{{.Tag}} {{.ReadOnly}}"),
    ("run", "--rm", "--network", "none", "own:2", "echo", "hi"),
    ("rmi", "own:2"),
    ("tag", "shared:1", "own:3"),
    ("rmi", "--all"),
    ("image", "prune", "--all", "--force"),
    ("images", "--format", "{{.Repository}}:{{.Tag}} {{.ReadOnly}}"),
)


def answer(run: Callable[..., Any], words: tuple[str, ...]) -> tuple[int, list[str], str]:
    """The status, the output, and the first line of the error."""
    done = run(*words, check=False)
    return done.returncode, sorted(done.stdout.splitlines()), (done.stderr.splitlines() or [""])[0]


def test_the_same_answers(podman: Podman, argosy: Program, new_program: Callable[[str], Program]) -> None:  # noqa: F811
    with open(images.busybox_archive(), "rb") as archive:
        data = archive.read()
    lender = new_program("")
    lender.busybox("shared:1")
    lent = f"{podman.directory}/lent"
    os.mkdir(lent)
    Podman(lent).run("import", "--change", 'CMD ["sh"]', "-", "shared:1", input=data)

    def of_podman(*words: str, check: bool) -> Any:
        return podman.run("--storage-opt", f"additionalimagestore={lent}/root", *words, check=check)

    def of_argosy(*words: str, check: bool) -> Any:
        return argosy.run("--storage-opt", f"additionalimagestore={lender.root}", *words, check=check)

    their_id = Podman(lent).image_id("shared:1")
    our_id = lender.run("image", "inspect", "shared:1", "--format", "{{.Id}}").stdout.strip()
    for words in COMMANDS:
        theirs, ours = answer(of_podman, words), answer(of_argosy, words)
        told = (ours[0], [line.replace(our_id, their_id) for line in ours[1]], ours[2].replace(our_id, their_id))
        assert told == theirs, words
    for option in ("additionalimagestore=/nonexistent", "additionalimagestore=relative", "overlay.frob=1", "nothing"):
        theirs = answer(podman.run, ("--storage-opt", option, "images"))
        ours = answer(argosy.run, ("--storage-opt", option, "images"))
        assert ours[0] == theirs[0] == 125, option
