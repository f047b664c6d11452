"""Every kind of image from every place to the registry that is built in, and from there to every place."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.integration.test_copy_matrix import (
    ARTIFACT,
    EXACT,
    FOR_INDEXES,
    INDEX,
    MADE,
    PLACES,
    THREE_LAYERS,
    Ground,
)
from tests.rig.fake_docker import FakeDocker
from tests.rig.program import Program
from tests.rig.registry import Image, Registry, sha256
from tests.rig.served import Served


@pytest.fixture(scope="module")
def ground(shared_program: Program) -> Iterator[Ground]:
    with Served(shared_program, "registry") as served, FakeDocker(f"{shared_program.files}/docker.sock") as docker:
        registry = Registry(served.name, shared_program.files)
        for name, made in (("image", THREE_LAYERS), ("index", INDEX), ("artifact", ARTIFACT)):
            registry.push(f"matrix/{name}", "1", made)
        yield Ground(shared_program, registry, docker)


@pytest.mark.parametrize("place", PLACES)
def test_an_image_goes_there_and_back(ground: Ground, place: str) -> None:
    there, back = ground.place(place, "image"), ground.place("docker", f"back-{place}")
    if place != "docker":
        ground.copy(ground.place("docker", "image"), there)
    ground.copy(there, back)
    if place in EXACT:
        assert ground.raw(back) == THREE_LAYERS.manifest
    else:
        assert place in MADE
        assert sha256(ground.config(back)) == json.loads(THREE_LAYERS.manifest)["config"]["digest"]


@pytest.mark.parametrize("place", FOR_INDEXES)
def test_indexes_and_artifacts_go_there_and_back(ground: Ground, place: str) -> None:
    kinds: tuple[tuple[str, Image, tuple[str, ...]], ...] = (
        ("index", INDEX, ("--all", "--preserve-digests")),
        ("artifact", ARTIFACT, ()),
    )
    for name, made, flags in kinds:
        there, back = ground.place(place, name), ground.place("docker", f"{name}-back-{place}")
        if place != "docker":
            ground.copy(ground.place("docker", name), there, *flags)
        ground.copy(there, back, *flags)
        assert ground.raw(back) == made.manifest


def test_the_peers_skopeo_reads_what_is_there(ground: Ground) -> None:
    program = ground.program
    target = f"oci:{program.files}/peer:index"
    source = f"docker://{ground.registry.name}/matrix/index:1"
    program.call("/usr/bin/skopeo", "copy", "-q", "--all", "--src-tls-verify=false", source, target)
    back = f"docker://{ground.registry.name}/matrix/peer:1"
    program.call("/usr/bin/skopeo", "copy", "-q", "--all", "--dest-tls-verify=false", target, back)
    assert ground.raw(back) == INDEX.manifest
