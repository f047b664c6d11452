"""The corpus of Dockerfiles, built here and compared with what podman has made of each (builds/podman.json)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.config.locations import Locations
from argosy.images import naming
from argosy.linux import idmap, mounts
from argosy.oci.reference import Reference
from argosy.storage import rootfs
from argosy.storage.store import Store
from tests.interop.builds import corpus, outcome
from tests.interop.builds.outcome import Outcome
from tests.rig import host, images
from tests.rig.program import Program

CASES = corpus.cases()
BUILDS = Path(__file__).parent / "builds"
PODMAN: dict[str, Outcome] = json.loads((BUILDS / "podman.json").read_text(encoding="utf-8"))
OURS: dict[str, Outcome] = json.loads((BUILDS / "argosy.json").read_text(encoding="utf-8"))


class Builder:
    """The program with the base image and the context, and what it makes of a Dockerfile."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._context = f"{program.files}/context"
        os.mkdir(self._context)
        outcome.make_context(self._context)
        outcome.make_base(images.busybox_archive(), f"{program.files}/base.tar")
        program.run("import", f"{program.files}/base.tar", "base")
        self._base = self._tree("base")

    def build(self, text: str, flags: tuple[str, ...]) -> Outcome:
        words = (
            "build",
            "-q",
            "--format",
            "docker",
            "--network",
            "none",
            *flags,
            "-t",
            "made",
            "-f",
            "-",
            self._context,
        )
        self._program.run(*words, input=text.encode())
        store = self._store()
        record = store.refs.get(_reference("made"))
        assert record is not None
        config = store.blobs.read(store.images.get(record).config_digest)
        return outcome.outcome(config, self._tree("made"), self._base)

    def _store(self) -> Store:
        return Store.open(Locations(self._program.root, self._program.runroot), rootless=False, id_map=idmap.identity())

    def _tree(self, name: str) -> dict[str, str]:
        store = self._store()
        digest = store.refs.get(_reference(name))
        assert digest is not None
        image = store.images.get(digest)
        target = f"{self._program.files}/mounted"
        os.makedirs(target, exist_ok=True)
        rootfs.mount_readonly(store, target, image.diff_ids, image.chain_id, fixed=image.fixed)
        try:
            return outcome.tree(target)
        finally:
            mounts.unmount(target)


def _reference(name: str) -> Reference:
    return naming.local_name(name)


@pytest.fixture(scope="module")
def builder(shared_program: Program) -> Iterator[Builder]:
    if not host.is_root():
        pytest.skip("needs root: owners are compared with those of podman's root")
    yield Builder(shared_program)


@pytest.mark.parametrize("name", CASES)
def test_the_same_as_podman(builder: Builder, name: str) -> None:
    made = builder.build(CASES[name], corpus.FLAGS.get(name, ()))
    if name in corpus.DIFFERENT:
        assert made == OURS[name]
        assert made != PODMAN[name], "this is no difference any more"
    else:
        assert made == PODMAN[name]


def test_the_corpus_is_whole() -> None:
    assert PODMAN.keys() == CASES.keys()
    assert OURS.keys() == corpus.DIFFERENT.keys()
    assert corpus.DIFFERENT.keys() <= CASES.keys()
