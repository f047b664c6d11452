"""Where an image comes from: a SLSA provenance predicate (slsa.dev/provenance/v1)."""

from __future__ import annotations

from argosy.values import Value
from argosy.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PREDICATE = "https://slsa.dev/provenance/v1"
_BUILD_TYPE = "urn:argosy:build:dockerfile:v1"


class Origin(Value):
    """What is said of a build.  `bases` are base images by name, with their digests; times are in RFC 3339.

    With `everything` the arguments and the Dockerfile itself are told, which may hold what not all should see.
    """

    dockerfile: str
    text: str
    target: str
    platform: str
    arguments: Mapping[str, str]
    bases: Mapping[str, str]
    started: str
    finished: str
    invocation: str
    everything: bool = False


def predicate(origin: Origin) -> dict[str, Any]:
    """The predicate."""
    parameters: dict[str, Any] = {"dockerfile": origin.dockerfile, "platform": origin.platform}
    if origin.target:
        parameters["target"] = origin.target
    if origin.everything:
        parameters["arguments"] = dict(origin.arguments)
        parameters["source"] = origin.text
    return {
        "buildDefinition": {
            "buildType": _BUILD_TYPE,
            "externalParameters": parameters,
            "resolvedDependencies": [_dependency(name, digest) for name, digest in sorted(origin.bases.items())],
        },
        "runDetails": {
            "builder": {"id": f"urn:argosy:{VERSION}", "version": {"argosy": VERSION}},
            "metadata": {
                "invocationId": origin.invocation,
                "startedOn": origin.started,
                "finishedOn": origin.finished,
            },
        },
    }


def _dependency(name: str, digest: str) -> dict[str, Any]:
    from urllib.parse import quote

    algorithm, _, digits = digest.partition(":")
    return {"uri": f"pkg:docker/{quote(name, safe='/:@')}", "digest": {algorithm: digits}}
