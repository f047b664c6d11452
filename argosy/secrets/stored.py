"""Secrets as objects of the store: made, replaced, found, listed, read, removed.

Nothing here shows data but `load`.
"""

from __future__ import annotations

import errno
import os
import time

from argosy import jsontext
from argosy.errors import ArgosyError, Exists, Invalid, NotFound
from argosy.linux import files
from argosy.secrets import drivers, sealing
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from argosy.secrets.drivers import Driver
    from argosy.storage.store import Store

SECRET = "secret.json"
_ID_LENGTH = 25
_NAME_LIMIT = 64
_ENDS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_MIDDLE = _ENDS | frozenset("-_.")
_MAX_BYTES = 512000
_SIZE = f"secret data must be larger than 0 and less than {_MAX_BYTES} bytes"
NO_PAIRS: Mapping[str, str] = {}


class Secret(Value):
    """secret.json.  Times are in seconds since the epoch; `entry` is the data's name with the driver, `key_path` the
    key it is sealed with."""

    id: str
    name: str
    created_at: float
    updated_at: float
    driver: str
    entry: str
    options: Mapping[str, str] = NO_PAIRS
    labels: Mapping[str, str] = NO_PAIRS
    key_path: str = ""


class Listing(Value):
    """All secrets by name, and for each that could not be read its id and the error."""

    secrets: tuple[Secret, ...]
    damaged: tuple[tuple[str, str], ...] = ()


def check(name: str, data: bytes) -> None:
    """Raise ArgosyError, in podman's words, unless this can be a secret."""
    if not (0 < len(name) <= _NAME_LIMIT and {name[0], name[-1]} <= _ENDS and _MIDDLE.issuperset(name)):
        raise ArgosyError(
            "only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be [a-zA-Z0-9]: "
            f"{name}: invalid secret name"
        )
    if not 0 < len(data) < _MAX_BYTES:
        raise ArgosyError(_SIZE)


def create(
    store: Store,
    name: str,
    data: bytes,
    *,
    driver: str,
    options: Mapping[str, str],
    labels: Mapping[str, str],
    key_path: str,
    replace: bool = False,
) -> Secret:
    """Make a secret, stable on disk before it can be seen.  `options` are those that `drivers.settled` gave.

    With `replace`, a secret of this name keeps its id and gets the new data in one step.  Raises Exists.
    """
    check(name, data)
    while True:
        secret_id = os.urandom(13).hex()[:_ID_LENGTH]
        now = time.time()
        secret = Secret(secret_id, name, now, now, driver, secret_id, options, labels, key_path)
        try:
            _create(store, secret, data)
        except Exists as error:
            error.brief = f"{name}: secret name in use"
            if not replace:
                raise
            try:
                return _replace(store, error.holder, secret, data)
            except NotFound:
                continue  # removed meanwhile: the name is free
        return secret


def _create(store: Store, secret: Secret, data: bytes) -> None:
    with store.secrets.stage(secret.id) as staged:
        place = _driver(store, secret, staged.path)
        staged.write(SECRET, jsontext.encode(secret.to_json()))
        place.store(secret.entry, data)
        try:
            staged.commit(secret.name, durable=True)
        except BaseException:
            place.remove(secret.entry)
            raise


def _replace(store: Store, secret_id: str, new: Secret, data: bytes) -> Secret:
    """The data has an entry of its own until the record names it, so that a reader finds the old or the new."""
    with store.secrets.lock(secret_id):
        old = get(store, secret_id)
        new = new.replace(
            id=secret_id, created_at=old.created_at, labels=new.labels or old.labels, entry=os.urandom(13).hex()
        )
        place = _driver(store, new)
        place.store(new.entry, data)
        try:
            store.secrets.write(secret_id, SECRET, jsontext.encode(new.to_json()), durable=True)
        except BaseException:
            place.remove(new.entry)
            raise
        _driver(store, old).remove(old.entry)
    return new


def _driver(store: Store, secret: Secret, directory: str = "") -> Driver:
    return drivers.opened(
        secret.driver,
        secret.options,
        directory or store.secrets.path(secret.id),
        lambda data: sealing.seal(secret.key_path, data, secret.entry),
        lambda data: sealing.unseal(secret.key_path, data, secret.entry),
    )


def find(store: Store, text: str) -> Secret:
    """The secret with this name, id or unique beginning of an id.  Raises NotFound in podman's words."""
    return get(store, find_id(store, text))


def find_id(store: Store, text: str) -> str:
    """Its id alone, which one whose record is damaged has too."""
    try:
        return store.secrets.find(text)
    except NotFound:
        error = NotFound("secret", text)
        error.brief = f'no secret with name or id "{text}": no such secret'
        raise error from None


def get(store: Store, secret_id: str) -> Secret:
    """The secret.  Raises NotFound when there is none, Invalid when its record is damaged."""
    return Secret.from_json(jsontext.decode(store.secrets.read(secret_id, SECRET), f"secret {secret_id}"))


def load(store: Store, secret: Secret) -> bytes:
    """The data.  Raises ArgosyError when it is gone, or cannot be decrypted."""
    for _ in range(3):
        try:
            return _driver(store, secret).load(secret.entry)
        except ArgosyError:
            newer = get(store, secret.id)
            if newer.entry == secret.entry:
                raise
            secret = newer  # replaced meanwhile
    return _driver(store, secret).load(secret.entry)


def listing(store: Store) -> Listing:
    """All secrets, by name."""
    found, damaged = [], []
    for secret_id in store.secrets.ids():
        try:
            found.append(get(store, secret_id))
        except NotFound:
            continue
        except Invalid as error:
            damaged.append((secret_id, str(error)))
    return Listing(tuple(sorted(found, key=lambda secret: secret.name)), tuple(sorted(damaged)))


def remove(store: Store, secret_id: str) -> None:
    """Remove a secret: its data first, which must not outlive it.  Raises NotFound.

    One whose record is damaged goes too; what another driver than `file` has of it stays there then.
    """
    with store.secrets.lock(secret_id):
        try:
            secret = get(store, secret_id)
        except Invalid:
            pass
        else:
            _driver(store, secret).remove(secret.entry)
        store.secrets.remove(secret_id, durable=True)


def default_key_path(configuration_home: str) -> str:
    """Where the user's key is."""
    return os.path.join(configuration_home, "argosy", "secrets.key")


def read_source(path: str) -> bytes:
    """The data in the file `path`, or ("-") from standard input.  Raises ArgosyError unless it can be read and fits."""
    try:
        return files.read_descriptor(0, path, _MAX_BYTES) if path == "-" else files.read(path, _MAX_BYTES)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise ArgosyError(_SIZE) from error
        raise ArgosyError(f"open {path}: {(error.strerror or str(error)).lower()}") from error
