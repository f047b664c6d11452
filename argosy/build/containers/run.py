"""`run`: a program in a working container's tree."""

from __future__ import annotations

import os

from argosy.build.containers.record import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.build.containers.record import WorkingRecord
    from argosy.build.executor import Site
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.records.shelf import Shelf
    from argosy.spec.options import ContainerOptions


def run(
    site: Site,
    shelf: Shelf,
    record: WorkingRecord,
    options: ContainerOptions,
    config: Callable[[ContainerConfig], ContainerConfig],
) -> int:
    """Run the command of `options` to its end; its exit status.

    The image's entrypoint and command do not count, and its volumes are places in the tree, so that what is written
    there stays.
    """
    site.sweep_steps()
    plain = record.config.replace(volumes=(), entrypoint=(), cmd=(), healthcheck=None, stop_signal="")
    with Tree(site.store, shelf, record, shared=True) as tree:
        return site.run_step(os.urandom(32).hex(), options, config(plain), tree, (1, 2))
