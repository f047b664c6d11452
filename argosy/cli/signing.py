"""The flags by which an image is signed on its way, and what they mean."""

from __future__ import annotations

import os

from argosy.cli.flags import Flag
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from argosy.images.sign import SignOptions

    class SignFlags(Protocol):
        """The fields of a command's options that these flags fill."""

        @property
        def sign_by(self) -> str | None: ...
        @property
        def sign_by_sigstore_private_key(self) -> str | None: ...
        @property
        def sign_passphrase_file(self) -> str | None: ...


FLAGS = (
    Flag("remove-signatures", help="Do not copy signatures from the source"),
    Flag("sign-by", kind="string", help="Sign the image with the GnuPG key that has this fingerprint"),
    Flag("sign-by-sigstore-private-key", kind="string", help="Sign the image with the sigstore private key at PATH"),
    Flag("sign-passphrase-file", kind="string", help="Read the passphrase of the signing key from the file"),
)
_PASSPHRASE_LIMIT = 64 << 10


def options(flags: SignFlags, identity: str = "") -> SignOptions:
    """Who signs.  Asks for the passphrase of a sigstore key at the terminal when no file has it."""
    from argosy.images.sign import SignOptions

    gpg_key, sigstore_key = flags.sign_by or "", flags.sign_by_sigstore_private_key or ""
    passphrase = None
    if flags.sign_passphrase_file:
        if gpg_key and sigstore_key:
            raise ArgosyError(
                "Only one of --sign-by and sign-by-sigstore-private-key can be used with sign-passphrase-file"
            )
        passphrase = read_passphrase(flags.sign_passphrase_file)
    elif sigstore_key:
        passphrase = ask_passphrase(f"Passphrase for key {sigstore_key}: ")
    return SignOptions(gpg_key, sigstore_key, passphrase, identity)


def read_passphrase(path: str) -> str:
    """The first line of the file, as gpg takes it."""
    from argosy.linux import files

    try:
        data = files.read(path, _PASSPHRASE_LIMIT)
    except OSError as error:
        raise ArgosyError(f"cannot read the passphrase file {path}: {str(error.strerror).lower()}") from error
    lines = data.decode("utf-8", "surrogateescape").splitlines()
    return lines[0] if lines else ""


def ask_passphrase(prompt: str) -> str:
    """What is typed at the terminal, unseen."""
    if not os.isatty(0):
        raise ArgosyError(
            "Cannot prompt for a passphrase: standard input is not a terminal",
            hint="give it in a file: --sign-passphrase-file or --passphrase-file",
        )
    import getpass

    return getpass.getpass(prompt)
