"""Content digests, `algorithm:hex` (image-spec, descriptor.md): parsed before they become part of a path or a URL."""

from __future__ import annotations

from argosy.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Hash(Protocol):
        """What a hash object of the standard library does."""

        def update(self, data: bytes | bytearray | memoryview, /) -> None: ...
        def hexdigest(self) -> str: ...


_HEX_LENGTHS = {"sha256": 64, "sha512": 128}
_HEX_DIGITS = frozenset("0123456789abcdef")


class Digest(str):
    """A digest known to be well formed; make one with `parse` or `of_bytes`."""

    __slots__ = ()

    @property
    def algorithm(self) -> str:
        """The part before the colon: sha256 or sha512."""
        return self.partition(":")[0]

    @property
    def hex(self) -> str:
        """The part behind the colon: lower-case hexadecimal digits and nothing else."""
        return self.partition(":")[2]


def parse(text: str, what: str = "digest") -> Digest:
    """`text` as a digest; Invalid (which names `what`) unless it is sha256 or sha512 in lower case and full length."""
    if type(text) is Digest:
        return text
    algorithm, colon, digits = text.partition(":")
    if not colon:
        raise Invalid(what, text, "a digest is written as algorithm:hex, as in sha256:2c26...")
    length = _HEX_LENGTHS.get(algorithm)
    if length is None:
        raise Invalid(what, text, "the algorithm is neither sha256 nor sha512")
    if len(digits) != length:
        raise Invalid(what, text, f"{algorithm} has {length} hexadecimal digits, not {len(digits)}")
    if not _HEX_DIGITS.issuperset(digits):
        raise Invalid(what, text, "only the digits 0 to 9 and a to f (lower case) may follow the colon")
    return Digest(text)


def is_hex(text: str) -> bool:
    """Whether `text` is not empty and made of lower-case hexadecimal digits, as ids and their prefixes are."""
    return bool(text) and _HEX_DIGITS.issuperset(text)


def of_bytes(data: bytes) -> Digest:
    """The sha256 digest of `data`, which is small (a manifest, a config): for streams see `hasher`."""
    try:
        from _sha2 import sha256  # type: ignore[import-not-found,unused-ignore]  # Python 3.12 and later
    except ImportError:
        from _sha256 import sha256  # type: ignore[import-not-found,unused-ignore]
    return Digest("sha256:" + sha256(data).hexdigest())


def hasher(algorithm: str = "sha256") -> Hash:
    """A hash object for a stream: OpenSSL's, which is several times as fast and releases the interpreter lock."""
    import hashlib

    return hashlib.new(algorithm, usedforsecurity=False)
