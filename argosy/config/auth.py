"""Credentials for registries: containers-auth.json(5), ~/.docker/config.json, and docker-credential-* programs.

The first file that knows the registry decides.  Within a file, keys go from the repository up to the registry's host,
so that two accounts can share a registry; a host matches only with its port.  The programs' protocol is that of
docker/docker-credential-helpers: `get` reads the server's name and answers with JSON.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.config.locations import configuration_home, home_directory
from argosy.config.registries import AUTH_FILES
from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

DOCKER_FILE = "docker's config.json"  # a place to ask, before the others when called as docker
_FILE_LIMIT = 4 << 20
_HELPER_TIME_S = 60.0
_DOCKER_HUB = "docker.io"
_DOCKER_HUB_SERVER = "https://index.docker.io/v1/"
_TOKEN_USER = "<token>"


class Credentials(Value):
    """A user name with a password, an identity (OAuth2 refresh) token, or a bearer token for the registry itself.

    `origin` says where it was found.
    """

    username: str = ""
    password: str = ""
    identity_token: str = ""
    bearer_token: str = ""
    origin: str = ""

    def __repr__(self) -> str:
        """Without the secrets: values end up in tracebacks and debug lines."""
        return f"Credentials(username={self.username!r}, origin={self.origin!r})"


def parse(text: str) -> Credentials:
    """`USER:PASSWORD`, as --creds takes it."""
    username, colon, password = text.partition(":")
    if not colon or not username:
        raise Invalid("credentials", username, "they are written as USER:PASSWORD")
    return Credentials(username, password, origin="the command line")


def lookup(
    name: str,
    environ: Mapping[str, str],
    *,
    uid: int,
    authfile: str = "",
    helpers: tuple[str, ...] = (AUTH_FILES,),
) -> Credentials | None:
    """The credentials stored for `name` (registry/repository, or a registry alone); None when there are none.

    `helpers` is credential-helpers of registries.conf, perhaps behind DOCKER_FILE.  `authfile` (or REGISTRY_AUTH_FILE)
    replaces the usual files.
    Raises ArgosyError when a file cannot be read as JSON or a program that is configured for this registry fails.
    """
    for helper in helpers:
        if helper == DOCKER_FILE:
            named = authfile or environ.get("REGISTRY_AUTH_FILE", "")
            path = docker_file(environ)
            found = _from_files(name, [_read(path, environ)] if not named and os.path.exists(path) else [])
        elif helper == AUTH_FILES:
            found = _from_files(name, files(environ, uid=uid, authfile=authfile))
        else:
            found = _from_helper(helper, _server(name.partition("/")[0]), environ, "registries.conf")
        if found is not None:
            return found
    return None


def files(environ: Mapping[str, str], *, uid: int, authfile: str = "") -> list[AuthFile]:
    """The files that hold credentials, the first to be asked first; those that are not there are left out."""
    given = authfile or environ.get("REGISTRY_AUTH_FILE", "")
    if given:
        if not os.path.exists(given):
            raise Invalid("credential file", given, "there is no such file")
        return [_read(given, environ)]
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    places = (
        os.path.join(runtime, "containers/auth.json") if runtime else f"/run/containers/{uid}/auth.json",
        os.path.join(configuration_home(environ), "containers/auth.json"),
        docker_file(environ),
    )
    found = [_read(path, environ) for path in places if os.path.exists(path)]
    legacy = os.path.join(home_directory(environ), ".dockercfg")
    if os.path.exists(legacy):
        found.append(AuthFile(legacy, {"auths": _decoded(legacy)}, environ))
    return found


def docker_file(environ: Mapping[str, str]) -> str:
    """docker's configuration file, which holds credentials among other things."""
    directory = environ.get("DOCKER_CONFIG", "") or os.path.join(home_directory(environ), ".docker")
    return os.path.join(directory, "config.json")


