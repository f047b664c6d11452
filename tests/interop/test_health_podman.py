"""Health checks beside podman: the same words, statuses and documents.

podman's timers are systemd's; here every check is asked for by `healthcheck run`, on both sides.  Left out on purpose:
`["CMD", ...]`, which podman 4 takes apart wrongly; the times that it shows of `none`; the status in an event, which it
tells before it is known; and the failing streak after a restart, which it keeps.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.interop.peer import Podman, inspected, podman, side_by_side  # noqa: F401 -- a fixture
from tests.rig import host, images
from tests.rig.program import Program

pytestmark = [host.needs_root, host.needs_podman_4()]

_RUN = ("run", "-d", "--network=none", "--health-interval=disable")
_SLEEP = ("busybox", "sleep", "1000")
_STATUS = ("ps", "-a", "--format", "{{.Names}} {{.Status}} {{.State}}", "--filter")

# What can be asked for, and comes to the same check.
CREATED: tuple[tuple[str, ...], ...] = (
    (),
    ("--no-healthcheck",),
    ("--health-cmd", "ls / || exit 1"),
    ("--health-cmd", '["ls", "/"]'),
    ("--health-cmd", '["ls"]'),
    ("--health-cmd", "CMD ls /"),
    ("--health-cmd", "CMD-SHELL ls | cat"),
    ("--health-cmd", "a", "--health-interval", "1m30s", "--health-timeout", "7s", "--health-start-period", "1h"),
    ("--health-cmd", "a", "--health-interval", "0", "--health-retries", "9", "--health-on-failure", "restart"),
)
# What cannot.
REFUSED: tuple[tuple[str, ...], ...] = (
    ("--health-cmd", "[]"),
    ("--health-cmd", "a", "--no-healthcheck"),
    ("--health-cmd", "a", "--health-interval", "x"),
    ("--health-cmd", "a", "--health-retries", "0"),
    ("--health-cmd", "a", "--health-retries", "-1"),
    ("--health-cmd", "a", "--health-timeout", "0"),
    ("--health-cmd", "a", "--health-timeout", "x"),
    ("--health-cmd", "a", "--health-start-period", "-1s"),
    ("--health-cmd", "a", "--health-on-failure", "foo"),
    ("--health-on-failure", "kill"),
)
# Containers, by what they are checked with, how, and how often.
CHECKED: dict[str, tuple[str, tuple[str, ...], int]] = {
    "good": ("echo one; echo; echo two", (), 1),
    "bad": ("echo out; exit 3", (), 3),
    "once": ("kill -9 $$", (), 1),
    "who": ("id -u; pwd; echo $WORD", ("--user", "7", "--workdir", "/bin", "--env", "WORD=word"), 1),
    "long": ("yes no | head -c 2000", (), 1),
    "early": ("exit 1", ("--health-start-period", "1h"), 3),
    "killed": ("exit 1", ("--health-on-failure", "kill"), 3),
    "late": ("sleep 1", ("--health-timeout", "200ms"), 1),
}
CALLS: tuple[tuple[str, ...], ...] = (
    *(("create", "--name", "refused", *flags, *_SLEEP) for flags in REFUSED),
    ("healthcheck", "run"),
    ("healthcheck", "run", "a", "b"),
    ("healthcheck", "run", "nosuch"),
    ("create", "--name", "plain", *_SLEEP),
    ("healthcheck", "run", "plain"),
    ("create", "--name", "stopped", "--health-cmd", "true", *_SLEEP),
    ("healthcheck", "run", "stopped"),
    *(
        words
        for name, (script, flags, times) in CHECKED.items()
        for words in (
            (*_RUN, "--name", name, "--health-retries=2", "--health-cmd", script, *flags, *_SLEEP),
            *[("healthcheck", "run", name)] * times,
        )
    ),
    ("inspect", *CHECKED, "--format", "{{.Name}} {{json .State.Healthcheck}}"),
    (*_STATUS, "name=."),
    (*_STATUS, "health=unhealthy"),
    (*_STATUS, "health=starting"),
    (*_STATUS, "health=healthy"),
)


@pytest.fixture
def both(argosy: Program, podman: Podman) -> Iterator[tuple[Program, Podman]]:  # noqa: F811
    with open(images.busybox_archive(), "rb") as archive:
        data = archive.read()
    argosy.run("import", "-", "busybox", input=data)
    podman.run("import", "-", "busybox", input=data)
    yield argosy, podman
    podman.run("rm", "--all", "--force", "--time", "0")


def _plain(text: str) -> str:
    """Without what is another one's each time, and what podman says to itself."""
    lines = [line for line in text.splitlines() if "level=" not in line]
    text = re.sub(r"[0-9a-f]{64}", "ID", "\n".join(lines))
    text = re.sub(r'"(Start|End)":"[^"]+"', r'"\1":"TIME"', text)
    text = re.sub(r'"Output":"Health check exceeded[^"]*"', '"Output":""', text)  # docker's word for it, and podman 5's
    text = re.sub(r"(Up|Exited \(\d+\)) [^()]* ago", r"\1", text)
    return text.replace("podman", "argosy")


def _answers(run: Callable[..., Any]) -> list[tuple[int, str, str]]:
    found = []
    for words in CALLS:
        done = run(*words, check=False)
        found.append((done.returncode, _plain(done.stdout), _plain(done.stderr)))
    return found


def test_the_same_words_are_answered_alike(both: tuple[Program, Podman]) -> None:
    """Output as it is; of messages that podman's first line is in ours, which may say more."""
    argosy, peer = both
    ours, theirs = side_by_side(lambda: _answers(partial(argosy.run, name="podman")), lambda: _answers(peer.run))
    different = []
    for words, here, there in zip(CALLS, ours, theirs, strict=True):
        message = there[2].partition("\n")[0].removeprefix("Error: ")
        if here[:2] != there[:2] or message not in here[2]:
            different.append(f"{words}: {there} is here {here}")
    assert "\n".join(different) == ""


def test_checks_look_alike(both: tuple[Program, Podman]) -> None:
    argosy, peer = both
    words = [["create", *flags, *_SLEEP] for flags in CREATED]
    ours, theirs = side_by_side(lambda: inspected(argosy.run, words), lambda: inspected(peer.run, words))
    for flags, here, there in zip(CREATED, ours, theirs, strict=True):
        for key in ("Healthcheck", "HealthcheckOnFailureAction"):
            assert (flags, here["Config"].get(key)) == (flags, there["Config"].get(key))
        assert here["State"]["Health"] == there["State"]["Health"]


def test_events_are_told_alike(both: tuple[Program, Podman]) -> None:
    """Kinds and fields; the beginning of a check is none of an exec's.  podman's log is one for all of its stores."""
    name, fields = f"told{os.urandom(4).hex()}", []
    for run in (both[0].run, both[1].run):
        run(*_RUN, "--name", name, "--health-cmd", "true", *_SLEEP)
        run("healthcheck", "run", name)
        shown = run("events", "--stream=false", "--since", "5m", "--format", "json", "--filter", f"container={name}")
        events = [json.loads(line) for line in shown.stdout.splitlines()]
        found = [event for event in events if event["Status"] in ("health_status", "exec", "exec_died")]
        fields.append(sorted((event["Status"], tuple(event)) for event in found))
    assert fields[0] == fields[1]
