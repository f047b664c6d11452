"""containers-registries.d(5): where the signatures of the images of each registry are kept."""

from __future__ import annotations

import os

from argosy.config.locations import configuration_home, home_directory
from argosy.errors import ArgosyError, Invalid
from argosy.oci import scopes
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.oci.reference import Reference

SYSTEM_DIRECTORY = "/etc/containers/registries.d"
_SYSTEM_LOOKASIDE = "/var/lib/containers/sigstore"
_LIMIT = 1 << 20
_WHAT = "registries.d file"


class Entry(Value):
    """What one file says about one namespace.  `attachments` None leaves it to the next wider namespace."""

    origin: str
    lookaside: str = ""
    lookaside_staging: str = ""
    attachments: bool | None = None


class SignaturePlaces(Value):
    """All files of a directory together.  `fallback` is the URL for who has none; `directory` is where they are."""

    directory: str
    fallback: str
    default: Entry | None = None
    docker: dict[str, Entry] = {}  # noqa: RUF012 -- a field's default, never changed

    def lookaside(self, reference: Reference, *, write: bool = False) -> str:
        """The base URL of the signature storage for the image: the one to write to if asked so."""
        for entry in self._entries(reference):
            found = (write and entry.lookaside_staging) or entry.lookaside
            if found:
                return found
        return self.fallback

    def configured(self, scope: str) -> str:
        """The base URL that a file gives for a scope of policy.json, or for `default`; "" when none does."""
        if scope == "default":
            return self.default.lookaside if self.default is not None else ""
        while scope:
            if scope in self.docker and self.docker[scope].lookaside:
                return self.docker[scope].lookaside
            scope = scope.rpartition("/")[0]
        return self.default.lookaside if self.default is not None else ""

    def attachments(self, reference: Reference) -> bool:
        """Whether signatures are kept beside the image at its registry, in cosign's way."""
        return next((entry.attachments for entry in self._entries(reference) if entry.attachments is not None), False)

    def _entries(self, reference: Reference) -> list[Entry]:
        found = [self.docker[scope] for scope in scopes.of_reference(reference) if scope in self.docker]
        return [*found, self.default] if self.default is not None else found


def directory(environ: Mapping[str, str], given: str = "") -> str:
    """The directory whose files hold: `given`, else the user's own if there is one, else the system's."""
    if given:
        return given
    own = os.path.join(configuration_home(environ), "containers", "registries.d")
    return own if os.path.isdir(own) else SYSTEM_DIRECTORY


def load(environ: Mapping[str, str], *, rootless: bool, given: str = "") -> SignaturePlaces:
    """The files NAME.yaml of the directory.  Raises Invalid for what is no YAML or says something twice."""
    path = directory(environ, given)
    fallback = _SYSTEM_LOOKASIDE
    if rootless:
        data = environ.get("XDG_DATA_HOME", "")
        data = data if os.path.isabs(data) else os.path.join(home_directory(environ), ".local/share")
        fallback = os.path.join(data, "containers/sigstore")
    found = SignaturePlaces(path, f"file://{fallback}")
    try:
        names = sorted(name for name in os.listdir(path) if name.endswith(".yaml"))
    except FileNotFoundError:
        return found
    except OSError as error:
        raise ArgosyError(f"cannot read {path}: {str(error.strerror).lower()}") from error
    for name in names:
        found = _with(found, f"{path}/{name}")
    return found


def _with(found: SignaturePlaces, path: str) -> SignaturePlaces:
    """`found` and what the file at `path` says."""
    from argosy.config import yamlfile

    document = yamlfile.read(path, _WHAT, _LIMIT)
    default = found.default
    if document.get("default-docker") is not None:
        if default is not None:
            raise Invalid(_WHAT, path, f'"default-docker" is defined in {default.origin} as well')
        default = _entry(document["default-docker"], "default-docker", path)
    docker = dict(found.docker)
    given = document.get("docker")
    if given is not None and type(given) is not dict:
        raise Invalid(_WHAT, path, "docker is not a mapping")
    for name, value in (given or {}).items():
        if name in docker:
            raise Invalid(_WHAT, path, f'"{name}" is defined in {docker[name].origin} as well')
        docker[name] = _entry(value, f'docker."{name}"', path)
    return found.replace(default=default, docker=docker)


def _entry(value: Any, where: str, path: str) -> Entry:
    """One namespace.  `sigstore` and `sigstore-staging` are the old names of the lookaside's two keys."""
    if value is None:
        return Entry(path)
    if type(value) is not dict:
        raise Invalid(_WHAT, path, f"{where} is not a mapping")
    texts = {}
    for key in ("lookaside", "lookaside-staging", "sigstore", "sigstore-staging"):
        text = value.get(key)
        if text is not None and type(text) is not str:
            raise Invalid(_WHAT, path, f"{where}.{key} is not a string")
        texts[key] = text or ""
    attachments = value.get("use-sigstore-attachments")
    if attachments is not None and type(attachments) is not bool:
        raise Invalid(_WHAT, path, f"{where}.use-sigstore-attachments is neither true nor false")
    return Entry(
        path,
        texts["lookaside"] or texts["sigstore"],
        texts["lookaside-staging"] or texts["sigstore-staging"],
        attachments,
    )
