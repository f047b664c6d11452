"""docker-daemon: an image in the store of a docker daemon, read and written as an archive through its socket."""

from __future__ import annotations

import os

from argosy.errors import Invalid
from argosy.oci import reference as references
from argosy.transports import docker_archive, scratch
from argosy.transports.archive import Members
from argosy.transports.archive_file import ArchiveFile
from argosy.transports.docker_archive import DockerArchiveSource
from argosy.transports.docker_archive_destination import DockerArchiveDestination

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.oci.reference import Reference
    from argosy.registry.daemon import Daemon


def parse(text: str) -> str:
    """The name as the daemon takes it: NAME:TAG, NAME@DIGEST, or an image id `sha256:<hex>`.  Raises Invalid."""
    algorithm, colon, digits = text.partition(":")
    if algorithm == "sha256" and colon and len(digits) == 64:
        return text
    reference = references.parse(text, default_tag="")
    if not reference.tag and not reference.digest:
        raise Invalid("docker-daemon reference", text, "it has neither a tag nor a digest")
    if reference.tag and reference.digest:
        raise Invalid("docker-daemon reference", text, "a tag and a digest exclude each other")
    return str(reference)


class DaemonSource(DockerArchiveSource):
    """An `ImageSource` (see `transports.source`): the archive that the daemon sends, kept until `close`."""

    def __init__(self, daemon: Daemon, name: str) -> None:
        what = f"reading docker-daemon:{name}"
        self._spool = scratch.temporary_file()
        try:
            for block in daemon.save(name, what):
                scratch.write_all(self._spool, block)
            members = Members(self._spool, f"docker-daemon:{name}")
            images = docker_archive.listed(members)
            if len(images) != 1:
                raise Invalid("docker-daemon reference", name, f"the daemon sent {len(images)} images")
            super().__init__(members, images[0], _label(name))
        except BaseException:
            os.close(self._spool)
            raise

    def close(self) -> None:
        """Let go of the archive."""
        fd, self._spool = self._spool, -1
        if fd >= 0:
            os.close(fd)


def _label(name: str) -> Reference:
    return references.parse("localhost/image" if name.startswith("sha256:") else name)


class DaemonDestination(DockerArchiveDestination):
    """An `ImageDestination` (see `transports.destination`): the daemon gets the archive when it is whole."""

    def __init__(self, daemon: Daemon, name: str) -> None:
        reference = references.parse(name)
        if not reference.tag:
            raise Invalid("docker-daemon destination", name, "an image is loaded under a name with a tag")
        self._spool = scratch.temporary_file()
        super().__init__(ArchiveFile(f"docker-daemon:{name}", fd=os.dup(self._spool)), (reference,))
        self.name = f"docker-daemon:{name}"
        self._daemon = daemon

    def commit(self) -> None:
        """Send the archive, and wait for the daemon to say that it has it."""
        super().commit()
        self._daemon.load(self._spool, f"writing {self.name}")

    def close(self) -> None:
        """Let go of the archive."""
        super().close()
        fd, self._spool = self._spool, -1
        if fd >= 0:
            os.close(fd)
