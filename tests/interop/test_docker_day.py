"""The same day with docker's client and daemon, and with `bin/docker`."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.interop import docker_day
from tests.interop.docker_day import Step
from tests.rig import docker_engine, host, images
from tests.rig.docker_engine import DockerEngine
from tests.rig.program import Program

pytestmark = [
    pytest.mark.skipif(not host.is_root(), reason="docker's daemon, which it is compared with, is root's"),
]


def dockers(engine: DockerEngine) -> Iterator[Step]:
    """The day as docker has it."""
    with open(images.busybox_archive(), "rb") as archive:
        engine.run("import", "--change", 'CMD ["sh"]', "-", "busybox", input=archive.read())
    with _directory() as directory:
        for step in docker_day.steps():
            yield docker_day.lived(step.command, "command docker", directory, engine.environment)


def ours(program: Program) -> Iterator[Step]:
    """The day as Argosy has it."""
    program.busybox("docker.io/library/busybox")
    docker = shlex.join(program.argv(name="docker"))
    with _directory() as directory:
        for step in docker_day.steps():
            yield docker_day.lived(step.command, docker, directory, program.environment())


class _directory:
    """A directory to work in, with an archive of a root file system."""

    def __enter__(self) -> str:
        self._path = tempfile.mkdtemp(prefix="day.")
        shutil.copy(images.busybox_archive(), f"{self._path}/rootfs.tar")
        os.chmod(self._path, 0o755)
        return self._path

    def __exit__(self, *_error: object) -> None:
        shutil.rmtree(self._path)


def _differences(found: Iterator[Step]) -> str:
    pairs = zip(docker_day.steps(), found, strict=True)
    return "\n".join(filter(None, (docker_day.difference(wanted, one) for wanted, one in pairs)))


def test_a_day(argosy: Program) -> None:
    """Argosy prints what the transcript says, and docker still does, where it can run."""
    if docker_engine.why_not():
        assert _differences(ours(argosy)) == ""
        return
    with docker_engine.running() as engine, ThreadPoolExecutor(2) as pool:
        running = [pool.submit(_differences, found) for found in (ours(argosy), dockers(engine))]
        assert [one.result() for one in running] == ["", ""]