class AuthFile:
    """One file with credentials, checked as it is asked."""

    def __init__(self, path: str, data: dict[str, Any], environ: Mapping[str, str]) -> None:
        self.path = path
        self._environ = environ
        self._auths = self._object(data, "auths")
        self._helpers = self._object(data, "credHelpers")
        self._store = data.get("credsStore") or ""

    def find(self, name: str) -> Credentials | None:
        """The credentials for registry/repository."""
        registry = name.partition("/")[0]
        for key in _spellings(registry):
            helper = self._helpers.get(key)
            if helper:
                return _from_helper(helper, key, self._environ, self.path)
        known = False
        for entry in self._entries(name):
            known = True
            found = self._credentials(name, entry)
            if found is not None:
                return found
        if not self._store:
            return None
        return _from_helper(self._store, _server(registry), self._environ, self.path, required=known)

    def _entries(self, name: str) -> Iterator[Any]:
        """The entries that are meant for `name`, the most specific first; then those with a URL for a key."""
        key = name
        while key:
            if key in self._auths:
                yield self._auths[key]
            key = key.rpartition("/")[0]
        spellings = _spellings(name.partition("/")[0])
        for key, entry in self._auths.items():
            if _host_of_url(key) in spellings or (key != name and key in spellings[1:]):
                yield entry

    def _credentials(self, name: str, entry: Any) -> Credentials | None:
        if not isinstance(entry, dict):
            raise Invalid("credential file", self.path, f"the entry for {name} is not an object")
        token = entry.get("identitytoken") or ""
        username, password = entry.get("username") or "", entry.get("password") or ""
        auth = entry.get("auth") or ""
        if auth:
            username, password = self._split(name, auth)
        if not all(isinstance(text, str) for text in (token, username, password)):
            raise Invalid("credential file", self.path, f"the entry for {name} holds something that is not a string")
        if token:
            return Credentials(identity_token=token, origin=self.path)
        return Credentials(username, password, origin=self.path) if username and password else None

    def _split(self, name: str, auth: Any) -> tuple[str, str]:
        import base64
        import binascii

        try:
            decoded = base64.b64decode(auth, validate=True).decode()
        except (binascii.Error, TypeError, ValueError):
            decoded = ""
        username, colon, password = decoded.partition(":")
        if not colon:
            raise Invalid("credential file", self.path, f"the entry for {name} is not USER:PASSWORD in base64")
        return username, password.strip("\0")

    def _object(self, data: dict[str, Any], key: str) -> dict[str, Any]:
        value = {} if data.get(key) is None else data[key]
        if not isinstance(value, dict):
            raise Invalid("credential file", self.path, f"{key} is not an object")
        return value


def _from_files(name: str, found: list[AuthFile]) -> Credentials | None:
    for file in found:
        credentials = file.find(name)
        if credentials is not None:
            return credentials
    return None


def _read(path: str, environ: Mapping[str, str]) -> AuthFile:
    return AuthFile(path, _decoded(path), environ)


def _decoded(path: str) -> dict[str, Any]:
    from argosy.linux import files as linux_files

    try:
        data = linux_files.read(path, _FILE_LIMIT)
    except OSError as error:
        raise ArgosyError(f"cannot read the credential file {path}", details=error.strerror or "") from error
    if not data.strip():
        return {}
    try:
        value = jsontext.decode(data, "credential file")
    except Invalid as error:  # without the file's text, which holds secrets
        raise Invalid("credential file", path, "it is not JSON, or repeats a key") from error.__cause__
    if not isinstance(value, dict):
        raise Invalid("credential file", path, "it is not a JSON object")
    return value


def _spellings(registry: str) -> tuple[str, ...]:
    """The registry's own name first; Docker Hub has three."""
    return (registry, _DOCKER_HUB_SERVER, "index.docker.io") if registry == _DOCKER_HUB else (registry,)


def _server(registry: str) -> str:
    """What credential programs call the registry."""
    return _DOCKER_HUB_SERVER if registry == _DOCKER_HUB else registry


def _host_of_url(key: str) -> str:
    """The host of a key that is a URL, as old versions of docker wrote it; "" for any other key."""
    scheme, separator, rest = key.partition("://")
    return rest.partition("/")[0] if separator and scheme in ("http", "https") else ""


def _from_helper(
    name: Any, server: str, environ: Mapping[str, str], origin: str, *, required: bool = True
) -> Credentials | None:
    """What docker-credential-`name` says about `server`; a program that is missing matters only when `required`."""
    from argosy.linux import process

    if not isinstance(name, str) or not name or not all(c.isalnum() or c in "-_." for c in name):
        raise Invalid("credential helper", str(name), f"it is the end of a program's name (in {origin})")
    program = f"docker-credential-{name}"
    try:
        done = process.run([program, "get"], input=server.encode(), env=environ, check=False, timeout_s=_HELPER_TIME_S)
    except NotFound:
        if required:
            raise
        return None
    if done.returncode != 0:
        said = (done.stdout or done.stderr).decode(errors="replace").strip()
        if "credentials not found" in said:
            return None
        raise ArgosyError(f"{program} gave no credentials for {server}", details=said, hint=f"it is named in {origin}")
    return _from_answer(program, done.stdout)


def _from_answer(program: str, answer: bytes) -> Credentials | None:
    try:
        value = jsontext.decode(answer, "answer")
    except Invalid:
        value = None
    if not isinstance(value, dict):
        raise ArgosyError(f"{program} did not answer with a JSON object")
    username, secret = value.get("Username") or "", value.get("Secret") or ""
    if not isinstance(username, str) or not isinstance(secret, str):
        raise ArgosyError(f"{program} answered with a Username or Secret that is not a string")
    if username == _TOKEN_USER:
        return Credentials(identity_token=secret, origin=program) if secret else None
    return Credentials(username, secret, origin=program) if username or secret else None
