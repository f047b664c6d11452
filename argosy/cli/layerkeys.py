"""The flags by which layers are encrypted and decrypted on their way, and what they mean."""

from __future__ import annotations

from argosy.cli.flags import Flag
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.encryption.layers import Keys

DECRYPTION = Flag("decryption-key", kind="csv", help="Private key, FILE[:PASSPHRASE], needed to decrypt the image")
ENCRYPTION = (
    Flag("encrypt-layer", kind="csv", help="Positions of the layers to encrypt, from 0, or from -1 downwards"),
    Flag("encryption-key", kind="csv", help="Public key to encrypt the layers for, as in jwe:/path/to/key.pem"),
)


def read(layers: Iterable[str] = (), recipients: Iterable[str] = (), private: Iterable[str] = ()) -> Keys | None:
    """What --encrypt-layer, --encryption-key and --decryption-key say.

    None where no key was given.  Raises ArgosyError for flags that contradict each other.
    """
    layers, recipients, private = tuple(layers), tuple(recipients), tuple(private)
    if layers and not recipients:
        raise ArgosyError("--encrypt-layer can only be used with --encryption-key")
    if private and recipients:
        raise ArgosyError("--encryption-key and --decryption-key cannot be specified together")
    if not private and not recipients:
        return None
    from argosy.encryption import jwe
    from argosy.encryption.layers import Keys

    return Keys(
        recipients=tuple(map(jwe.recipient, recipients)),
        private=tuple(map(jwe.private, private)),
        layers=tuple(map(_position, layers)),
    )


def _position(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ArgosyError(f'invalid argument "{text}" for "--encrypt-layer" flag: it is not a number') from None
