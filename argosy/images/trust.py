"""The policy at the door: every image that comes in or goes on is judged here before anything of it becomes visible.

An *origin* is what policy.json knows an image by: the transport, the scopes from the most specific on, and the name
that signatures are compared with.
"""

from __future__ import annotations

import os

from argosy.config import policy as policies
from argosy.errors import ArgosyError
from argosy.oci import scopes
from argosy.signatures import evaluate
from argosy.signatures.evaluate import Candidate
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from argosy.config.policy import Policy
    from argosy.images.places import Place
    from argosy.oci.reference import Reference
    from argosy.signatures.blob import Signature
    from argosy.storage.store import Store
    from argosy.transports.signatures import SignatureStore
    from argosy.transports.source import ImageSource, RawManifest

    # Judges one manifest of the image that is being copied, and gives its signatures.
    Admit = Callable[[RawManifest], tuple[Signature, ...]]


class Origin(Value):
    """Where an image comes from.  `reference` is None where it has no name at a registry."""

    label: str
    transport: str
    scopes: tuple[str, ...] = ()
    reference: Reference | None = None


def at_registry(reference: Reference) -> Origin:
    """An image at a registry.  A digest says more than the tag beside it."""
    reference = reference.replace(tag="") if reference.digest else reference
    return Origin(f"docker://{reference}", "docker", scopes.of_reference(reference), reference)


def in_store(store: Store, reference: Reference | None, config_digest: str) -> Origin:
    """An image of the store: its name in this store, the namespaces above it, the store itself."""
    driverless = f"[{store.root}]"
    store_spec = f"[{store.driver}@{store.root}]"
    names = () if reference is None else tuple(n for n in scopes.of_reference(reference) if not n.startswith("*."))
    label = f"containers-storage:{store_spec}{reference or ''}@{config_digest.partition(':')[2]}"
    found = (*(f"{store_spec}{name}" for name in names), store_spec, driverless)
    return Origin(label, "containers-storage", found, reference)


def at_path(transport: str, path: str, name: str = "") -> Origin:
    """An image in a directory or archive, which may have a name there: the path and each directory above it.

    What is read from somewhere else (standard input, a URL) has no path, and only its transport's default holds.
    """
    if transport == "docker-archive":
        return Origin(f"{transport}:{path}{':' if name else ''}{name}", transport, reference=_parsed(name))
    if not os.path.exists(path):
        return Origin(f"{transport}:{path}", transport)
    real = os.path.realpath(path)
    found = [] if transport == "dir" else [f"{real}:{name}"]
    directory = real
    while directory != "/":
        found.append(directory)
        directory = os.path.dirname(directory)
    return Origin(f"{transport}:{path}{':' if name else ''}{name}", transport, tuple(found))


def of_place(place: Place, source: ImageSource) -> Origin:
    """What `source`, opened at a place as skopeo writes it, is for the policy."""
    if place.transport == "docker":
        return at_registry(source.reference)
    if place.transport == "docker-daemon":
        return in_daemon(place.name)
    if place.transport != "containers-storage":
        name = place.name if place.index is None else f"@{place.index}"
        return at_path(place.transport, place.path, name)
    from argosy.transports.storage import StorageSource

    if isinstance(source, StorageSource):
        return in_store(source.store, source.reference, source.record.config_digest)
    return Origin(str(place), place.transport, (f"[{place.path}]",), source.reference)


def in_daemon(text: str) -> Origin:
    """An image of a docker daemon, by its name or id."""
    named = None if text.startswith("sha256:") else _parsed(text)
    found = (text,) if named is None else scopes.of_reference(named)
    return Origin(f"docker-daemon:{text}", "docker-daemon", found, named)


def _parsed(text: str) -> Reference | None:
    from argosy.errors import Invalid
    from argosy.oci import reference as references

    try:
        return references.parse(text) if text else None
    except Invalid:
        return None


class Trust(Value):
    """A policy that was read, ready to judge."""

    policy: Policy

    def admit(self, origin: Origin, raw: RawManifest, signatures: SignatureStore) -> tuple[Signature, ...]:
        """The signatures that the manifest has there, once it fulfils the policy's rules.

        Raises Rejected, which names the rule and the file, or what reading the signatures raises.
        """
        found: list[tuple[Signature, ...]] = []

        def read() -> tuple[Signature, ...]:
            if not found:
                try:
                    found.append(tuple(signatures.read(raw.digest)))
                except ArgosyError as error:
                    raise ArgosyError(
                        f"cannot read the signatures of {origin.label}", details=str(error), hint=error.hint
                    ) from error
            return found[0]

        rules = self.policy.requirements(origin.transport, origin.scopes)
        evaluate.judge(rules, self.policy.path, Candidate(origin.label, origin.reference, raw.data), read)
        return read()

    def admit_tarball(self, name: str) -> None:
        """Judge an archive of a file system, which is to become an image: it has no signatures."""
        rules = self.policy.requirements("tarball", ())
        evaluate.judge(rules, self.policy.path, Candidate(f"tarball:{name}", None, b""), tuple)

    def door(self, origin: Origin, signatures: SignatureStore) -> Admit:
        """`admit` for one image, whose manifests are told later."""

        def admit(raw: RawManifest) -> tuple[Signature, ...]:
            return self.admit(origin, raw, signatures)

        return admit


def load(environ: Mapping[str, str], path: str = "", *, insecure: bool = False) -> Trust:
    """The policy of the file `path`, or of the usual one; `insecure` accepts everything without reading any."""
    return Trust(policies.ACCEPT_ALL if insecure else policies.load(environ, path))


def local_door(policy: Trust) -> Callable[[Origin], Admit]:
    """What judges images that are on this host, in archives and directories."""
    from argosy.transports import signatures

    def door(origin: Origin) -> Admit:
        path = origin.scopes[0] if origin.transport == "dir" and origin.scopes else ""
        store = signatures.DirectorySignatures(path) if path else signatures.NoSignatures(origin.transport)
        return policy.door(origin, store)

    return door
