"""Working containers as programs see them: what `engine.build` can do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from argosy.build.containers.changes import Changes
from argosy.build.containers.commit import Wanted
from argosy.build.containers.content import Transfer
from argosy.library.facade import Facade
from argosy.spec.options import ContainerOptions, NetworkMode
from argosy.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Self

    from argosy.build.containers import WorkingContainers as Containers
    from argosy.build.containers.record import WorkingRecord
    from argosy.oci.imageconfig import Healthcheck
    from argosy.spec.options import Mount
    from argosy.storage.images import ImageRecord

    Pairs = Mapping[str, str | None]
_NO_PAIRS: Mapping[str, str] = {}


class RunRequest(Value):
    """One program to run.  `network` None is what the container was made with; `stdin` None is an empty one."""

    command: tuple[str, ...]
    env: Mapping[str, str] = _NO_PAIRS
    user: str = ""
    workdir: str = ""
    network: NetworkMode | None = None
    mounts: tuple[Mount, ...] = ()
    stdin: int | None = None
    stdout: int | None = 1
    stderr: int | None = 2


class WorkingContainers(Facade):
    """The working containers of one store, by their ids or names; `Working` has the same for one of them."""

    def create(
        self, image: str, name: str, policy: str, platform: str, format: str, options: ContainerOptions
    ) -> WorkingRecord:
        """Make one of an image, or of nothing (`scratch`)."""
        from argosy.oci import platform as platforms

        wanted = platforms.parse(platform) if platform else platforms.host()
        form = format or self._engine.conf.image_default_format or "oci"
        containers = self._engine.build().containers
        return containers.create(image, name=name, platform=wanted, policy=policy, form=form, options=options)

    def find(self, container: str) -> WorkingRecord:
        """What is known of one.  Raises NotFound."""
        return self._engine.build().containers.find(container)

    def list(self) -> list[WorkingRecord]:
        """All of them, the oldest first."""
        return self._engine.build().containers.all()

    def run(self, container: str, request: RunRequest) -> int:
        """Run a program to its end; its exit status."""
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            stdin, stdout, stderr = (
                null if fd is None else fd for fd in (request.stdin, request.stdout, request.stderr)
            )
            containers = self._engine.build(stdin=stdin).containers
            found = containers.find(container)
            return _run(containers, found, request, (stdout, stderr))
        finally:
            os.close(null)

    def transfer(self, container: str, wanted: Transfer) -> str:
        """Copy files into it; the digest of what was copied."""
        return self._engine.build().containers.transfer(container, wanted)

    def change(self, container: str, changes: Changes) -> WorkingRecord:
        """Change its configuration; what is known of it then."""
        from argosy.build.containers import changes as changing

        containers = self._engine.build().containers
        found = containers.find(container)
        return containers.change(found.id, lambda record: changing.apply(record, changes))

    def commit(self, container: str, wanted: Wanted) -> ImageRecord:
        """Make an image of it."""
        return self._engine.build().containers.commit(container, wanted, self._engine.site.notice)

    def remove(self, container: str) -> None:
        """Remove it with all that was changed in it."""
        self._engine.build().containers.remove(container)


def _run(containers: Containers, found: WorkingRecord, request: RunRequest, output: tuple[int, int]) -> int:
    options = found.options.replace(
        command=request.command,
        entrypoint=(),
        env=dict(request.env),
        hostname=found.hostname,
        domainname=found.domainname,
        workdir=request.workdir,
        mounts=(*found.options.mounts, *request.mounts),
        **({} if request.network is None else {"network": request.network}),
    )
    return containers.run(
        found.id,
        options,
        lambda config: config.replace(user=request.user) if request.user else config,
        output=output,
    )


class Working:
    """One working container: an image in the making, changed step by step.

    It is removed at the end of its `with` statement, however that is left; images that were committed stay.  Each
    method raises NotFound once it is gone.
    """

    def __init__(self, containers: WorkingContainers, record: WorkingRecord) -> None:
        self._containers = containers
        self.id = record.id
        self.name = record.name

    @property
    def record(self) -> WorkingRecord:
        """What is known of it now: its configuration, its platform, the image that it comes from."""
        return self._containers.find(self.id)

    def run(
        self,
        command: Sequence[str] | str,
        *,
        env: Mapping[str, str] = _NO_PAIRS,
        user: str = "",
        workdir: str = "",
        network: NetworkMode | None = None,
        mounts: Iterable[Mount] = (),
        stdin: int | None = None,
        stdout: int | None = 1,
        stderr: int | None = 2,
        check: bool = True,
    ) -> int:
        """Run a program in it, to its end; its exit status, 128+n when signal n ended it.

        `command` is words, or a line for the shell of the container's configuration (/bin/sh -c).  What is given here
        holds for this run alone; `user` is a user or user:group.  The descriptors stay the caller's to close; a pipe
        must be read meanwhile by another thread.  With `check` a status other than 0 raises ArgosyError, whose
        `exit_code` is that status.  Raises ArgosyError when the program cannot be started.
        """
        from argosy.errors import ArgosyError

        if isinstance(command, str):
            command = (*(self.record.config.shell or ("/bin/sh", "-c")), command)
        request = RunRequest(tuple(command), dict(env), user, workdir, network, tuple(mounts), stdin, stdout, stderr)
        status = self._containers.run(self.id, request)
        if check and status:
            raise ArgosyError(f"{' '.join(command)}: exit status {status}", exit_code=status)
        return status

    def copy(
        self,
        source: str | Sequence[str],
        destination: str = "",
        *,
        chown: str = "",
        chmod: str = "",
        source_from: str = "",
        ignore: Iterable[str] = (),
    ) -> str:
        """Copy files and what is in directories into it, as COPY does; the digest of what was copied.

        `source` is one path or several, which may hold wildcards; a relative one begins in the working directory, with
        `source_from`, the name of an image or of another working container, at its root.  `destination` is relative to
        the configured working directory.  `ignore` has the patterns of a .dockerignore.
        """
        return self._transfer(source, destination, chown, chmod, source_from, ignore, adds=False)

    def add(self, source: str | Sequence[str], destination: str = "", *, chown: str = "", chmod: str = "") -> str:
        """The same as ADD does it: archives are unpacked, URLs and git repositories fetched."""
        return self._transfer(source, destination, chown, chmod, "", (), adds=True)

    def _transfer(
        self,
        source: str | Sequence[str],
        destination: str,
        chown: str,
        chmod: str,
        source_from: str,
        ignore: Iterable[str],
        *,
        adds: bool,
    ) -> str:
        texts = (source,) if isinstance(source, str) else tuple(source)
        if not source_from:  # a helper process has a working directory of its own
            texts = tuple(text if adds and _is_remote(text) else os.path.abspath(text) for text in texts)
        wanted = Transfer(
            texts,
            destination,
            adds=adds,
            source_from=source_from,
            ignore=tuple(ignore),
            chown=chown,
            chmod=chmod,
        )
        return self._containers.transfer(self.id, wanted)

    def config(
        self,
        *,
        env: Pairs = _NO_PAIRS,
        labels: Pairs = _NO_PAIRS,
        annotations: Pairs = _NO_PAIRS,
        cmd: Sequence[str] | None = None,
        entrypoint: Sequence[str] | None = None,
        shell: Sequence[str] | None = None,
        user: str | None = None,
        workdir: str | None = None,
        stop_signal: str | None = None,
        healthcheck: Healthcheck | None = None,
        ports: Iterable[str] = (),
        volumes: Iterable[str] = (),
        on_build: Iterable[str] = (),
        author: str | None = None,
        created_by: str | None = None,
        comment: str | None = None,
        hostname: str | None = None,
        domainname: str | None = None,
    ) -> None:
        """Change the configuration that the image will have.  None leaves a field as it is.

        In `env`, `labels` and `annotations` a value of None takes the entry out; ports, volumes and triggers are
        added.  An image of the format oci has no place for `healthcheck`, `shell`, `on_build`, `comment`, `hostname`
        and `domainname`.  Raises Invalid.
        """
        self._containers.change(
            self.id,
            Changes(
                env=dict(env),
                labels=dict(labels),
                annotations=dict(annotations),
                cmd=_words(cmd),
                entrypoint=_words(entrypoint),
                shell=_words(shell),
                user=user,
                workdir=workdir,
                stop_signal=stop_signal,
                healthcheck=healthcheck,
                ports=tuple(ports),
                volumes=tuple(volumes),
                on_build=tuple(on_build),
                author=author,
                created_by=created_by,
                comment=comment,
                hostname=hostname,
                domainname=domainname,
            ),
        )

    def commit(
        self,
        name: str = "",
        *,
        format: str = "",
        squash: bool = False,
        timestamp: int | None = None,
        omit_history: bool = False,
    ) -> ImageRecord:
        """Make an image: the base with a layer of what was changed, and the configuration.  On disk when this returns.

        A `name` without a registry is one of `localhost/`.  `format` is "oci" or "docker", that of the container where
        it is empty; `squash` makes one layer of all; `timestamp` is the time, in seconds since the epoch, that
        everything in the image gets.  The container can be changed further, and committed again.
        """
        from argosy.images import naming

        wanted = Wanted(
            names=(naming.local_name(name),) if name else (),
            format=format,
            squash=squash,
            time_s=timestamp,
            omit_history=omit_history,
        )
        return self._containers.commit(self.id, wanted)

    def remove(self) -> None:
        """Remove it, with all that was changed in it."""
        self._containers.remove(self.id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        from argosy.errors import NotFound

        try:
            self.remove()
        except NotFound:
            return  # removed by hand


class Build:
    """Images made step by step.  All methods may be called from several threads at once."""

    def __init__(self, containers: WorkingContainers) -> None:
        self._containers = containers

    def working(
        self,
        image: str,
        *,
        name: str = "",
        policy: str = "missing",
        platform: str = "",
        format: str = "",
        options: ContainerOptions | None = None,
    ) -> Working:
        """A new working container of an image, or with "scratch" an empty one; use it in a `with` statement.

        The image is pulled as `policy` says ("always", "missing", "newer", "never").  `name` is made of the image's
        where it is empty.  Of `options` counts what is about how programs run: network, capabilities, limits, mounts,
        DNS.  Raises ArgosyError for a name that is taken, and what a pull raises.
        """
        given = (options or ContainerOptions(image="")).replace(image="", remove=True, passwd=False)
        return Working(self._containers, self._containers.create(image, name, policy, platform, format, given))

    def find(self, container: str) -> Working:
        """One that is there already, made by `buildah from` for example.  It is not removed unless used in a `with`."""
        return Working(self._containers, self._containers.find(container))

    def list(self) -> list[WorkingRecord]:
        """All that there are, the oldest first."""
        return self._containers.list()


def _words(given: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)


def _is_remote(text: str) -> bool:
    return "://" in text or text.startswith("git@")
