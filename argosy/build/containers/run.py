"""`run`: a program in a working container's tree."""

from __future__ import annotations

import contextlib
import os

from argosy.build.containers.record import Tree
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.build.containers.record import WorkingRecord
    from argosy.build.dockerfile.mounts import Mount
    from argosy.build.executor import Site
    from argosy.build.plan import Source
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.oci.platform import Platform
    from argosy.records.shelf import Shelf
    from argosy.spec.options import ContainerOptions


class Extra(Value):
    """What one run mounts as a RUN of a Dockerfile does; `context` is the directory that bind mounts begin in."""

    mounts: tuple[Mount, ...] = ()
    context: str = ""


def run(
    site: Site,
    shelf: Shelf,
    record: WorkingRecord,
    options: ContainerOptions,
    config: Callable[[ContainerConfig], ContainerConfig],
    extra: Extra = Extra(),  # noqa: B008 -- frozen
    output: tuple[int, int] = (1, 2),
) -> int:
    """Run the command of `options` to its end; its exit status.  `output` are descriptors for output and errors.

    The image's entrypoint and command do not count, and its volumes are places in the tree, so that what is written
    there stays.
    """
    site.sweep_steps()
    plain = record.config.replace(volumes=(), entrypoint=(), cmd=(), healthcheck=None, stop_signal="")
    with Tree(site.store, shelf, record, shared=True) as tree, contextlib.ExitStack() as stack:
        if extra.mounts:
            options = _with_mounts(site, record, options, extra, stack)
        return site.run_step(os.urandom(32).hex(), options, config(plain), tree, output)


def _with_mounts(
    site: Site, record: WorkingRecord, options: ContainerOptions, extra: Extra, stack: contextlib.ExitStack
) -> ContainerOptions:
    """The options with the mounts made, which are undone at the end of `stack`."""
    from argosy.build.dockerfile import instructions as tree
    from argosy.build.dockerfile.scopes import Scope
    from argosy.build.options import BuildOptions
    from argosy.build.run import Command, Preparation
    from argosy.build.sources import Sources
    from argosy.build.working import Working

    def layers_of(source: Source, platform: Platform) -> tuple[str, ...]:
        return site.find_image(source.name, platform, "missing").record.diff_ids

    nothing = tree.Dockerfile("", ())
    build = BuildOptions(nothing, context=extra.context, run=options)
    sources = stack.enter_context(Sources(site.store, nothing, 0, build, site.environ, layers_of, record.platform))
    beside = stack.enter_context(Working(site.store, record.diff_ids, record.id_map))
    prepared = Preparation(
        site.store,
        tree.Run(0, 0, "", "RUN"),
        Command(options.command or ()),
        list(extra.mounts),
        Scope({}, {}, {}, {}),
        sources,
        beside,
        build,
        options.workdir or record.config.working_dir,
    )
    return stack.enter_context(prepared).options
