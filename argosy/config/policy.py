"""containers-policy.json(5) as values: which images may be used, by where they come from and by who signed them.

`find` says which file holds; `argosy.config.policyfile` reads it.  Evaluating the rules is `argosy.signatures`' work.
"""

from __future__ import annotations

import os

from argosy.config.locations import configuration_home
from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SYSTEM_FILE = "/etc/containers/policy.json"

ACCEPT = "insecureAcceptAnything"
REJECT = "reject"
SIGNED_BY = "signedBy"
SIGNED_BASE_LAYER = "signedBaseLayer"
SIGSTORE_SIGNED = "sigstoreSigned"

MATCH_REPO_DIGEST_OR_EXACT = "matchRepoDigestOrExact"


class Identity(Value):
    """How the name in a signature must go with the image's.  `value` is the reference or repository of the exact
    kinds; `prefix` and `signed_prefix` are those of remapIdentity."""

    kind: str = MATCH_REPO_DIGEST_OR_EXACT
    value: str = ""
    prefix: str = ""
    signed_prefix: str = ""


class Key(Value):
    """A file with public keys or certificates, or their bytes themselves where `path` is ""."""

    path: str = ""
    data: bytes = b""

    def read(self) -> bytes:
        """The bytes.  Raises ArgosyError when the file cannot be read."""
        if not self.path:
            return self.data
        from argosy.linux import files

        try:
            return files.read_regular(self.path, _KEY_LIMIT)
        except OSError as error:
            raise ArgosyError(f"cannot read the key {self.path}: {str(error.strerror).lower()}") from error


class Fulcio(Value):
    """Who must have been given a certificate, by which issuer, and the authority that gave it."""

    authority: Key
    oidc_issuer: str
    subject_email: str


class Pki(Value):
    """Who must have been given a certificate by an ordinary authority: an address, a host, or both."""

    roots: Key
    intermediates: Key | None
    subject_email: str = ""
    subject_hostname: str = ""


class Requirement(Value):
    """One rule of a list, all of which an image must fulfil.  `where` is its place in the file, for messages.

    `keys` are those of signedBy and sigstoreSigned, any of which will do; `key_type` is signedBy's.
    """

    kind: str
    where: str
    key_type: str = ""
    keys: tuple[Key, ...] = ()
    identity: Identity = Identity()
    fulcio: Fulcio | None = None
    rekor_keys: tuple[Key, ...] = ()
    pki: Pki | None = None


class Policy(Value):
    """The rules of one file (`path`, "" where there is none): for each transport and scope, and for all else."""

    path: str
    default: tuple[Requirement, ...]
    transports: dict[str, dict[str, tuple[Requirement, ...]]] = {}  # noqa: RUF012 -- a field's default, never changed

    def requirements(self, transport: str, scopes: Iterable[str]) -> tuple[Requirement, ...]:
        """The rules for an image: those of the first of `scopes` (the most specific first) that has any."""
        rules = self.transports.get(transport)
        if rules is not None:
            for scope in (*scopes, ""):
                found = rules.get(scope)
                if found is not None:
                    return found
        return self.default


# Where there is no file at all: a fresh machine works, as with docker, and as with the file that Debian ships.
ACCEPT_ALL = Policy("", (Requirement(ACCEPT, "default[0]"),))

_KEY_LIMIT = 4 << 20


def find(environ: Mapping[str, str], given: str = "") -> str:
    """The file that holds: `given` (which must be there), else the user's own, else the system's; "" for none.

    Raises ArgosyError where it cannot be told whether a file is there: only one that surely is none counts as none.
    """
    if given:
        if not _present(given):
            raise Invalid("signature policy", given, "there is no such file")
        return os.path.abspath(given)
    for path in (user_file(environ), SYSTEM_FILE):
        if _present(path):
            return path
    return ""


def user_file(environ: Mapping[str, str]) -> str:
    """The user's own file, which replaces the system's."""
    return os.path.join(configuration_home(environ), "containers", "policy.json")


def _present(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ArgosyError(f"cannot read the signature policy {path}: {str(error.strerror).lower()}") from error
    return True


def load(environ: Mapping[str, str], given: str = "") -> Policy:
    """The policy that holds.  Raises Invalid for a file that breaks a rule: it never counts as one that accepts."""
    path = find(environ, given)
    if not path:
        return ACCEPT_ALL
    from argosy.config import policyfile

    return policyfile.read(path)
