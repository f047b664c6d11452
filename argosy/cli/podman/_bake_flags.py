"""A target of a bake file as what `build` takes: the values of its flags, and its context."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.build.bake.targets import Target
    from argosy.cli.podman.bake import BakeFlags

_AS_THEY_ARE = {
    "annotations": "annotation",
    "cache-from": "cache_from",
    "cache-to": "cache_to",
    "entitlements": "allow",
    "secret": "secret",
    "shm-size": "shm_size",
    "ssh": "ssh",
    "tags": "tag",
    "target": "target",
    "ulimits": "ulimit",
}
_STORED = ("docker", "image", "oci", "registry")


class Place(Value):
    """Where a build finds what it needs: `images` are the ids of targets, `inline` the file of an inline Dockerfile."""

    images: Mapping[str, str]
    inline: str
    iidfile: str


def values(target: Target, flags: BakeFlags, place: Place) -> dict[str, Any]:
    """The values of the flags.  Raises Unsupported for what `build` cannot do."""
    fields = target.fields
    found: dict[str, Any] = {"iidfile": place.iidfile}
    for name, key in _AS_THEY_ARE.items():
        if name in fields:
            value = fields[name]
            found[key] = tuple(value) if isinstance(value, list) else value
    found["build_arg"] = tuple(f"{name}={value}" for name, value in fields.get("args", {}).items())
    found["label"] = tuple(f"{name}={value}" for name, value in fields.get("labels", {}).items())
    found["add_host"] = tuple(f"{name}:{value}" for name, value in fields.get("extra-hosts", {}).items())
    found["build_context"] = tuple(_context(name, value, place) for name, value in fields.get("contexts", {}).items())
    if fields.get("platforms"):
        found["platform"] = ",".join(fields["platforms"])
    if "network" in fields:
        found["network"] = (fields["network"],)
    found["file"] = (_dockerfile(fields, place),)
    found["no_cache"] = fields.get("no-cache", False) or flags.no_cache
    if fields.get("pull") or flags.pull:
        found["pull"] = "true"
    found.update(_outputs(fields, flags))
    found.update(_attestations(fields, flags))
    found.update(
        {
            key: value
            for key, value in (("progress", flags.progress), ("tls_verify", flags.tls_verify))
            if value is not None
        }
    )
    _refuse(target)
    return found


def context(target: Target) -> str:
    """The context: a directory, or what `build` takes else."""
    text: str = target.fields.get("context", ".")
    return text.removeprefix("cwd://") or "."


def _refuse(target: Target) -> None:
    if target.fields.get("no-cache-filter"):
        raise Unsupported(f"target {target.name}: no-cache-filter: a build takes no stages out of the cache one by one")
    call = target.fields.get("call", "build")
    if call != "build":
        raise Unsupported(
            f"target {target.name}: call = {call}: targets are built", hint="argosy build --check checks one"
        )


def _context(name: str, value: str, place: Place) -> str:
    from argosy.build.bake.targets import TARGET

    if value.startswith(TARGET):
        return f"{name}=docker-image://{place.images[value.removeprefix(TARGET)]}"
    return f"{name}={value.removeprefix('cwd://') or '.'}"


def _dockerfile(fields: Mapping[str, Any], place: Place) -> str:
    """The Dockerfile, which is looked for in the context where that is a directory."""
    if "dockerfile-inline" in fields:
        return place.inline
    name: str = fields.get("dockerfile", "Dockerfile")
    directory = fields.get("context", ".").removeprefix("cwd://") or "."
    return name if "://" in directory or "://" in name else os.path.join(directory, name)


def _outputs(fields: Mapping[str, Any], flags: BakeFlags) -> dict[str, Any]:
    """What is written to files stays; what goes to the store or a registry is --load and --push."""
    kept, push = [], flags.push or fields.get("push", False)
    for output in fields.get("output", ()):
        parts = dict(part.partition("=")[::2] for part in output.split(","))
        kind = parts.get("type", "")
        if kind == "cacheonly":
            continue
        if kind not in _STORED or ("dest" in parts and kind != "registry"):
            kept.append(output)
            continue
        push = push or kind == "registry" or parts.get("push") == "true"
    return {"output": tuple(kept), "push": push}


def _attestations(fields: Mapping[str, Any], flags: BakeFlags) -> dict[str, Any]:
    found = {"sbom": flags.sbom, "provenance": flags.provenance}
    for text in fields.get("attest", ()):
        parts = dict(part.partition("=")[::2] for part in text.split(","))
        kind = parts.get("type", "")
        if kind not in found:
            raise ArgosyError(f'attest "{text}": the type is sbom or provenance')
        if found[kind] is None:
            mode = f"mode={parts['mode']}" if kind == "provenance" and "mode" in parts else "true"
            found[kind] = "false" if parts.get("disabled") == "true" else mode
    return {key: value for key, value in found.items() if value is not None}
