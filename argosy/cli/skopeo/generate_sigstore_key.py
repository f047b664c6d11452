"""`generate-sigstore-key`: a key pair for sigstore signatures."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class KeyOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    output_prefix: str | None
    passphrase_file: str | None


def run(options: KeyOptions, _opener: Opener, out: Output) -> int:
    """Write PREFIX.private and PREFIX.pub; neither may be there."""
    from argosy.cli import signing
    from argosy.signatures import sigstorekeys

    if not options.output_prefix:
        raise ArgosyError("no place for the keys was given", hint="skopeo generate-sigstore-key --output-prefix PREFIX")
    private, public = f"{options.output_prefix}.private", f"{options.output_prefix}.pub"
    for path in (private, public):
        if os.path.lexists(path):
            raise _taken(path)
    if options.passphrase_file:
        passphrase = signing.read_passphrase(options.passphrase_file)
    else:
        passphrase = signing.ask_passphrase(f"Passphrase for key {private}: ")
        if signing.ask_passphrase("Once more: ") != passphrase:
            raise ArgosyError("the passphrases differ")
    secret, plain = sigstorekeys.generate(passphrase.encode("utf-8", "surrogateescape"))
    _write(private, secret, 0o600)
    try:
        _write(public, plain, 0o644)
    except ArgosyError:
        os.unlink(private)
        raise
    out.line(f'Key written to "{private}" and "{public}"')
    return 0


def _write(path: str, data: bytes, mode: int) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        raise ArgosyError(f"cannot write {path}: {str(error.strerror).lower()}") from error
    with open(fd, "wb") as file:
        file.write(data)


def _taken(path: str) -> ArgosyError:
    return ArgosyError(f'Refusing to overwrite existing "{path}"', hint="choose another --output-prefix")


COMMAND = Command(
    path="generate-sigstore-key",
    summary="Generate a sigstore public/private key pair",
    description=(
        "Writes a new key pair: PREFIX.private, encrypted under a passphrase, signs by "
        "--sign-by-sigstore-private-key; PREFIX.pub goes into policy.json."
    ),
    options=KeyOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("output-prefix", kind="string", help="Write the keys to PREFIX.pub and PREFIX.private"),
        Flag("passphrase-file", kind="string", help="Read the passphrase from the first line of the file"),
    ),
    examples=("skopeo generate-sigstore-key --output-prefix mykey",),
)
