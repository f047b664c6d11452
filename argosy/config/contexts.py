"""docker's contexts: engines by name, each a directory below ~/.docker/contexts, where docker's client keeps them too.

    contexts/meta/<sha256 of the name>/meta.json     the name, a description, the address of the engine
    contexts/tls/<sha256 of the name>/docker/        certificates, which only docker's client has a use for
    config.json                                      currentContext: the one to use where none is named

`default` is no entry: it is what the environment says, which is this host unless DOCKER_HOST is set.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid
from argosy.linux import files
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DEFAULT = "default"
DEFAULT_HOST = "unix:///var/run/docker.sock"
_LIMIT = 1 << 20
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-")
_SCHEMES = ("fd://", "npipe://", "ssh://", "tcp://", "unix://")


class Context(Value):
    """One context: its document, and the directories of it and of its certificates."""

    name: str
    document: Mapping[str, Any]
    meta: str
    tls: str

    @property
    def description(self) -> str:
        return str((self.document.get("Metadata") or {}).get("Description") or "")

    @property
    def host(self) -> str:
        """The address of its engine."""
        return str(((self.document.get("Endpoints") or {}).get("docker") or {}).get("Host") or "")


def document(name: str, host: str, description: str = "") -> dict[str, Any]:
    """What docker's client writes of a context."""
    metadata = {"Description": description} if description else {}
    return {
        "Name": name,
        "Metadata": metadata,
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}},
    }


def default(environ: Mapping[str, str]) -> Context:
    """The context that is always there."""
    host = environ.get("DOCKER_HOST", "") or DEFAULT_HOST
    return Context(DEFAULT, document(DEFAULT, host), "<IN MEMORY>", "<IN MEMORY>")


def listing(environ: Mapping[str, str]) -> list[Context]:
    """All contexts but the default one, by name.  Raises Invalid for a broken one."""
    try:
        names = os.listdir(f"{_directory(environ)}/meta")
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = (_read(environ, name) for name in names)
    return sorted((one for one in found if one is not None), key=lambda one: one.name)


def get(environ: Mapping[str, str], name: str) -> Context:
    """The context of this name.  Raises ArgosyError, in docker's words, when there is none."""
    if name == DEFAULT:
        return default(environ)
    found = _read(environ, _hashed(name))
    if found is None:
        path = f"{_directory(environ)}/meta/{_hashed(name)}/meta.json"
        raise ArgosyError(f'context "{name}": context not found', details=f"open {path}: no such file or directory")
    return found


def exists(environ: Mapping[str, str], name: str) -> bool:
    """Whether there is a context of this name in the directory."""
    return os.path.exists(f"{_directory(environ)}/meta/{_hashed(name)}/meta.json")


def put(environ: Mapping[str, str], found: Mapping[str, Any]) -> None:
    """Keep a context, in place of one of its name.  Its file appears, or changes, in one step."""
    path = f"{_directory(environ)}/meta/{_hashed(found['Name'])}"
    try:
        files.make_directories(path)
        files.write_atomic(f"{path}/meta.json", jsontext.encode(found), mode=0o644, durable=True)
    except OSError as error:
        raise ArgosyError(f"cannot write {path}/meta.json", details=str(error.strerror)) from error


def remove(environ: Mapping[str, str], name: str) -> None:
    """Remove a context, and the certificates that docker's client has kept for it."""
    for kind in ("meta", "tls"):
        files.remove_tree(f"{_directory(environ)}/{kind}/{_hashed(name)}")


def current(environ: Mapping[str, str]) -> tuple[str, str]:
    """The name of the context to use where no flag names one, and what has chosen it."""
    if environ.get("DOCKER_HOST"):
        return DEFAULT, "DOCKER_HOST"
    if environ.get("DOCKER_CONTEXT"):
        return environ["DOCKER_CONTEXT"], "DOCKER_CONTEXT"
    path = config_file(environ)
    return _chosen(path) or DEFAULT, path


def use(environ: Mapping[str, str], name: str) -> None:
    """Let commands use this context from now on."""
    from argosy.config import logins

    def change(data: dict[str, Any]) -> None:
        data.pop("currentContext", None)
        if name != DEFAULT:
            data["currentContext"] = name

    logins.change(config_file(environ), change)


def check_name(name: str) -> None:
    """Raise ArgosyError, in docker's words, for what cannot be the name of a context."""
    if name == DEFAULT:
        raise ArgosyError(f'"{DEFAULT}" is a reserved context name')
    if len(name) < 2 or not _PLAIN.issuperset(name) or not name[0].isalnum():
        raise ArgosyError(
            f'context name "{name}" is invalid, names are validated against regexp "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"'
        )


def check_host(host: str) -> None:
    """Raise ArgosyError, in docker's words, for what is no address of an engine."""
    if not host.startswith(_SCHEMES) or not host.isprintable():
        why = f"unable to parse docker host `{host}`"
        raise ArgosyError(f"unable to create docker endpoint config: unable to apply docker endpoint options: {why}")


def config_file(environ: Mapping[str, str]) -> str:
    """docker's configuration file."""
    from argosy.config import auth

    return auth.docker_file(environ)


def _directory(environ: Mapping[str, str]) -> str:
    return os.path.join(os.path.dirname(config_file(environ)), "contexts")


def _hashed(name: str) -> str:
    import hashlib

    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()


def _read(environ: Mapping[str, str], hashed: str) -> Context | None:
    """The context in the directory of this name; None when there is none."""
    directory = _directory(environ)
    path = f"{directory}/meta/{hashed}/meta.json"
    try:
        data = files.read_regular(path, _LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ArgosyError(f"cannot read {path}", details=str(error.strerror)) from error
    found = parse(data, path)
    return Context(found["Name"], found, os.path.dirname(path), f"{directory}/tls/{hashed}")


def parse(data: bytes, path: str) -> dict[str, Any]:
    """The document of a context.  Raises Invalid, which names `path`, for what is none."""
    try:
        found = jsontext.decode(data)
        if not isinstance(found["Name"], str) or not isinstance(found["Endpoints"]["docker"]["Host"], str):
            raise TypeError
    except (Invalid, KeyError, TypeError) as error:
        raise Invalid("docker context", path, "it is not JSON with a name and the host of an endpoint") from error
    return dict(found)


def _chosen(path: str) -> str:
    """currentContext in docker's configuration file."""
    try:
        data = files.read_regular(path, _LIMIT << 2)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise ArgosyError(f"cannot read {path}", details=str(error.strerror)) from error
    try:
        found = jsontext.decode(data) if data.strip() else {}
    except Invalid as error:  # without the file's text, which holds secrets
        raise Invalid("docker configuration file", path, "it is not JSON, or repeats a key") from error.__cause__
    context = found.get("currentContext", "") if isinstance(found, dict) else None
    if not isinstance(context, str):
        raise Invalid("docker configuration file", path, "it is not an object, or its currentContext is not a string")
    return context
