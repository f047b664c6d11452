"""Reading policy.json strictly: a key that is unknown, missing or there twice refuses the whole file.

What one reader takes for a rule and another for nothing must not decide whether an image may run.
"""

from __future__ import annotations

import binascii
import os

from argosy import jsontext
from argosy.config import policy
from argosy.config.policy import Fulcio, Identity, Key, Pki, Policy, Requirement
from argosy.errors import ArgosyError, Invalid
from argosy.oci import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIMIT = 16 << 20
_TRANSPORTS = frozenset(
    ("docker", "docker-daemon", "docker-archive", "oci", "oci-archive", "dir", "containers-storage", "atomic")
)
_KEY_TYPES = ("GPGKeys", "signedByGPGKeys", "X509Certificates", "signedByX509CAs")
_PLAIN_IDENTITIES = ("matchExact", policy.MATCH_REPO_DIGEST_OR_EXACT, "matchRepository")


class _Broken(Exception):
    """A rule of the format that the file breaks, and where."""


def read(path: str) -> Policy:
    """The policy in the file.  Raises Invalid with the place in it, ArgosyError when it cannot be read."""
    from argosy.linux import files

    try:
        data = files.read_regular(path, _LIMIT)
    except OSError as error:
        raise ArgosyError(f"cannot read the signature policy {path}: {str(error.strerror).lower()}") from error
    return parse(data, path)


def parse(data: bytes, path: str) -> Policy:
    """The policy in `data`, the content of the file `path`."""
    try:
        value = jsontext.decode(data, "policy")
    except Invalid as error:
        raise _invalid(path, error.why) from error
    try:
        fields = _Object(value, "")
        default = _requirements(fields.need("default"), "default")
        given = _object(fields.need("transports"), "transports") if "transports" in fields else []
        transports = {name: _transport(name, scopes) for name, scopes in given}
        fields.finish()
    except _Broken as error:
        raise _invalid(path, str(error)) from error
    return Policy(path, default, transports)


def _invalid(path: str, why: str) -> Invalid:
    return Invalid("signature policy", path, why, hint="containers-policy.json(5) describes the file")


