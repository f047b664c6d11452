"""What goes with one copy beside its bytes: the policy that lets each image in, and signatures, old and new.

A signature is for the manifest's digest: where the copy changes that, old ones cannot go along.  New ones are made
before the destination has a manifest, and are written when it has all, so that one that cannot be made leaves nothing.
"""

from __future__ import annotations

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from argosy.images.trust import Admit
    from argosy.signatures.blob import Signature
    from argosy.transports.signatures import SignatureStore
    from argosy.transports.source import RawManifest

    # Makes one signature of a manifest.
    Maker = Callable[[RawManifest], Signature]


class Guard:
    """One copy's.  `admit` judges the source's images, whose signatures are in `source`; the destination's will be in
    `target`.

    `makers` make the new signatures.  Without `keep`, the old ones are left behind.
    """

    def __init__(
        self,
        admit: Admit,
        source: SignatureStore,
        target: SignatureStore,
        makers: Sequence[Maker] = (),
        *,
        keep: bool = True,
    ) -> None:
        self._admit = admit
        self._source = source
        self._target = target
        self._makers = makers
        self._keep = keep
        self._made: dict[str, tuple[Signature, ...]] = {}

    def admit(self, raw: RawManifest) -> tuple[Signature, ...]:
        """The signatures that go along with this image, once the policy allows it.  Raises Rejected."""
        found = self._admit(raw)
        return found if self._keep else ()

    def gather(self, raw: RawManifest) -> tuple[Signature, ...]:
        """The same for an index whose images are all judged one by one."""
        return tuple(self._source.read(raw.digest)) if self._keep else ()

    def seal(self, raw: RawManifest, made: RawManifest, old: Sequence[Signature]) -> tuple[Signature, ...]:
        """The signatures of `made`, which is `raw` as the destination will have it; `finish` writes them.

        Raises ArgosyError when `old` cannot go along, or when one cannot be made or kept at the destination.
        """
        if old and made.digest != raw.digest:
            raise ArgosyError(
                "the copy would have another digest than the image, and its signatures would be worth nothing",
                hint="leave out what changes the image, or leave the signatures behind with --remove-signatures",
            )
        signatures = (*old, *(make(made) for make in self._makers))
        self._target.check(signatures)
        self._made[made.digest] = signatures
        return signatures

    def finish(self) -> None:
        """Write the signatures: the destination has the image."""
        for digest, signatures in self._made.items():
            if signatures:
                self._target.write(digest, signatures)
