"""cp, mount, init, clone, update, volumes and events beside podman: the same words, the same answers.

What differs on purpose is left out: podman 4.3 prints each error of the two ends of a copy, we the one that counts.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop.peer import Podman, podman  # noqa: F401 -- a fixture
from tests.rig import host, images
from tests.rig.program import Program

pytestmark = [host.needs_root, host.needs_podman_4()]

_ID = re.compile(r"[0-9a-f]{64}|\b[0-9a-f]{12}\b")
_NONE = ("--network", "none", "busybox")
CALLS: tuple[tuple[str, ...], ...] = (
    ("run", "-d", "--name", "r", "--label", "a=b", "--user", "7:8", *_NONE, "sleep", "1000"),
    ("create", "--name", "s", *_NONE, "sleep", "1000"),
    ("cp", "FILES/d", "r:/tmp"),
    ("cp", "FILES/d/.", "r:/tmp/fresh"),
    ("cp", "-a=false", "FILES/d", "r:/tmp/kept"),
    ("exec", "--user", "0", "r", "sh", "-c", "cd /tmp; find . -exec stat -c '%n %a %u %g %F' {} + | sort"),
    ("cp", "r:/tmp/d", "s:/copied"),
    ("cp", "FILES/d", "r:/etc/passwd"),
    ("cp", "FILES/file", "r:/nodir/x"),
    ("cp", "FILES/file", "r:/tmp/nope/"),
    ("cp", "FILES/nofile", "r:/tmp"),
    ("cp", "r:/nofile", "FILES"),
    ("cp", "r:/tmp", "FILES/file"),
    ("cp", "r:/etc/passwd", "FILES/nodir/"),
    ("cp", "nosuch:/etc", "."),
    ("cp", "r:", "FILES"),
    ("cp", "-", "r:/etc/passwd"),
    ("cp", "-", "r:/tmp"),
    ("mount", "--format", "x"),
    ("mount", "nosuch"),
    ("mount", "-a", "s"),
    ("unmount", "nosuch"),
    ("unmount",),
    ("unmount", "s"),
    ("init", "s"),
    ("init", "s"),
    ("ps", "-a", "--filter", "name=s", "--format", "{{.Names}} {{.Status}}"),
    ("inspect", "s", "--format", "{{.State.Status}} {{.State.Running}}"),
    ("start", "s"),
    ("init", "r"),
    ("init", "nosuch"),
    ("stats", "-i", "0", "--no-stream"),
    ("stats", "--no-stream", "nosuch"),
    ("stats", "-a", "s"),
    ("stats", "--no-stream", "--format", "table {{.Name}} {{.ID}}", "s"),
    ("update", "--memory", "64m", "nosuch"),
    ("container", "clone", "--force", "s"),
    ("container", "clone", "s"),
    ("container", "clone", "nosuch"),
    ("ps", "-a", "--filter", "name=clone", "--format", "{{.Names}} {{.Status}}"),
    ("wait", "--condition", "foo", "s"),
    ("volume", "create", "-o", "foo=bar"),
    ("volume", "create", "-o", "o=uid=x"),
    ("volume", "create", "-o", "o=uid=7,gid=8", "own"),
    ("volume", "inspect", "own", "--format", "{{json .Options}} {{.UID}} {{.GID}}"),
    ("volume", "create", "--driver", "image", "--opt", "image=busybox", "of-image"),
    ("volume", "inspect", "of-image", "--format", "{{.Driver}} {{json .Options}} {{.Scope}}"),
    ("run", "--rm", "-v", "of-image:/v", *_NONE, "sh", "-c", "cd /v; ls; rm -r bin; echo x >new"),
    ("run", "--rm", "-v", "of-image:/v", *_NONE, "sh", "-c", "cd /v; ls; cat new"),
    ("volume", "create", "--driver", "image", "x"),
    ("volume", "create", "--driver", "image", "--opt", "image=nosuch", "x"),
    ("volume", "create", "--driver", "nosuch", "x"),
    ("volume", "export", "nosuch"),
    ("volume", "import", "nosuch", "-"),
    ("volume", "mount", "nosuch"),
    ("volume", "reload", "x"),
    ("container", "runlabel", "nolabel", "busybox"),
)


@pytest.fixture
def both(argosy: Program, busybox: str, podman: Podman) -> Iterator[tuple[Program, Podman]]:  # noqa: F811
    assert busybox
    podman.run("import", images.busybox_archive(), "busybox:latest")
    yield argosy, podman
    podman.run("rm", "--all", "--force", "--time", "0", check=False)


def _plain(text: str) -> str:
    lines = (" ".join(_ID.sub("ID", line).split()) for line in text.splitlines())
    return "\n".join(line for line in lines if not line.startswith("time="))


def test_same_words_same_answers(both: tuple[Program, Podman]) -> None:
    """Output as it is; of messages that podman's first line is in ours, which may say more."""
    argosy, peer = both
    argosy.call("sh", "-c", f"cd {argosy.files}; mkdir -p d/sub; echo x >d/f; ln -s f d/l; chmod 711 d; echo y >file")
    different = []
    for words in CALLS:
        named = [word.replace("FILES", argosy.files) for word in words]
        theirs = peer.run(*named, check=False)
        ours = argosy.run(*named, check=False, name="podman")
        if (theirs.returncode, _plain(theirs.stdout)) != (ours.returncode, _plain(ours.stdout)):
            different.append(
                f"{words}: {theirs.returncode} {theirs.stdout!r} is here {ours.returncode} {ours.stdout!r}"
            )
        message = _plain(theirs.stderr).partition("\n")[0]
        if message.removeprefix("Error: ") not in _plain(ours.stderr):
            different.append(f"{words}: {message!r} is here {ours.stderr!r}")
    assert "\n".join(different) == ""