class _Object:
    """One JSON object whose keys are taken one by one; those that are left over are unknown."""

    def __init__(self, value: Any, where: str) -> None:
        if type(value) is not dict:
            raise _Broken(f"{where or 'the file'} is not an object")
        self.where = where
        self._rest: dict[str, Any] = dict(value)

    def __contains__(self, key: str) -> bool:
        return key in self._rest

    def at(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def need(self, key: str) -> Any:
        if key not in self._rest:
            raise _Broken(f"{self.at(key)} is missing")
        return self._rest.pop(key)

    def text(self, key: str, *, required: bool = False) -> str:
        """A string that is not empty; "" where there is none and need not be."""
        if key not in self._rest and not required:
            return ""
        value = self.need(key)
        if type(value) is not str or not value or "\0" in value:
            raise _Broken(f"{self.at(key)} is not a string with content")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """An array of such strings, not empty; () where there is none."""
        if key not in self._rest:
            return ()
        values = self.need(key)
        if type(values) is not list or not values or not all(type(value) is str and value for value in values):
            raise _Broken(f"{self.at(key)} is not a list of strings with content")
        return tuple(values)

    def finish(self) -> None:
        for key in self._rest:
            raise _Broken(f'unknown key "{key}"' + (f" in {self.where}" if self.where else ""))


def _object(value: Any, where: str) -> list[tuple[str, Any]]:
    if type(value) is not dict:
        raise _Broken(f"{where} is not an object")
    return list(value.items())


def _transport(name: str, scopes: Any) -> dict[str, tuple[Requirement, ...]]:
    where = f"transports.{name}"
    found = {}
    for scope, rules in _object(scopes, where):
        place = f'{where}["{scope}"]'
        _check_scope(name, scope, place)
        found[scope] = _requirements(rules, place)
    return found


def _check_scope(transport: str, scope: str, where: str) -> None:
    """Refuse a scope that no image can have: a rule that silently never holds is worse than an error."""
    if not scope or transport not in _TRANSPORTS:
        return
    if transport in ("dir", "oci", "oci-archive"):
        path = scope if transport == "dir" else scope.partition(":")[0]
        if not path.startswith("/"):
            raise _Broken(f"{where}: the scope is not an absolute path")
        if path == "/":
            raise _Broken(f'{where}: the scope "/" is written "", the default of the transport')
        if os.path.normpath(path) != path:
            raise _Broken(f"{where}: the scope is not a clean path: {os.path.normpath(path)} is")
    elif transport == "docker-archive":
        raise _Broken(f'{where}: docker-archive has only the scope ""')
    elif transport != "containers-storage" and "*" in scope and not _is_wildcard(scope):
        raise _Broken(f"{where}: a wildcard is written *.domain, without a port or a path")


def _is_wildcard(scope: str) -> bool:
    return scope.startswith("*.") and frozenset("*/:").isdisjoint(scope[1:])


def _requirements(value: Any, where: str) -> tuple[Requirement, ...]:
    if type(value) is not list or not value:
        raise _Broken(f"{where} is not a list of at least one requirement")
    return tuple(_requirement(item, f"{where}[{position}]") for position, item in enumerate(value))


def _requirement(value: Any, where: str) -> Requirement:
    fields = _Object(value, where)
    kind = fields.text("type", required=True)
    if kind in (policy.ACCEPT, policy.REJECT):
        found = Requirement(kind, where)
    elif kind == policy.SIGNED_BY:
        found = _signed_by(fields)
    elif kind == policy.SIGNED_BASE_LAYER:
        found = Requirement(kind, where, identity=_identity(fields.need("baseLayerIdentity"), fields.at("identity")))
    elif kind == policy.SIGSTORE_SIGNED:
        found = _sigstore_signed(fields)
    else:
        raise _Broken(f'{where}: unknown requirement type "{kind}"')
    fields.finish()
    return found


def _signed_by(fields: _Object) -> Requirement:
    key_type = fields.text("keyType", required=True)
    if key_type not in _KEY_TYPES:
        raise _Broken(f'{fields.at("keyType")}: unknown key type "{key_type}"')
    keys = _keys(fields, "keyPath", "keyPaths", "keyData")
    if not keys:
        raise _Broken(f"{fields.where}: exactly one of keyPath, keyPaths and keyData must be specified")
    return Requirement(policy.SIGNED_BY, fields.where, key_type, keys, _signed_identity(fields))


def _sigstore_signed(fields: _Object) -> Requirement:
    keys = _keys(fields, "keyPath", "keyPaths", "keyData", "keyDatas")
    fulcio = _fulcio(_Object(fields.need("fulcio"), fields.at("fulcio"))) if "fulcio" in fields else None
    pki = _pki(_Object(fields.need("pki"), fields.at("pki"))) if "pki" in fields else None
    if [bool(keys), fulcio is not None, pki is not None].count(True) != 1:
        raise _Broken(
            f"{fields.where}: exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio and pki must be specified"
        )
    rekor = _keys(fields, "rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas")
    if pki is not None and rekor:
        raise _Broken(f"{fields.where}: with pki, none of the rekorPublicKey fields may be specified")
    if fulcio is not None and not rekor:
        raise _Broken(f"{fields.where}: with fulcio, one of the rekorPublicKey fields must be specified")
    identity = _signed_identity(fields)
    return Requirement(policy.SIGSTORE_SIGNED, fields.where, "", keys, identity, fulcio, rekor, pki)


def _fulcio(fields: _Object) -> Fulcio:
    authority = _keys(fields, "caPath", "caData")
    if not authority:
        raise _Broken(f"{fields.where}: exactly one of caPath and caData must be specified")
    found = Fulcio(authority[0], fields.text("oidcIssuer", required=True), fields.text("subjectEmail", required=True))
    fields.finish()
    return found


def _pki(fields: _Object) -> Pki:
    roots = _keys(fields, "caRootsPath", "caRootsData")
    if not roots:
        raise _Broken(f"{fields.where}: exactly one of caRootsPath and caRootsData must be specified")
    between = _keys(fields, "caIntermediatesPath", "caIntermediatesData")
    found = Pki(roots[0], between[0] if between else None, fields.text("subjectEmail"), fields.text("subjectHostname"))
    if not (found.subject_email or found.subject_hostname):
        raise _Broken(f"{fields.where}: at least one of subjectEmail and subjectHostname must be specified")
    fields.finish()
    return found


def _keys(fields: _Object, *names: str) -> tuple[Key, ...]:
    """The keys in those of the fields `names` that are there, which may be one at most; what a name ends in says how
    the key is written."""
    found: list[tuple[Key, ...]] = []
    for name in names:
        if name.endswith("Paths"):
            keys = tuple(Key(path) for path in fields.texts(name))
        elif name.endswith("Datas"):
            keys = tuple(Key(data=_decoded(text, fields.at(name))) for text in fields.texts(name))
        elif name.endswith("Path"):
            path = fields.text(name)
            keys = (Key(path),) if path else ()
        else:
            text = fields.text(name)
            keys = (Key(data=_decoded(text, fields.at(name))),) if text else ()
        if keys:
            found.append(keys)
    if len(found) > 1:
        raise _Broken(f"{fields.where}: only one of {', '.join(names)} may be specified")
    return found[0] if found else ()


def _decoded(text: str, where: str) -> bytes:
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise _Broken(f"{where} is not base64")
    return data


def _signed_identity(fields: _Object) -> Identity:
    if "signedIdentity" not in fields:
        return Identity()
    return _identity(fields.need("signedIdentity"), fields.at("signedIdentity"))


def _identity(value: Any, where: str) -> Identity:
    fields = _Object(value, where)
    kind = fields.text("type", required=True)
    if kind in _PLAIN_IDENTITIES:
        found = Identity(kind)
    elif kind == "exactReference":
        found = Identity(kind, _name(fields, "dockerReference", tagged=True))
    elif kind == "exactRepository":
        found = Identity(kind, _name(fields, "dockerRepository", tagged=False))
    elif kind == "remapIdentity":
        found = Identity(kind, "", _prefix(fields, "prefix"), _prefix(fields, "signedPrefix"))
    else:
        raise _Broken(f'{where}: unknown type "{kind}"')
    fields.finish()
    return found


def _name(fields: _Object, key: str, *, tagged: bool) -> str:
    text = fields.text(key, required=True)
    try:
        found = references.parse(text, default_tag="")
    except Invalid as error:
        raise _Broken(f"{fields.at(key)}: {error}") from error
    if tagged and not found.selector:
        raise _Broken(f'{fields.at(key)}: "{text}" has neither a tag nor a digest')
    return str(found) if tagged else found.name


def _prefix(fields: _Object, key: str) -> str:
    """A host, perhaps with a namespace or repository behind it, in full: nothing is added to it."""
    text = fields.text(key, required=True)
    try:
        whole = references.parse(f"{text}/any", default_tag="")
        proper = str(whole) == f"{text}/any" and references.is_registry(whole.registry)
    except Invalid:
        proper = False
    if not proper:
        raise _Broken(f'{fields.at(key)}: "{text}" is not a host name, perhaps followed by a repository')
    return text
