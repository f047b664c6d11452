"""The transport docker://: an image at a registry, found through registries.conf, auth.json and certs.d."""

from __future__ import annotations

from argosy.config import auth, certs
from argosy.errors import ArgosyError
from argosy.oci import reference as references
from argosy.registry import proxies
from argosy.registry.client import RawManifest, RegistryClient
from argosy.registry.faults import RegistryError, Unknown
from argosy.registry.http import Connection
from argosy.registry.mirrors import Mirrors
from argosy.registry.retry import Backoff
from argosy.registry.session import Session
from argosy.transports.access import RegistryOptions
from argosy.transports.destination import COMPRESS, Abilities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from argosy.config.auth import Credentials
    from argosy.config.registries import Endpoint, Registries
    from argosy.oci.descriptor import Descriptor
    from argosy.oci.digest import Digest
    from argosy.oci.reference import Reference
    from argosy.registry.blob import BlobReader
    from argosy.registry.streams import OpenBlob
    from argosy.registry.uploads import Claim, NoClaim
    from argosy.registry.writer import RepositoryWriter


def open_source(
    reference: Reference,
    *,
    registries: Registries,
    environ: Mapping[str, str],
    uid: int,
    options: RegistryOptions = RegistryOptions(),  # noqa: B008 -- frozen
    notice: Callable[[str], None] | None = None,
) -> DockerSource:
    """The image `reference` at its registry, or at one of the mirrors that registries.conf names.

    Nothing is sent yet.  `uid` is the user's id outside any namespace of ours; `notice` is told, in one line each,
    about repeated tries and mirrors that failed.  Raises ArgosyError when the registry is blocked.
    """
    return DockerSource(reference, _Connector(registries, environ, uid, options, notice))


class DockerSource:
    """An `ImageSource` (see `transports.source`) at a registry."""

    def __init__(self, reference: Reference, connector: _Connector) -> None:
        self.reference = reference
        self._connector = connector
        endpoints = connector.registries.endpoints(reference)
        self._mirrors = Mirrors(endpoints, connector.connect, connector.notice)

    def client(self) -> RegistryClient:
        """The client of the place itself, mirrors passed over: for what the others need not have."""
        return self._mirrors.own()

    def manifest(self, digest: str | None = None) -> RawManifest:
        """The manifest or index that the reference names, or another one of the repository by its digest; verified."""
        return self._mirrors.manifest(digest or "")

    def digest(self) -> Digest | None:
        """The digest that the reference's tag has now, without fetching the manifest; None: the registry is silent."""
        return self._mirrors.digest()

    def blob_size(self, digest: Digest) -> int | None:
        """How many bytes a blob has that no manifest tells of; None: the registry is silent."""
        return self._mirrors.blob_size(digest)

    def read_blob(self, descriptor: Descriptor, offset: int = 0) -> BlobReader:
        """The blob from `offset` on, resumed by itself after broken connections; not hashed.

        A layer that the registry does not have comes from where its descriptor says (urls), without credentials.
        """
        try:
            return self._mirrors.blob(descriptor, offset)
        except Unknown as error:
            if not descriptor.urls:
                raise
            return self._elsewhere(descriptor, offset, error)

    def _elsewhere(self, descriptor: Descriptor, offset: int, missing: Unknown) -> BlobReader:
        """A blob at one of its URLs, the first one that has it.  Raises `missing` when none does."""
        from argosy.registry import foreign

        connection = self._connector.foreign_connection(near=self._mirrors.own().session.is_near)
        for url in descriptor.urls:
            try:
                return foreign.open_blob(url, descriptor, offset, connection, self._connector.notice)
            except RegistryError as error:
                missing.add_note(f"{url}: {error}")
        raise missing

    def fetch(self, descriptor: Descriptor, limit: int) -> bytes:
        """A small blob as a whole, verified."""
        return self._mirrors.fetch(descriptor, limit)

    def tags(self) -> list[str]:
        """All tags of the repository."""
        return self._mirrors.tags()

    def close(self) -> None:
        """Close all connections."""
        self._mirrors.close()


def open_destination(
    reference: Reference,
    *,
    registries: Registries,
    environ: Mapping[str, str],
    uid: int,
    options: RegistryOptions = RegistryOptions(),  # noqa: B008 -- frozen
    mount_from: tuple[str, ...] = (),
    notice: Callable[[str], None] | None = None,
    notes: str = "",
) -> DockerDestination:
    """The repository of `reference` at its registry, to write to.  Mirrors are for reading: they are passed over.

    `mount_from` are repositories of that registry which may have the blobs already.  `notes` is the directory of what
    is known of uploads that have begun ("" for none).  Nothing is sent yet.  Raises ArgosyError when the registry is
    blocked.
    """
    connector = _Connector(registries, environ, uid, options, notice)
    endpoint = next(point for point in registries.endpoints(reference) if not point.mirror)
    return DockerDestination(reference, connector.writer(endpoint, notes), mount_from)


