"""What `skopeo sync` copies: the images found at a source, and the place at the destination that each of them gets."""

from __future__ import annotations

import os
import posixpath

from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.images.places import Place
from argosy.oci import reference as references
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from argosy.oci.reference import Reference

    # Lists the tags of a repository, reached as the settings (None: by the flags) say.
    ListTags = Callable[[Reference, "Settings | None"], list[str]]

_MANIFEST_FILE = "manifest.json"
_KEYS = ("images", "images-by-tag-regex", "images-by-semver", "credentials", "tls-verify", "cert-dir")


class Settings(Value):
    """How the YAML file says that a registry is reached; what is empty or None is left to the flags."""

    username: str = ""
    password: str = ""
    tls_verify: bool | None = None
    cert_dir: str = ""

    def __repr__(self) -> str:
        """Without the password."""
        return f"Settings(username={self.username!r}, cert_dir={self.cert_dir!r})"


class Found(Value):
    """One image to copy: where it is, its path below the destination, and the settings of its registry."""

    source: Place
    suffix: str
    settings: Settings | None = None


def from_registry(text: str, list_tags: ListTags) -> list[Found]:
    """The image that `text` names, or without a tag and digest all of the repository."""
    named = references.parse(text, default_tag="")
    if named.tag or named.digest:
        return [_found(named, None)]
    return _tagged(named, list_tags(named, None), None) or _nothing(text)


def _tagged(repository: Reference, tags: list[str], settings: Settings | None) -> list[Found]:
    return [_found(repository.replace(tag=tag), settings) for tag in tags]


def _found(named: Reference, settings: Settings | None) -> Found:
    return Found(Place("docker", name=str(named)), str(named), settings)


def _nothing(text: str) -> list[Found]:
    raise NotFound("images to sync", text, details=f"No images to sync found in {text}")


def from_directory(path: str) -> list[Found]:
    """Every directory below `path` (itself included) that holds an image of dir:."""
    if not os.path.isdir(path):
        raise ArgosyError(f"cannot sync {path}: it is not a directory")
    base = path.rstrip("/") or "/"
    found = []
    for directory, below, names in os.walk(base):
        below.sort()
        if _MANIFEST_FILE in names:
            suffix = directory.removeprefix(base).lstrip("/") or posixpath.basename(base)
            found.append(Found(Place("dir", directory), suffix))
    return found or _nothing(path)


def from_yaml(
    document: dict[str, Any], path: str, list_tags: ListTags, failed: Callable[[ArgosyError], None]
) -> list[Found]:
    """All images that the file names.  `failed` is told of a repository that cannot be listed, and may raise."""
    found: list[Found] = []
    for registry, value in document.items():
        entry = _Entry(str(registry), value, path)
        for wanted in entry.repositories():
            try:
                found += entry.found(wanted, list_tags)
            except ArgosyError as error:
                failed(error)
    return found or _nothing(path)


class _Wanted(Value):
    """A repository with tags and digests (none: all tags), or with an expression that tags match."""

    repository: Reference
    tags: tuple[str, ...] = ()
    expression: Any = None


class _Entry:
    """One registry of the file."""

    def __init__(self, registry: str, value: Any, path: str) -> None:
        self._path = path
        self._registry = registry
        self._value = self._mapping(value, "")
        for key in self._value:
            if key not in _KEYS:
                raise self._fault(f"{registry}: there is no key {key!r}")
        if self._value.get("images-by-semver"):
            raise self._fault(f"{registry}: images-by-semver is not known, only images and images-by-tag-regex")
        self._settings = self._read_settings()

    def _fault(self, why: str) -> Invalid:
        return Invalid("sync file", self._path, why)

    def _mapping(self, value: Any, key: str) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._fault(f"{self._registry}{f'.{key}' if key else ''} is not a mapping")
        return value

    def _read_settings(self) -> Settings:
        credentials = self._mapping(self._value.get("credentials"), "credentials")
        verify = self._value.get("tls-verify")
        if verify is not None and not isinstance(verify, bool):
            raise self._fault(f"{self._registry}.tls-verify is neither true nor false")
        return Settings(
            username=str(credentials.get("username") or ""),
            password=str(credentials.get("password") or ""),
            tls_verify=verify,
            cert_dir=str(self._value.get("cert-dir") or ""),
        )

    def _repository(self, name: str) -> Reference:
        return references.parse(f"{self._registry}/{name}", default_tag="")

    def repositories(self) -> Iterator[_Wanted]:
        """What is wanted of this registry.  Raises Invalid."""
        for name, tags in self._mapping(self._value.get("images"), "images").items():
            if tags is not None and not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
                raise self._fault(f"{self._registry}.images.{name} is not a list of tags in quotes")
            yield _Wanted(self._repository(name), tuple(tags or ()))
        import re

        for name, text in self._mapping(self._value.get("images-by-tag-regex"), "images-by-tag-regex").items():
            try:
                yield _Wanted(self._repository(name), expression=re.compile(str(text)))
            except re.error as error:
                raise self._fault(f"{self._registry}.images-by-tag-regex.{name}: {error}") from error

    def found(self, wanted: _Wanted, list_tags: ListTags) -> list[Found]:
        """The images of one repository."""
        tags = wanted.tags or tuple(list_tags(wanted.repository, self._settings))
        if wanted.expression is not None:
            tags = tuple(tag for tag in tags if wanted.expression.search(tag))
        return [_found(_image(wanted.repository, tag), self._settings) for tag in tags]


def _image(repository: Reference, tag: str) -> Reference:
    digest = tag.startswith("sha256:")
    return references.parse(str(repository.replace(digest=tag) if digest else repository.replace(tag=tag)))


def target(found: Found, transport: str, destination: str, *, scoped: bool, append: str) -> Place:
    """Where the image goes: below the destination, by its whole path with `scoped`, else by its last part.

    Raises Invalid when a directory is there already, or the name is none.
    """
    suffix = found.suffix if scoped else posixpath.basename(found.suffix)
    path = f"{destination.rstrip('/')}/{suffix.lstrip('/')}{append}"
    if transport == "docker":
        references.parse(path)
        return Place("docker", name=path)
    if os.path.lexists(path):
        raise Invalid("destination", path, "Refusing to overwrite destination directory")
    return Place("dir", path)
