"""Platforms: operating system, architecture and variant (image-spec, image-index.md), and which image fits one.

Names are normalised as containerd does (x86_64 is amd64, aarch64 is arm64).  Fit is podman's rule: the wanted variant,
then the older ones that it can run, then an entry that names no variant.
"""

from __future__ import annotations

import os

from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "i386": ("386", ""),
    "i486": ("386", ""),
    "i586": ("386", ""),
    "i686": ("386", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv5l": ("arm", "v5"),
    "armv6l": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
    "armv8l": ("arm", "v8"),
    "loongarch64": ("loong64", ""),
    "mips64el": ("mips64le", ""),
    "mipsel": ("mipsle", ""),
}
_KNOWN_ARCHITECTURES = frozenset(
    (
        *(name for name, _ in _ARCHITECTURES.values()),
        *("mips", "mips64", "ppc64", "ppc64le", "riscv64", "s390x", "sparc64", "wasm"),
    )
)
_KNOWN_SYSTEMS = frozenset(
    (
        *("aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "js", "linux", "netbsd", "openbsd", "plan9"),
        *("solaris", "wasip1", "windows"),
    )
)
_NEWEST_FIRST = {
    "arm": ("v8", "v7", "v6", "v5"),
    "arm64": ("v8",),
    "amd64": ("v4", "v3", "v2", "v1"),
}
# The variant that says no more than the architecture's name does.
_BASE_VARIANT = {"arm64": "v8", "amd64": "v1"}


class Platform(Value):
    """What an image is made for.  An empty field is not stated."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


def normalized(platform: Platform) -> Platform:
    """`platform` with the names that images use: one spelling per architecture, no variant that says nothing."""
    system = {"macos": "darwin"}.get(platform.os.lower(), platform.os.lower())
    architecture = platform.architecture.lower()
    variant = platform.variant.lower()
    architecture, implied = _ARCHITECTURES.get(architecture, (architecture, ""))
    if variant and variant[0] in "0123456789":
        variant = f"v{variant}"
    variant = variant or implied
    if variant == _BASE_VARIANT.get(architecture):
        variant = ""
    return platform.replace(os=system, architecture=architecture, variant=variant)


def host() -> Platform:
    """The platform of the running kernel."""
    return normalized(Platform("linux", os.uname().machine))


def parse(text: str) -> Platform:
    """`os[/architecture[/variant]]`, or an architecture alone (of linux); what is not said is the host's."""
    parts = text.split("/")
    if len(parts) > 3 or not all(_is_word(part) for part in parts):
        raise Invalid(
            "platform", text, "it is written as os[/architecture[/variant]]", hint="for example linux/arm64/v8"
        )
    if len(parts) > 1:
        return normalized(Platform(*parts))
    only = parts[0].lower()
    if only in ("macos", *_KNOWN_SYSTEMS):
        return host().replace(os="darwin" if only == "macos" else only)
    if only in _ARCHITECTURES or only in _KNOWN_ARCHITECTURES:
        return normalized(Platform("linux", only))
    raise Invalid(
        "platform", text, "neither an operating system nor an architecture", hint="for example linux/arm64/v8"
    )


def best(candidates: Sequence[Platform | None], wanted: Platform) -> int | None:
    """The position of the candidate that fits `wanted` best, the first among equals; None when none fits.

    A candidate without a platform (None) fits anything, after all that name theirs.
    """
    wanted = normalized(wanted)
    variants = _acceptable(wanted)
    chosen: int | None = None
    chosen_rank = len(variants) + 1
    for position, candidate in enumerate(candidates):
        rank = len(variants)
        if candidate is not None:
            candidate = normalized(candidate)
            if (candidate.os, candidate.architecture) != (wanted.os, wanted.architecture):
                continue
            if candidate.variant not in variants:
                continue
            rank = variants.index(candidate.variant)
        if rank < chosen_rank:
            chosen, chosen_rank = position, rank
    return chosen


def fits(candidate: Platform, wanted: Platform) -> bool:
    """Whether an image for `candidate` may be used where `wanted` was asked for."""
    return best((candidate,), wanted) is not None


def _acceptable(wanted: Platform) -> tuple[str, ...]:
    """Variants that `wanted` can run, best first; an older one beats one that is not stated."""
    order = _NEWEST_FIRST.get(wanted.architecture, ())
    base = _BASE_VARIANT.get(wanted.architecture, "")
    variant = wanted.variant or base or ("v7" if wanted.architecture == "arm" else "")
    if variant in order:
        usable = order[order.index(variant) :]
        return tuple("" if name == base else name for name in usable) + (() if base else ("",))
    return (variant, "") if variant else ("",)


def _is_word(part: str) -> bool:
    return part[:1].isalnum() and all(c.isascii() and (c.isalnum() or c in "_.-") for c in part)