def open_session(
    name: str,
    credentials: Credentials | None,
    *,
    registries: Registries,
    environ: Mapping[str, str],
    options: RegistryOptions = RegistryOptions(),  # noqa: B008 -- frozen
) -> Session:
    """A conversation with the registry `name`, with these credentials and no other.  Nothing is sent yet."""
    registry = name.partition("/")[0]
    endpoint = registries.endpoints(references.parse(f"{registry}/any"))[-1]
    return _Connector(registries, environ, 0, options, None).session(endpoint, credentials)


class DockerDestination:
    """An `ImageDestination` (see `transports.destination`) at a registry."""

    def __init__(self, reference: Reference, writer: RepositoryWriter, mount_from: tuple[str, ...]) -> None:
        self.name = f"docker://{reference}"
        self.abilities = Abilities(foreign=True, layers=COMPRESS)
        self._reference = reference
        self.writer = writer
        self._mount_from = mount_from

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether the repository has the blob, or could have it mounted from another one."""
        if self.writer.has_blob(descriptor):
            return True
        return any(self.writer.mount(descriptor, other) for other in self._mount_from)

    def put_blob(self, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> None:
        """Send the blob."""
        self.writer.upload(descriptor, source, advance)

    def put_manifest(self, manifest: RawManifest, *, main: bool) -> None:
        """Write it under the reference's tag, or under its digest."""
        selector = self._reference.tag if main and self._reference.tag else str(manifest.digest)
        self.writer.put_manifest(selector, manifest.data, manifest.media_type)

    def claim(self) -> Claim | NoClaim:
        """Be the only one of this user's processes that reads and rewrites what the name means, as a context."""
        return self.writer.claim(self._reference.tag)

    def delete(self, digest: str) -> None:
        """Delete the manifest with this digest, and so every tag that means it."""
        self.writer.delete_manifest(digest)

    def commit(self) -> None:
        """The main manifest was the last step."""

    def close(self) -> None:
        """Close all connections."""
        self.writer.close()


class _Connector:
    """Makes the client of one endpoint, with the settings that hold there."""

    def __init__(
        self,
        registries: Registries,
        environ: Mapping[str, str],
        uid: int,
        options: RegistryOptions,
        notice: Callable[[str], None] | None,
    ) -> None:
        self.registries = registries
        self.notice = notice
        self._environ = environ
        self._uid = uid
        self._options = options
        self._given = auth.parse(options.creds) if options.creds else None
        if options.token:
            if not options.token.isascii() or not options.token.isprintable():
                raise ArgosyError("the registry token is not one", details="it has characters that no token has")
            self._given = auth.Credentials(bearer_token=options.token, origin="the command line")

    def connect(self, endpoint: Endpoint) -> RegistryClient:
        """The client of one endpoint."""
        return RegistryClient(self.session(endpoint, self._credentials(endpoint)), endpoint.reference.repository)

    def writer(self, endpoint: Endpoint, notes: str) -> RepositoryWriter:
        """The same, to write."""
        from argosy.registry.uploads import Uploads
        from argosy.registry.writer import RepositoryWriter

        session = self.session(endpoint, self._credentials(endpoint))
        return RepositoryWriter(session, endpoint.reference.repository, Uploads(notes) if notes else None)

    def session(self, endpoint: Endpoint, credentials: Credentials | None) -> Session:
        """A conversation with the endpoint's registry."""
        options = self._options
        registry = endpoint.reference.registry
        insecure = endpoint.insecure if options.tls_verify is None else not options.tls_verify
        connection = Connection(
            insecure=insecure,
            public=options.public and not endpoint.mirror,
            certificates=certs.find(registry, self._environ, cert_dir=options.cert_dir),
            proxies=proxies.from_environ(self._environ),
            timeout_s=options.timeout_s,
        )
        return Session(
            registry,
            connection=connection,
            credentials=credentials,
            backoff=options.backoff or Backoff(),
            notice=self.notice,
        )

    def foreign_connection(self, *, near: bool) -> Connection:
        """How hosts are reached that nothing is known of: with TLS, the system's authorities and the proxies.

        `near`: the registry that sends us is at an address of this host, and what it names may be there as well.
        """
        return Connection(
            foreign=not near,
            public=self._options.public,
            proxies=proxies.from_environ(self._environ),
            timeout_s=self._options.timeout_s,
        )

    def _credentials(self, endpoint: Endpoint) -> Credentials | None:
        """Those of the command line are for the place that the user named, not for its mirrors."""
        if self._given is not None and not endpoint.mirror:
            return self._given
        if self._options.anonymous:
            return None
        return auth.lookup(
            endpoint.reference.name,
            self._environ,
            uid=self._uid,
            authfile=self._options.authfile,
            helpers=self.registries.credential_helpers,
        )
