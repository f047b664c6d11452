"""`sync`: all images of a repository, a directory or a list, to a registry or a directory."""

from __future__ import annotations

import os
import threading

from argosy.cli import signing
from argosy.cli.flags import Command, Flag
from argosy.cli.skopeo import _access, _copying
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.cli.skopeo._access import Access
    from argosy.images.copy import CopyOptions
    from argosy.images.sync import Found, Settings
    from argosy.oci.reference import Reference

_SOURCES = ("docker", "dir", "yaml")
_DESTINATIONS = ("docker", "dir")
_IMAGES_AT_ONCE = 3
_LAYERS_AT_ONCE = 3


class SyncFlags(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    append_suffix: str | None
    authfile: str | None
    dest: str | None
    dest_authfile: str | None
    dest_cert_dir: str | None
    dest_creds: str | None
    dest_no_creds: bool
    dest_password: str | None
    dest_registry_token: str | None
    dest_tls_verify: bool | None
    dest_username: str | None
    dry_run: bool
    format: str | None
    keep_going: bool
    preserve_digests: bool
    remove_signatures: bool
    retry_times: int | None
    scoped: bool
    sign_by: str | None
    sign_by_sigstore_private_key: str | None
    sign_passphrase_file: str | None
    src: str | None
    src_authfile: str | None
    src_cert_dir: str | None
    src_creds: str | None
    src_no_creds: bool
    src_password: str | None
    src_registry_token: str | None
    src_tls_verify: bool | None
    src_username: str | None
    tls_verify: bool | None


def run(flags: SyncFlags, opener: Opener, out: Output) -> int:
    """Find the images, then copy them, several at once."""
    from argosy.cli.skopeo import _globals
    from argosy.images.convert import Form
    from argosy.images.copy import CopyOptions

    _access.tell_deprecated(flags, out)
    _check(flags)
    work = _Sync(flags, opener, out)
    options = CopyOptions(
        images="all" if flags.all else "system",
        form=Form(format=_copying.check_format(flags.format)),
        preserve=flags.preserve_digests,
        platform=_globals.platform(opener.program_settings),
        at_once=_LAYERS_AT_ONCE,
    )
    jobs = work.plan(options)
    if flags.dry_run:
        for number, job in enumerate(jobs):
            out.error(f"Would have copied image {number + 1}/{len(jobs)} from {job.source} to {job.target}")
        out.error(f"Would have synced {len(jobs)} images from {work.sources} sources")
        return 0
    work.copy(jobs)
    if work.failures:
        raise ArgosyError(f"failed due to previous reported error(s) for {len(work.failures)} image(s)")
    out.error(f"Synced {len(jobs)} images from {work.sources} sources")
    return 0


def _check(flags: SyncFlags) -> None:
    if not flags.src:
        raise ArgosyError("A source transport must be specified")
    if flags.src not in _SOURCES:
        raise ArgosyError(f'"{flags.src}" is not a valid source transport')
    if not flags.dest:
        raise ArgosyError("A destination transport must be specified")
    if flags.dest not in _DESTINATIONS:
        raise ArgosyError(f'"{flags.dest}" is not a valid destination transport')
    if flags.src == flags.dest == "dir":
        raise ArgosyError("sync from 'dir' to 'dir' not implemented, consider using rsync instead")


class _Sync:
    """One synchronization."""

    def __init__(self, flags: SyncFlags, opener: Opener, out: Output) -> None:
        self._flags = flags
        self._opener = opener
        self._out = out
        self.failures: list[ArgosyError] = []
        self.sources = 1

    def plan(self, options: CopyOptions) -> list[_copying.Job]:
        """The copies to make."""
        from argosy.images import sync

        source, destination = self._flags.operands
        signers = signing.options(self._flags)
        found = self._find(source)
        self.sources = len({one.source.name.partition("/")[0] for one in found}) if self._flags.src == "yaml" else 1
        assert self._flags.dest is not None
        return [
            _copying.Job(
                source=one.source,
                target=sync.target(
                    one,
                    self._flags.dest,
                    destination,
                    scoped=self._flags.scoped,
                    append=self._flags.append_suffix or "",
                ),
                source_access=self._source_access(one.settings),
                target_access=_access.of(self._flags, self._opener, "dest_"),
                options=options,
                signing=signers,
                keep_signatures=not self._flags.remove_signatures,
            )
            for one in found
        ]

    def _find(self, source: str) -> list[Found]:
        from argosy.images import sync

        if self._flags.src == "docker":
            return sync.from_registry(source, self._tags)
        if self._flags.src == "dir":
            return sync.from_directory(source)
        from argosy.config import yamlfile

        return sync.from_yaml(yamlfile.read(source, "sync file"), source, self._tags, self._fail)

    def _tags(self, repository: Reference, settings: Settings | None) -> list[str]:
        source = _access.open_docker(self._source_access(settings), repository)
        try:
            return source.tags()
        finally:
            source.close()

    def _source_access(self, settings: Settings | None) -> Access:
        """How the source's registry is reached: the YAML file's settings come before the flags."""
        access = _access.of(self._flags, self._opener, "src_")
        if settings is None:
            return access
        if settings.username:
            access = access.replace(creds=f"{settings.username}:{settings.password}", username=None, password=None)
        if settings.tls_verify is not None:
            access = access.replace(tls_verify=settings.tls_verify)
        return access.replace(cert_dir=settings.cert_dir) if settings.cert_dir else access

    def _fail(self, error: ArgosyError) -> None:
        """Go on after an error, if that is wanted."""
        if not self._flags.keep_going:
            raise error
        from argosy.cli.errors import report

        report(error, self._out)
        self.failures.append(error)

    def copy(self, jobs: list[_copying.Job]) -> None:
        """Make the copies.  An error ends all of them, or with --keep-going its own alone."""
        from argosy.cli import progress
        from argosy.images import workers

        cancelled = threading.Event()
        with progress.shown() as shown:
            watched = workers.Watched(shown, cancelled)

            def work(job: _copying.Job) -> None:
                watched.line(f"Copying image {job.source} to {job.target}")
                if job.target.transport == "dir":
                    os.makedirs(os.path.dirname(job.target.path), exist_ok=True)
                try:
                    _copying.perform(job, self._opener, watched)
                except ArgosyError as error:
                    self._fail(error)

            workers.run(jobs[::-1], work, _IMAGES_AT_ONCE, cancelled)


COMMAND = Command(
    path="sync",
    summary="Synchronize one or more images from one location to another",
    description=(
        "Copies all images found at SOURCE: the tags of a repository (--src docker), the images in a directory (dir), "
        "or those that a file lists (yaml); to a registry (--dest docker) or into one directory for each (dir)."
    ),
    usage="--src TRANSPORT --dest TRANSPORT SOURCE DESTINATION",
    options=SyncFlags,
    run=run,
    min_operands=2,
    max_operands=2,
    flags=(
        *_copying.FLAGS,
        _access.AUTHFILE,
        _access.RETRIES,
        _access.TLS_VERIFY,
        _access.side_authfile("src-"),
        *_access.registry_flags("src-"),
        _access.side_authfile("dest-"),
        *_access.registry_flags("dest-"),
        Flag("append-suffix", kind="string", help="String to append to the tags at the destination"),
        Flag("dest", short="d", kind="string", help="Destination transport (docker, dir)"),
        Flag("dry-run", help="Tell what would be copied, and copy nothing"),
        Flag("keep-going", help="Do not abort the sync if any image copy fails"),
        Flag("scoped", help="Put images below their whole source path at the destination"),
        Flag("src", short="s", kind="string", help="Source transport (docker, dir, yaml)"),
    ),
    examples=(
        "skopeo sync --src docker --dest dir registry.example.com/busybox /media/usb",
        "skopeo sync --src yaml --dest docker sync.yml my-registry.local.lan/repo",
    ),
)
