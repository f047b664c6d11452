"""A build that is ended in the middle of a step: by ^C, by SIGTERM, by SIGKILL."""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest

from tests.rig.program import Program

BUSYBOX = shutil.which("busybox") or "/bin/busybox"
DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
RUN --mount=type=bind,target=/in ["/bin/busybox", "sh", "-c", "echo started; exec /bin/busybox sleep 1000"]
"""


def left(program: Program) -> list[str]:
    """What a build may leave: temporary directories, run directories, namespaces, records of the runtime."""
    places = (f"{program.root}/tmp", *(f"{program.runroot}/{name}" for name in ("containers", "netns", "runtime")))
    found = [(place, name) for place in places if os.path.isdir(place) for name in os.listdir(place)]
    return [f"{place}/{name}" for place, name in found if name != ".cache"]  # crun's own, of filters


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays(argosy_both: Program, number: signal.Signals) -> None:
    os.mkdir(f"{argosy_both.files}/ctx")
    argosy_both.write("ctx/Dockerfile", DOCKERFILE)
    with open(BUSYBOX, "rb") as file:
        argosy_both.write("ctx/busybox", file.read(), 0o755)
    process = argosy_both.start("build", f"{argosy_both.files}/ctx")
    assert process.stdout is not None
    while process.stdout.readline() != b"started\n":
        assert process.poll() is None
    process.send_signal(number)
    status = process.wait(30)
    assert status == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
    if number == signal.SIGKILL:
        assert left(argosy_both)
        argosy_both.run("build", "-q", "-f", "-", f"{argosy_both.files}/ctx", input=b"FROM scratch\nCOPY busybox /\n")
    deadline = time.monotonic() + 10
    while left(argosy_both) and time.monotonic() < deadline:
        time.sleep(0.05)  # the runtime that waited for the step is on its way out
    assert left(argosy_both) == []
    done = argosy_both.run("build", "--plan", f"{argosy_both.files}/ctx")
    assert "FROM scratch" in done.stdout
    process.stdout.close()
    if process.stderr is not None:
        process.stderr.close()
