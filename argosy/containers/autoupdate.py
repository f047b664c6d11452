"""Auto-update: containers with a label get their image anew, where there is a newer one.

The policy is podman's: the label `io.containers.autoupdate` is "registry" (the image's name means another image at its
registry than the container was made from) or "local" (... in the store).  Only containers that run are looked at.  One
in a systemd unit is started again by that, the others are replaced here: docs/decisions/0023-auto-update.md.
"""

from __future__ import annotations

import os

from argosy.containers import record as records
from argosy.containers import state, successor
from argosy.containers.clone import Image
from argosy.errors import ArgosyError
from argosy.images import choose, pull, resolve, tag
from argosy.linux import process
from argosy.oci import reference as references
from argosy.oci.platform import Platform
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.config.registries import Registries
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.containers.state import ContainerView
    from argosy.images.pull import Puller
    from argosy.images.resolve import Resolved
    from argosy.oci.reference import Reference
    from argosy.storage.images import ImageRecord
    from argosy.transports.source import ImageSource

LABEL = "io.containers.autoupdate"
AUTHFILE_LABEL = "io.containers.autoupdate.authfile"
UNIT_LABEL = "PODMAN_SYSTEMD_UNIT"
REGISTRY, LOCAL, DISABLED = "registry", "local", "disabled"
_POLICIES = {"": DISABLED, DISABLED: DISABLED, "image": REGISTRY, REGISTRY: REGISTRY, LOCAL: LOCAL}


class Report(Value):
    """What became of a container: `updated` is podman's word (true, false, pending, failed, rolled back)."""

    unit: str
    container_id: str
    name: str
    image: str
    policy: str
    updated: str


class Doors(Value):
    """What images are found and fetched by; `puller` and `open_source` get the authentication file, "" for the usual.

    `create` makes the successor of a container.
    """

    registries: Callable[[], Registries]
    puller: Callable[[str, Platform], Puller]
    open_source: Callable[[Reference, str], ImageSource]
    create: Callable[..., ContainerRecord]


class Wishes(Value):
    """What the command was told."""

    authfile: str
    dry_run: bool
    rollback: bool


class _RolledBack(ArgosyError):
    """The new container did not stand; the old one runs again."""


def policy_of(value: str) -> str:
    """The policy that a label asks for.  Raises ArgosyError, in podman's words, for what is none."""
    if value not in _POLICIES:
        known = " ".join(f'"{name}"' for name in sorted(_POLICIES) if name)
        raise ArgosyError(f'invalid auto-update policy "{value}": valid policies are [{known}]')
    return _POLICIES[value]


def check_image(label: str, image: str) -> None:
    """Raise ArgosyError, in podman's words, when an image's name does not say which registry is to be asked."""
    if _POLICIES.get(label) == REGISTRY and references.is_short(pull.without_transport(image)):
        raise ArgosyError(
            f'short name: auto updates require fully-qualified image reference: "{image}"',
            hint=f"name the registry as well, or give the label {LABEL}={LOCAL}",
        )