# MARK is made another word each time: podman's log is one for all of its stores.
LIFE: tuple[tuple[str, ...], ...] = (
    ("create", "--name", "MARK", "--label", "a=b", *_NONE, "sleep", "1000"),
    ("start", "MARK"),
    ("pause", "MARK"),
    ("unpause", "MARK"),
    ("exec", "MARK", "true"),
    ("rename", "MARK", "MARK-2"),
    ("kill", "MARK-2"),
    ("wait", "MARK-2"),
    ("container", "cleanup", "MARK-2"),
    ("rm", "MARK-2"),
    ("volume", "create", "MARK"),
    ("volume", "rm", "MARK"),
    ("save", "--output", "DIR/MARK.tar", "busybox"),
    ("load", "--input", "DIR/MARK.tar"),
    ("push", "busybox", "oci:DIR/MARK-oci:it"),
    ("pull", "oci:DIR/MARK-oci:it"),
    ("import", "DIR/MARK.tar", "localhost/MARK:1"),
    ("tag", "localhost/MARK:1", "localhost/MARK:2"),
    ("image", "mount", "localhost/MARK:1"),
    ("image", "unmount", "localhost/MARK:1"),
    ("untag", "localhost/MARK:1", "localhost/MARK:1"),
    ("volume", "create", "--label", "MARK", "MARK"),
    ("volume", "prune", "--force", "--filter", "label=MARK"),
)


def _events(text: str, mark: str) -> list[dict[str, Any]]:
    """Those about the objects with the mark, IDs and times made alike.

    podman tells of a clean-up that finds nothing to do as well, and 4.3 leaves the exit code to a later version.
    """
    found = [json.loads(line) for line in text.splitlines()]
    images = {event.get("ID") for event in found if event["Status"] == "tag" and mark in event["Name"]}
    chosen = [
        {
            **{key: value for key, value in event.items() if key != "ContainerExitCode"},
            **{key: bool(event[key]) for key in ("ID", "Time") if key in event},
            "Attributes": event["Attributes"] or {},
        }
        for event in found
        if mark in event.get("Name", "") or event.get("ID") in images
    ]
    return [event for at, event in enumerate(chosen) if at == 0 or event != chosen[at - 1]]


def test_the_same_life_is_told_alike(both: tuple[Program, Podman]) -> None:
    argosy, peer = both
    mark = f"told{os.urandom(4).hex()}"
    for words in LIFE:
        named = [word.replace("MARK", mark).replace("DIR", argosy.files) for word in words]
        peer.run(*named)
        argosy.run(*named)
    shown = ("events", "--stream=false", "--since", "10m", "--format", "json")
    ours, theirs = _events(argosy.run(*shown).stdout, mark), _events(peer.run(*shown).stdout, mark)
    assert [event["Status"] for event in ours] == [event["Status"] for event in theirs]
    assert [list(event) for event in ours] == [list(event) for event in theirs]
    assert ours == theirs
