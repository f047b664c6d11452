"""Changing policy.json: the rules of one registry, or the default."""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.config import policy, policyfile
from argosy.config.policy import ACCEPT, REJECT, SIGNED_BY, SIGSTORE_SIGNED
from argosy.errors import ArgosyError, Invalid
from argosy.oci import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

TYPES = {"accept": ACCEPT, "reject": REJECT, "signedBy": SIGNED_BY, "sigstoreSigned": SIGSTORE_SIGNED}
_LIMIT = 16 << 20


def requirements(kind: str, keys: Sequence[str]) -> list[dict[str, Any]]:
    """The rules for a type of `TYPES`: one for each key, as all must be fulfilled.  Raises in podman's words."""
    if kind not in TYPES:
        choices = ", ".join(f"'{name}'" for name in TYPES)
        raise ArgosyError(f"invalid choice: {kind} (choose from {choices})")
    if kind in ("accept", "reject"):
        if keys:
            raise ArgosyError(f"{len(keys)} public keys unexpectedly provided for trust type {kind}")
        return [{"type": TYPES[kind]}]
    if not keys:
        raise ArgosyError(
            f"at least one public key must be defined for type '{kind}'", hint="name its file with --pubkeysfile"
        )
    for key in keys:
        if not os.path.isfile(key):
            raise Invalid("public key file", key, "there is no such file")
    typed = {"keyType": "GPGKeys"} if kind == "signedBy" else {}
    return [{"type": TYPES[kind], **typed, "keyPath": os.path.abspath(key)} for key in keys]


def change(data: bytes, path: str, scope: str, rules: list[dict[str, Any]]) -> bytes:
    """The file's content with these rules for `scope` (`default`, or a registry, namespace or repository).

    `data` is the content of `path` now, "" for none: everything else then stays accepted.  Raises Invalid for a scope
    that no image has, and for a file that is broken as it is.
    """
    if data:
        policyfile.parse(data, path)
        document = jsontext.decode(data)
    else:
        document = {"default": [{"type": ACCEPT}]}
    if scope == "default":
        document["default"] = rules
    else:
        _check_scope(scope)
        document.setdefault("transports", {}).setdefault("docker", {})[scope] = rules
    changed = _indented(document)
    policyfile.parse(changed, path)
    return changed


def write(path: str, scope: str, rules: list[dict[str, Any]], start: str = "") -> None:
    """Change the file `path` in one step; where it is not there, the content of `start` is what it begins with."""
    from argosy.linux import files, locks

    try:
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        lock = locks.acquire(os.path.dirname(path))
        assert lock is not None, "it was waited for"
        with lock:
            changed = change(_content(path, start), path, scope, rules)
            files.write_atomic(os.path.realpath(path), changed, mode=0o644, durable=True)
    except OSError as error:
        raise ArgosyError(f"cannot write {path}: {str(error.strerror).lower()}") from error


def _content(path: str, start: str) -> bytes:
    """What the first of the two files that is there holds."""
    from argosy.linux import files

    for source in (path, start):
        if source and os.path.lexists(source):
            try:
                return files.read_regular(source, _LIMIT)
            except OSError as error:
                raise ArgosyError(f"cannot read {source}: {str(error.strerror).lower()}") from error
    return b""


def place(environ: dict[str, str] | os._Environ[str], *, uid: int) -> tuple[str, str]:
    """The file to change, and the one to begin with where that is not there: users do not change the system's."""
    own = policy.user_file(environ)
    if uid == 0 and not os.path.lexists(own):
        return policy.SYSTEM_FILE, ""
    return own, policy.SYSTEM_FILE


def _check_scope(scope: str) -> None:
    hint = "write it as registry[/namespace][/repository[:tag]], or `default`"
    if scope.startswith("*."):
        return
    host, slash, _ = scope.partition("/")
    if not references.is_host(host):
        raise Invalid("registry", scope, f'"{host}" is not the host name of a registry', hint=hint)
    if slash:
        try:
            references.parse(scope, default_tag="")
        except Invalid as error:
            raise Invalid("registry", scope, error.why, hint=hint) from error


def _indented(document: Any) -> bytes:
    import json

    return json.dumps(document, indent=4, ensure_ascii=False).encode() + b"\n"
