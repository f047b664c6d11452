"""Logins: credentials written to, and removed from, the file that `auth` reads, or the helper program named there."""

from __future__ import annotations

import os
import stat

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.config.auth import Credentials

_FILE_LIMIT = 4 << 20
_HELPER_TIME_S = 60.0


class Place(Value):
    """Where logins are kept: `path`; `given` says that the user named it."""

    path: str
    given: bool = False


def place(environ: Mapping[str, str], *, uid: int, authfile: str = "", docker: bool = False) -> Place:
    """--authfile, else REGISTRY_AUTH_FILE, else the usual file: docker's own when called as docker.

    Raises Invalid for one that is no file: a login would replace a device, and a FIFO keeps its reader waiting.
    """
    given = authfile or environ.get("REGISTRY_AUTH_FILE", "")
    if given:
        _check_kind(given)
        return Place(given, given=True)
    if docker:
        from argosy.config import auth

        return Place(auth.docker_file(environ))
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    return Place(os.path.join(runtime, "containers/auth.json") if runtime else f"/run/containers/{uid}/auth.json")


def _check_kind(path: str) -> None:
    from argosy.linux import paths

    try:
        mode = os.stat(path).st_mode
    except OSError:
        return  # it will be made, or what is wrong is said by whoever opens it
    if not stat.S_ISREG(mode):
        raise Invalid("credential file", path, f"it is {paths.kind(mode)}, and logins are kept in a regular file")


def store(where: Place, name: str, credentials: Credentials, environ: Mapping[str, str]) -> None:
    """Keep the credentials for `name` (a registry, or registry/repository): the file changes in one step.

    Where the file names a helper program for it, that program gets them.  Raises ArgosyError.
    """
    with _locked(where.path):
        data = _read(where.path)
        helper = _helper(data, name)
        if helper:
            document = {"ServerURL": name, "Username": credentials.username, "Secret": credentials.password}
            _call(helper, "store", jsontext.encode(document), environ)
            return
        import base64

        pair = f"{credentials.username}:{credentials.password}".encode()
        _object(data, "auths", where.path)[name] = {"auth": base64.b64encode(pair).decode()}
        _write(where.path, data)


def remove(where: Place, name: str, environ: Mapping[str, str]) -> bool:
    """Forget the credentials for `name`; false when there were none."""
    with _locked(where.path):
        data = _read(where.path)
        helper = _helper(data, name)
        if helper:
            return _call(helper, "erase", name.encode(), environ)
        if _object(data, "auths", where.path).pop(name, None) is None:
            return False
        _write(where.path, data)
        return True


def remove_all(where: Place, environ: Mapping[str, str]) -> None:
    """Forget all credentials of the file, and of the helper programs that it names."""
    with _locked(where.path):
        data = _read(where.path)
        helpers = data.get("credHelpers")
        for name in helpers if isinstance(helpers, dict) else ():
            _call(_helper(data, name), "erase", name.encode(), environ)
        _object(data, "auths", where.path).clear()
        _write(where.path, data)


def change(path: str, edit: Callable[[dict[str, Any]], None]) -> None:
    """Let `edit` change the document of the file, which is replaced in one step."""
    with _locked(path):
        data = _read(path)
        edit(data)
        _write(path, data)


def _locked(path: str) -> Any:
    """Two logins at once lose nothing of each other: the lock is the directory's, as the file is replaced."""
    from argosy.linux import files, locks

    directory = os.path.dirname(os.path.abspath(path))
    try:
        files.make_directories(directory)
        lock = locks.acquire(directory)
    except OSError as error:
        raise ArgosyError(f"cannot write the credential file {path}", details=str(error.strerror)) from error
    assert lock is not None
    return lock


def _read(path: str) -> dict[str, Any]:
    from argosy.linux import files

    try:
        text = files.read(path, _FILE_LIMIT)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ArgosyError(f"cannot read the credential file {path}", details=str(error.strerror)) from error
    try:
        value = jsontext.decode(text, "credential file") if text.strip() else {}
    except Invalid as error:  # without the file's text, which holds secrets
        raise Invalid("credential file", path, "it is not JSON, or repeats a key") from error.__cause__
    if not isinstance(value, dict):
        raise Invalid("credential file", path, "it is not a JSON object")
    return value


def _object(data: dict[str, Any], key: str, path: str) -> dict[str, Any]:
    if data.get(key) is None:
        data[key] = {}
    found = data[key]
    if not isinstance(found, dict):
        raise Invalid("credential file", path, f"{key} is not an object")
    return found


def _helper(data: dict[str, Any], name: str) -> str:
    """The end of the name of the program that keeps this registry's credentials; "" for none."""
    helpers = data.get("credHelpers")
    found = helpers.get(name.partition("/")[0]) if isinstance(helpers, dict) else None
    found = found or data.get("credsStore") or ""
    return found if isinstance(found, str) else ""


def _call(helper: str, verb: str, text: bytes, environ: Mapping[str, str]) -> bool:
    from argosy.linux import process

    if not all(char.isalnum() or char in "-_." for char in helper):
        raise Invalid("credential helper", helper, "it is the end of a program's name")
    program = f"docker-credential-{helper}"
    done = process.run([program, verb], input=text, env=environ, check=False, timeout_s=_HELPER_TIME_S)
    if done.returncode == 0:
        return True
    said = (done.stdout or done.stderr).decode(errors="replace").strip()
    if verb == "erase" and "credentials not found" in said:
        return False
    raise ArgosyError(f"{program} {verb} failed", details=said)


def _write(path: str, data: dict[str, Any]) -> None:
    """As the peers write it: indented by tabs."""
    from argosy.linux import files

    try:
        files.write_atomic(path, _indented(data).encode("utf-8", "surrogateescape"), durable=True)
    except OSError as error:
        raise ArgosyError(f"cannot write the credential file {path}", details=str(error.strerror)) from error


def _indented(value: Any, line: str = "\n") -> str:
    if isinstance(value, dict) and value:
        inner = line + "\t"
        members = (f"{jsontext.encode(key).decode()}: {_indented(item, inner)}" for key, item in value.items())
        return f"{{{inner}{f',{inner}'.join(members)}{line}}}"
    return jsontext.encode(value).decode("utf-8", "surrogatepass")
