"""What `login` and `logout` share: which registry is meant, and under which key its credentials are kept."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.config.registries import Registries

_DOCKER_HUB = "docker.io"
_DOCKER_HUB_SERVER = "https://index.docker.io/v1/"


def uid() -> int:
    """The user's id outside of any namespace of ours."""
    from argosy.linux import userns

    return userns.outer_uid()


def load(opener: Opener) -> Registries:
    """registries.conf, without opening a store."""
    from argosy.config import registries
    from argosy.linux import userns

    found = registries.load(os.environ, rootless=userns.needed())
    search: tuple[str, ...] = opener.settings.get("search") or ()
    return found.for_docker(search) if search else found


def wanted(operands: tuple[str, ...], registries: Registries, program: str) -> str:
    """The registry that the operand names, perhaps with a repository behind it; else the first search registry."""
    from argosy.oci import reference

    if not operands:
        if not registries.search:
            hint = f"{program} login REGISTRY, or set unqualified-search-registries in registries.conf"
            raise ArgosyError("no registries found in registries.conf, a registry must be provided", hint=hint)
        return registries.search[0]
    text = operands[0]
    for scheme in ("https://", "http://"):
        text = text.removeprefix(scheme)
    text = text.rstrip("/") if "://" in operands[0] else text
    registry, slash, repository = text.partition("/")
    if registry in ("index.docker.io", "registry-1.docker.io") or text == "index.docker.io/v1":
        return _DOCKER_HUB
    if not reference.is_host(registry):
        raise Invalid("registry", operands[0], "it is written HOST[:PORT], perhaps with /REPOSITORY behind it")
    return f"{registry}/{repository}" if slash else registry


def key(name: str, program: str) -> str:
    """The key in the credential file: docker knows its own registry under a URL."""
    return _DOCKER_HUB_SERVER if program == "docker" and name == _DOCKER_HUB else name
