"""The policy, and the signatures on both sides, put together for each way by which images and artifacts move."""

from __future__ import annotations

from argosy.config import registriesd
from argosy.images import sign, trust
from argosy.images.guard import Guard
from argosy.oci import reference as references
from argosy.transports import signatures
from argosy.transports.signatures import RegistrySignatures
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from argosy.images.listsource import ListSource
    from argosy.images.places import Place
    from argosy.images.resolve import Resolved
    from argosy.images.sign import SignOptions
    from argosy.images.trust import Admit, Origin
    from argosy.oci.reference import Reference
    from argosy.signatures.blob import Signature
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store
    from argosy.transports.access import RegistryOptions
    from argosy.transports.docker import DockerDestination, DockerSource
    from argosy.transports.source import RawManifest


class Doors(Value):
    """Made by the engine.  `open_source` and `open_destination` reach registries; the image of the store, if there is
    one, tells which repositories have its blobs."""

    store: Store
    environ: Mapping[str, str]
    rootless: bool
    open_source: Callable[[Reference, RegistryOptions], DockerSource]
    open_destination: Callable[[Reference, ImageRecord | None, RegistryOptions], DockerDestination]

    def images_door(self, signature_policy: str = "") -> Callable[[Origin], Admit]:
        """What judges images that are on this host, in archives and directories.

        `signature_policy` is, here and below, a file in place of the usual policy.json.
        """
        return trust.local_door(trust.load(self.environ, signature_policy))

    def registry_door(self, options: RegistryOptions, signature_policy: str = "") -> Callable[[Reference], Admit]:
        """What judges images at registries."""
        policy = trust.load(self.environ, signature_policy)

        def door(reference: Reference) -> Admit:
            return policy.door(trust.at_registry(reference), self.at_registry(reference, options))

        return door

    def push_guard(
        self,
        found: Resolved,
        target: Place,
        options: RegistryOptions,
        signing: SignOptions,
        *,
        signature_policy: str = "",
        keep: bool = True,
    ) -> Guard:
        """What judges an image of the store that goes elsewhere, and signs it.

        `keep` takes its old signatures along.
        """
        from argosy.images.push import signatures_of

        record = found.record
        kept = signatures.KeptSignatures(self.store, record.manifest_digest)
        origin = trust.in_store(self.store, found.name, record.config_digest)
        return Guard(
            trust.load(self.environ, signature_policy).door(origin, kept),
            kept,
            signatures_of(target, lambda reference: self.at_registry(reference, options, record)),
            sign.makers(signing, str(target), target.reference, self.environ),
            keep=keep,
        )

    def list_guard(
        self, source: ListSource, target: Place, options: RegistryOptions, signing: SignOptions, *, keep: bool = True
    ) -> Guard:
        """What judges each image of a manifest list by where it comes from, and signs.  `keep` as in `push_guard`."""
        from argosy.images.push import signatures_of

        policy = trust.load(self.environ)

        def admit(raw: RawManifest) -> tuple[Signature, ...]:
            entry = source.entry(raw.digest)
            if entry is None:
                return ()  # the list itself, which is made here
            if entry.source:
                reference = references.parse(entry.source.removeprefix("docker://"))
                return policy.door(trust.at_registry(reference), self.at_registry(reference, options))(raw)
            record = self.store.images.get(raw.digest)
            kept = signatures.KeptSignatures(self.store, record.manifest_digest)
            return policy.door(trust.in_store(self.store, None, record.config_digest), kept)(raw)

        return Guard(
            admit,
            signatures.NoSignatures("list"),
            signatures_of(target, lambda reference: self.at_registry(reference, options)),
            sign.makers(signing, str(target), target.reference, self.environ),
            keep=keep,
        )

    def pull_guard(self, reference: Reference, options: RegistryOptions) -> Guard:
        """What judges an artifact that comes from a registry."""
        there = self.at_registry(reference, options)
        door = trust.load(self.environ).door(trust.at_registry(reference), there)
        return Guard(door, there, signatures.NoSignatures("artifact"), keep=False)

    def artifact_guard(self, name: str, target: Reference, options: RegistryOptions, signing: SignOptions) -> Guard:
        """What judges an artifact of the store that goes to a registry, and signs it.

        The policy knows it, as podman's, as an image of the layout in which podman keeps artifacts.
        """
        here = signatures.NoSignatures("artifact")
        origin = trust.at_path("oci", f"{self.store.root}/artifacts", name)
        return Guard(
            trust.load(self.environ).door(origin, here),
            here,
            self.at_registry(target, options),
            sign.makers(signing, f"docker://{target}", target, self.environ),
        )

    def at_registry(
        self, reference: Reference, options: RegistryOptions, record: ImageRecord | None = None
    ) -> RegistrySignatures:
        """Where the signatures of a repository's images are."""
        return RegistrySignatures(
            reference,
            registriesd.load(self.environ, rootless=self.rootless),
            self.environ,
            lambda wanted: self.open_source(wanted, options),
            lambda wanted: self.open_destination(wanted, record, options),
        )
