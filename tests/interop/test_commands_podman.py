"""What podman's commands print and end with, and ours, on containers that are alike.

Both get the same words in turn, and after each the texts and statuses are compared, ids made alike. What differs on
purpose is left out of the list, with the reason:

- `stop`, `kill` and `rm` of several names of which one is missing: podman does nothing, we go on, as docker does.
- `start` of a container that runs: podman prints nothing, we the name, as docker does.
- hints: ours stand on lines of their own behind podman's message.
- `wait --condition running`: podman 4.3 looks at nothing but the end and never answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.interop.peer import Podman, podman  # noqa: F401 -- a fixture
from tests.rig import host, images
from tests.rig.program import Program

pytestmark = [host.needs_root, host.needs_podman_4()]

_ID = re.compile(r"[0-9a-f]{64}|\b[0-9a-f]{12}\b")
_NONE = ("--network", "none", "busybox")

# The words of each call; the state of the containers goes on from one to the next.
CALLS: tuple[tuple[str, ...], ...] = (
    ("run", "-d", "--name", "r1", "--label", "a=b", *_NONE, "sleep", "1000"),
    ("create", "--name", "c1", *_NONE, "true"),
    ("create", "--name", "dep", "--network", "container:r1", "busybox", "true"),
    ("ps", "-a", "--pod", "--format", "table {{.ID}} {{.Names}} {{.Pod}} {{.PodName}} {{.Ports}} {{.Command}}"),
    ("ps", "--filter", "label=a=b", "--format", "{{.Names}}"),
    ("ps", "-a", "--filter", "status=created", "--sort", "names", "--format", "{{.Names}} {{.Image}}"),
    ("ps", "--filter", "foo"),
    ("ps", "--filter", "bar=1"),
    ("ps", "--filter", "status=foo"),
    ("ps", "--last", "1", "--latest"),
    ("ps", "--watch", "x"),
    ("port", "r1"),
    ("port", "r1", "80"),
    ("port",),
    ("port", "nosuch"),
    ("port", "-a", "r1"),
    ("rename", "r1"),
    ("rename", "nosuch", "x"),
    ("rename", "c1", "c2"),
    ("rename", "c2", "c1"),
    ("restart",),
    ("restart", "--all", "r1"),
    ("restart", "-t", "0", "r1"),
    ("restart", "-t", "0", "r1", "nosuch"),
    ("restart", "--filter", "foo=1"),
    ("restart", "--filter", "label=a=b", "-t", "0"),
    ("restart", "-t", "x", "r1"),
    ("start",),
    ("start", "nosuch"),
    ("start", "--all", "r1"),
    ("start", "--attach", "--all"),
    ("start", "--attach", "c1", "r1"),
    ("start", "--attach", "c1"),
    ("start", "--latest", "r1"),
    ("exec",),
    ("exec", "r1"),
    ("exec", "c1", "true"),
    ("exec", "nosuch", "true"),
    ("exec", "r1", "sh", "-c", "exit 7"),
    ("exec", "r1", "nosuchcmd"),
    ("exec", "-d", "r1", "nosuchcmd"),
    ("exec", "-d", "c1", "true"),
    ("exec", "-w", "/nosuch", "r1", "true"),
    ("exec", "-d", "-w", "/nosuch", "r1", "true"),
    ("exec", "-u", "nosuch", "r1", "true"),
    ("exec", "-u", "root:nosuch", "r1", "true"),
    ("exec", "-d", "-u", "nosuch", "r1", "true"),
    ("top", "r1", "pid,user", "args", "capeff", "state", "nice", "seccomp", "label", "tty"),
    ("top",),
    ("top", "nosuch"),
    ("top", "c1"),
    ("logs",),
    ("logs", "nosuch"),
    ("logs", "--latest", "r1"),
    ("logs", "--color", "c1"),
    ("wait",),
    ("wait", "nosuch"),
    ("wait", "--condition", "foo", "r1"),
    ("wait", "c1"),
    ("kill",),
    ("kill", "c1"),
    ("kill", "--all", "x"),
    ("kill", "--all", "--latest"),
    ("attach",),
    ("attach", "r1", "c1"),
    ("attach", "nosuch"),
    ("container", "exists", "nosuch"),
    ("container", "exists", "--external", "r1"),
    ("container", "prune", "--force", "--filter", "foo=1"),
    ("container", "prune", "--force", "--filter", "label"),
    ("container", "prune", "--force", "--filter", "until=xx"),
    (
        "container",
        "cleanup",
    ),
    ("container", "cleanup", "--all", "--latest"),
    ("stop", "--filter", "name=r1", "c1"),
    ("rm",),
    ("rm", "r1"),
    ("rm", "nosuch"),
    ("rm", "--filter", "name=x", "c1"),
    ("stop", "-t", "0", "r1"),
    ("rm", "--depend", "r1"),
    ("container", "prune", "--force", "--filter", "label!=zz"),
    ("ps", "-a"),
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
    different = []
    for words in CALLS:
        theirs = peer.run(*words, check=False)
        ours = argosy.run(*words, check=False, name="podman")
        if (theirs.returncode, _plain(theirs.stdout)) != (ours.returncode, _plain(ours.stdout)):
            different.append(
                f"{words}: {theirs.returncode} {theirs.stdout!r} is here {ours.returncode} {ours.stdout!r}"
            )
        message = _plain(theirs.stderr).partition("\n")[0]
        if message.removeprefix("Error: ") not in _plain(ours.stderr):
            different.append(f"{words}: {message!r} is here {ours.stderr!r}")
    assert "\n".join(different) == ""
