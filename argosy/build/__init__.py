"""Builds: a Dockerfile becomes a syntax tree, the tree a plan, the plan an image.

dockerfile/   the language: text to frozen values with positions; no files, no processes
plan          which stages are built, from what, in which order
configure     what instructions make of the image's configuration; pure
context       the context and its Dockerfile
filetree      trees of files that COPY takes from; `content` digests them, `copying` copies, `transfer` is COPY
run           RUN: mounts, secrets, agents around a step that runs as a container does
cache         what steps have made, by keys of content; `sizes` says what of it has to go
working       the mounted tree of a stage
stage         one stage, step by step; `steps` are its instructions, `linked` makes layers apart from those below
executor      all stages of a build, side by side
result        the image
attest        statements about the image: `sbom` its packages, `provenance` where it comes from
failure       what a failing RUN leaves to look into
containers/   working containers, changed step by step
    output        its files beside the store
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.containers import WorkingContainers
    from argosy.build.context import Context
    from argosy.build.executor import Site
    from argosy.build.options import BuildOptions
    from argosy.build.output import Output
    from argosy.build.plan import Plan
    from argosy.build.report import Report
    from argosy.build.sizes import Room
    from argosy.oci.platform import Platform
    from argosy.storage.images import ImageRecord


class Build:
    """The use cases of `argosy.build` on one store."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def context(self, text: str, *, has_file: bool) -> Context:
        """Open a context: a directory, `-`, a URL or a repository; "" for none.  Use it as a context manager.

        `has_file`: the Dockerfile is named apart, so that a file here cannot be it.
        """
        from argosy.build import context

        return context.Context(self._site.store, self._site.environ, text, has_file=has_file)

    def plan(self, options: BuildOptions) -> Plan:
        from argosy.build import executor

        return executor.make_plan(options)

    def platforms(self, options: BuildOptions) -> tuple[Platform, ...]:
        """All that can be built for: what each base image is there for."""
        from argosy.build import executor

        return executor.common_platforms(self._site, options)

    def bases(self, options: BuildOptions) -> dict[str, str]:
        """The base images of a build that is done, by name, with the digests of their manifests."""
        from argosy.build import executor

        return executor.bases(self._site, options)

    def build(self, options: BuildOptions, report: Report | None = None) -> ImageRecord:
        from argosy.build import executor
        from argosy.build import report as reports

        return executor.build(self._site, options, report or reports.Report())

    def write(self, image: ImageRecord, output: Output) -> None:
        from argosy.build import output as outputs

        outputs.write(self._site.store, image, output)

    @property
    def containers(self) -> WorkingContainers:
        """The containers that are changed step by step, as buildah does it."""
        from argosy.build.containers import WorkingContainers

        return WorkingContainers(self._site)

    def prune_cache(self, *, older_than_s: float = 0.0, room: Room | None = None) -> int:
        """Forget what no build has used for so long; returns how many steps that were.

        With `room`, only as much as has to go so that the rest fits it, the longest unused first.
        """
        from argosy.build import cache

        if room is not None:
            return cache.Cache(self._site.store).shrink(room, older_than_s=older_than_s)
        return cache.Cache(self._site.store).prune(older_than_s=older_than_s)
