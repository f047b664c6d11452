"""Which variables an instruction sees.

Arguments before the first FROM make the file's own scope, which FROM lines see, with those that describe the platforms.
A stage sees of it only what it declares again with ARG; a stage that starts from another one goes on with its
arguments.  A variable of ENV hides an argument of the same name.  What was given with --build-arg takes the place of
the default, never of an ENV.  The predefined proxy arguments need no ARG: RUN sees them when they are given, and
neither the history nor a step's key tells of them.
"""

from __future__ import annotations

from argosy.build.dockerfile import expand
from argosy.build.dockerfile.expand import Rules
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from argosy.build.dockerfile.expand import Expanded
    from argosy.build.dockerfile.instructions import Assignment
    from argosy.oci.platform import Platform

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
PREDEFINED = frozenset(name for proxy in _PROXIES for name in (proxy, proxy.lower()))


def platform_arguments(build: Platform, target: Platform, stage: str) -> dict[str, str]:
    """BUILDPLATFORM, TARGETPLATFORM and their parts, and the name of the stage that is built."""
    found = {"TARGETSTAGE": stage or "default"}
    for prefix, platform in (("BUILD", build), ("TARGET", target)):
        found[f"{prefix}PLATFORM"] = str(platform)
        found[f"{prefix}OS"] = platform.os
        found[f"{prefix}OSVERSION"] = platform.os_version
        found[f"{prefix}ARCH"] = platform.architecture
        found[f"{prefix}VARIANT"] = platform.variant
    return found


class Scope(Value):
    """The variables at one place.  `given` is what the user gave, `outer` what ARG without a default falls back to."""

    env: dict[str, str]
    arguments: dict[str, str]
    given: Mapping[str, str]
    outer: Mapping[str, str]
    escape: str = "\\"

    @property
    def variables(self) -> dict[str, str]:
        """What `$NAME` means."""
        return {**self.arguments, **self.env}

    @property
    def run_arguments(self) -> dict[str, str]:
        """What RUN finds in its environment besides ENV."""
        proxies = {name: value for name, value in self.given.items() if name in PREDEFINED}
        return {name: value for name, value in {**proxies, **self.arguments}.items() if name not in self.env}

    def expand(self, text: str, *, quotes_are_text: bool = False) -> Expanded:
        """`text` with its variables replaced."""
        return expand.expand(text, self.variables, Rules(escape=self.escape, quotes_are_text=quotes_are_text))

    def with_env(self, name: str, value: str) -> Scope:
        return self.replace(env={**self.env, name: value})

    def with_arguments(self, assignments: Iterable[Assignment]) -> Scope:
        """After an ARG.  One without any value stays undefined, and hides nothing."""
        scope = self
        for assignment in assignments:
            name = scope.expand(assignment.name).text
            value = scope.given.get(name)
            if value is None and assignment.value is not None:
                value = scope.expand(assignment.value).text
            if value is None:
                value = scope.outer.get(name)
            if value is not None:
                scope = scope.replace(arguments={**scope.arguments, name: value})
        return scope


def file_scope(given: Mapping[str, str], platforms: Mapping[str, str], escape: str) -> Scope:
    """The scope of the file, before its first ARG."""
    return Scope({}, dict(platforms), given, platforms, escape)


def stage_scope(outer: Scope, env: Iterable[str], inherited: Mapping[str, str]) -> Scope:
    """The scope of a stage whose base has the environment `env`; `inherited` are the arguments of the stage it is."""
    found = dict(entry.partition("=")[::2] for entry in env)
    return Scope(found, dict(inherited), outer.given, outer.arguments, outer.escape)