class Updater:
    """One run over all containers."""

    def __init__(self, site: Site, doors: Doors, wishes: Wishes) -> None:
        self._site = site
        self._doors = doors
        self._wishes = wishes
        self._pulled: set[str] = set()
        self._restarted: dict[str, ArgosyError | None] = {}  # by unit: several containers may be in one

    def run(self) -> tuple[list[Report], list[ArgosyError]]:
        """Update what is to be updated, oldest first; an error keeps no other container from it."""
        reports: list[Report] = []
        errors: list[ArgosyError] = []
        if not self._wishes.dry_run:
            errors += self._recover()
        listing = state.views(self._site)
        errors += [ArgosyError(why) for _, why in listing.damaged]
        for view in sorted(listing.views, key=lambda view: view.created_at):
            if view.run.status != state.RUNNING or LABEL not in view.labels:
                continue
            try:
                policy = policy_of(view.labels[LABEL])
            except ArgosyError as error:
                errors.append(error)
                continue
            if policy != DISABLED:
                updated, failure = self._update(view, policy)
                errors += [failure] if failure is not None else []
                image, unit = str(view.options["image"]), view.labels.get(UNIT_LABEL, "")
                reports.append(Report(unit, view.id, view.name, image, policy, updated))
        return reports, errors

    def _recover(self) -> list[ArgosyError]:
        errors = []
        for container_id in successor.interrupted(self._site):
            try:
                successor.recover(self._site, container_id)
            except ArgosyError as error:
                errors.append(error)
        return errors

    def _update(self, view: ContainerView, policy: str) -> tuple[str, ArgosyError | None]:
        what = f'{"registry" if policy == REGISTRY else "locally"} auto-updating container "{view.id}"'
        text, unit = str(view.options["image"]), view.labels.get(UNIT_LABEL, "")
        if unit in self._restarted:
            return self._outcome(view, lambda: self._settle(unit))
        try:
            record = records.read_record(self._site.store, view.id)
            old = self._site.store.images.get(record.image.manifest_digest)
            authfile = view.labels.get(AUTHFILE_LABEL) or self._wishes.authfile
            newer = self._is_newer(text, old, authfile, policy)
        except ArgosyError as error:
            return "failed", _within(f'{what}: image check for "{text}" failed', error)
        if not newer:
            return "false", None
        if self._wishes.dry_run:
            return "pending", None
        try:
            image = self._fetch(text, old, authfile, policy)
        except ArgosyError as error:
            return "failed", _within(f'{what}: image update for "{text}" failed', error)
        return self._outcome(view, lambda: self._replace(view, record, old, image))

    def _outcome(self, view: ContainerView, work: Callable[[], object]) -> tuple[str, ArgosyError | None]:
        try:
            work()
        except _RolledBack as error:
            self._site.notice(f"{view.name} runs with its old image again: {error}")
            return "rolled back", None
        except ArgosyError as error:
            return "failed", _within(f'auto-updating container "{view.id}"', error)
        return "true", None

    def _is_newer(self, text: str, old: ImageRecord, authfile: str, policy: str) -> bool:
        if policy == LOCAL:
            found = resolve.resolve(self._site.store, self._doors.registries, text)
            return found.record.manifest_digest != old.manifest_digest
        if text in self._pulled:
            return True
        name = pull.without_transport(text)
        check_image(REGISTRY, name)
        source = self._doors.open_source(references.parse(name), authfile)
        try:
            if source.manifest().digest in (old.manifest_digest, *old.indexes):
                return False
            return str(choose.choose(source, name, _platform(old)).raw.digest) != old.manifest_digest
        finally:
            source.close()

    def _fetch(self, text: str, old: ImageRecord, authfile: str, policy: str) -> Resolved:
        if policy == LOCAL or text in self._pulled:
            return resolve.resolve(self._site.store, self._doors.registries, text)
        found = pull.pull_text(self._doors.puller(authfile, _platform(old)), text)
        self._pulled.add(text)
        return found

    def _replace(self, view: ContainerView, record: ContainerRecord, old: ImageRecord, image: Resolved) -> None:
        """Let the container run from `image`.  Raises _RolledBack when it runs from `old` again."""
        unit = view.labels.get(UNIT_LABEL, "")
        if unit and self._is_in(unit):
            self._restart_unit(unit, view, old)
            return
        config = resolve.config(self._site.store, image.record).config
        try:
            successor.replace(self._site, record.id, Image(image.record, image.shown, config), self._doors.create)
        except successor.Undone as error:
            if not self._wishes.rollback:
                raise
            self._name_again(view, old)
            raise _RolledBack(str(error)) from error

    def _name_again(self, view: ContainerView, old: ImageRecord) -> None:
        """As podman does: the name means the image that works."""
        text = pull.without_transport(str(view.options["image"]))
        tag.tag(self._site.store, self._doors.registries, old.config_digest, [text])

    def _systemctl(self, *words: str) -> list[str]:
        return ["systemctl", *(("--user",) if self._site.namespace.rootless else ()), "--quiet", *words]

    def _is_in(self, unit: str) -> bool:
        """Whether there is a systemd in which this unit runs."""
        if process.find_program("systemctl") is None:
            return False
        return process.run(self._systemctl("is-active", "--", unit), env=os.environ, check=False).returncode == 0

    def _restart_unit(self, unit: str, view: ContainerView, old: ImageRecord) -> None:
        self._restarted[unit] = self._restarted_unit(unit, view, old)
        self._settle(unit)

    def _settle(self, unit: str) -> None:
        """What became of the unit is what became of all its containers: it is restarted once."""
        failure = self._restarted[unit]
        if failure is not None:
            raise failure

    def _restarted_unit(self, unit: str, view: ContainerView, old: ImageRecord) -> ArgosyError | None:
        try:
            process.run(self._systemctl("restart", "--", unit), env=os.environ)
        except ArgosyError as error:
            if not self._wishes.rollback:
                return _within(f'restarting systemd unit "{unit}" failed', error)
            self._name_again(view, old)
            try:
                process.run(self._systemctl("restart", "--", unit), env=os.environ)
            except ArgosyError as failure:
                return _within("restarting unit with old image during rollback", failure)
            return _RolledBack(str(error))
        return None


def _platform(image: ImageRecord) -> Platform:
    return Platform(image.os, image.architecture, image.variant)


def _within(what: str, error: ArgosyError) -> ArgosyError:
    """The error with what it happened in."""
    error.brief = f"{what}: {error.brief}"
    return error
