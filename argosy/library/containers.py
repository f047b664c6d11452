"""Containers as programs see them: what `engine.containers` can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from argosy.containers import top as tops
from argosy.containers.logs import LogOptions
from argosy.library.facade import Facade
from argosy.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.exec import ExecOptions
    from argosy.containers.logs import Source
    from argosy.containers.record import ContainerRecord
    from argosy.containers.run import Streams
    from argosy.containers.state import ContainerView, Listing
    from argosy.containers.top import Table
    from argosy.spec.options import ContainerOptions


class LogEntry(Value):
    """A line that a container wrote, without its newline; a long one comes in parts, of which the last one `ends` it.

    `stream` is 1 for standard output and 2 for standard error; `time` is when it came, as RFC 3339 has it.
    """

    time: str
    stream: int
    data: bytes
    ends: bool


class Containers(Facade):
    """All containers of one store.

    `container` is a name, a full id (64 hexadecimal digits) or an unambiguous beginning of one.  Every method that
    takes it raises NotFound when there is no such container and Invalid when several ids begin so.  Times and time-outs
    are in seconds, points in time in seconds since the epoch.  Descriptors in `Streams` and `ExecOptions` stay the
    caller's to close.  All methods may be called from several threads at once.
    """

    def find(self, container: str) -> str:
        """The full id."""
        return self._engine.containers.find(container)

    def create(self, options: ContainerOptions) -> str:
        """Make a container of an image that is in the store, and start nothing; its id.

        `options.image` is looked up as `images.resolve` does, and not pulled; with `options.rootfs` there is none.
        Paths in the options are absolute.  On disk when it returns, unless `options.remove`.  Raises NotFound for the
        image, Exists when the name is taken, Invalid for options that break a rule or do not go with the image.
        """
        return self._create(options).id

    def run(self, options: ContainerOptions, streams: Streams) -> int:
        """Create a container, start it, copy its streams until it ends; its exit status, 128+n when signal n ended it.

        With `options.remove` it is gone when this returns.  Standard input is copied where `options.interactive` says
        so.  A pipe in `streams` must be read meanwhile, by another thread; a file need not.  The status is 0 when the
        user detached.  In the main thread the signals that this process gets go to the container meanwhile, where
        `streams.sig_proxy` says so.  Raises as `create` and `start` do.
        """
        return self._engine.containers.run(self._create(options, to_start=True), streams)

    def _create(self, options: ContainerOptions, *, to_start: bool = False) -> ContainerRecord:
        from argosy.images import resolve

        engine = self._engine
        if options.rootfs:
            from argosy.oci.imageconfig import ContainerConfig

            return engine.containers.create(options, None, "", ContainerConfig(), to_start=to_start)
        image = resolve.resolve(engine.store, engine.load_registries, options.image)
        config = resolve.config(engine.store, image.record).config
        return engine.containers.create(options, image.record, image.shown, config, to_start=to_start)

    def start(self, container: str) -> None:
        """Start a container and leave it alone.  Nothing is done to one that runs.

        Raises ArgosyError when it cannot be started; `exit_code` is 127 when its program was not found, 126 when it
        cannot be executed, else 125.
        """
        self._engine.containers.start(self.find(container))

    def start_attached(self, container: str, streams: Streams) -> int:
        """Start a container and stay with it, as `run` does."""
        return self._engine.containers.start_attached(self.find(container), streams)

    def attach(self, container: str, streams: Streams) -> int:
        """Copy the streams of a running container until it ends, as `run` does; earlier output is in its log only.

        Raises ArgosyError when it does not run.
        """
        return self._engine.containers.attach(self.find(container), streams)

    def exec(self, container: str, options: ExecOptions) -> int:
        """Run one more process in a running container; its exit status, 128+n when signal n ended it.

        Pipes and signals are as with `run`.  Raises ArgosyError when the container does not run, with `exit_code` 126
        or 127 when the program cannot be executed or was not found.
        """
        return self._engine.containers.execute(self.find(container), options)

    def exec_detached(self, container: str, options: ExecOptions) -> str:
        """Start one more process in a running container, unconnected, and leave it alone; an id of 64 digits.

        Raises as `exec` does.
        """
        return self._engine.containers.execute_detached(self.find(container), options)

    def check_health(self, container: str) -> str:
        """Run a container's health check now: "healthy", "unhealthy", or "starting" for a startup check that failed.

        What its options ask for is done where it is unhealthy.  Raises ArgosyError when it does not run, has no check,
        or the check took too long.
        """
        return self._engine.containers.check_health(self.find(container))

    def stop(self, container: str, timeout_s: float | None = None) -> bool:
        """Ask a container to end by its stop signal, kill it after `timeout_s`; False when it did not run.

        None takes the container's own time-out, else that of containers.conf; a negative one never kills.  What it
        left (mounts, network) is gone when this returns.
        """
        return self._engine.containers.stop(self.find(container), timeout_s)

    def kill(self, container: str, signal: int | str = "KILL") -> None:
        """Send a signal, by number or name, to the container's first process.  Raises ArgosyError unless it runs."""
        from argosy.linux import signals

        self._engine.containers.kill(self.find(container), signals.parse(str(signal)))

    def wait(self, container: str) -> int:
        """Wait until a container has ended; its exit status, at once when it has.  One never started is waited for."""
        return self._engine.containers.wait(self.find(container))

    def remove(
        self, container: str, *, force: bool = False, volumes: bool = False, timeout_s: float | None = None
    ) -> None:
        """Remove a container, its log and its writable layer, and with `volumes` its anonymous volumes.

        `force` stops it first, as `stop` does with `timeout_s`, and takes one whose record is damaged.  Raises
        ArgosyError (`exit_code` 2) when it runs.
        """
        containers = self._engine.containers
        containers.remove(self.find(container), force=force, volumes=volumes, timeout_s=timeout_s)

    def list(self) -> Listing:
        """All containers, newest first, whatever their state; those that cannot be read apart, by id and reason."""
        return self._engine.containers.list()

    def view(self, container: str) -> ContainerView:
        """One entry of the list: names, image, state, exit code.  Raises Invalid when its record is damaged."""
        return self._engine.containers.view(self.find(container))

    def inspect(self, container: str, *, size: bool = False) -> dict[str, Any]:
        """All that is known about a container, with podman's fields; `size` adds SizeRw and SizeRootFs, in bytes."""
        return self._engine.containers.inspect(self.find(container), size=size)

    def top(self, container: str, descriptors: tuple[str, ...] = tops.DEFAULT) -> Table:
        """The container's processes, as podman-top(1) shows them.  Raises ArgosyError unless it runs."""
        return self._engine.containers.top(self.find(container), descriptors)

    def logs(
        self,
        container: str,
        options: LogOptions = LogOptions(),  # noqa: B008 -- frozen
        *,
        follow: bool = False,
    ) -> Iterator[LogEntry]:
        """What a container wrote, in order; with `follow`, what it writes until it ends as well.

        Close the iterator (`close()`) when it is left early.  Raises Unsupported when the log goes elsewhere.
        """
        sources = self._engine.containers.open_logs((self.find(container),), options)
        return self._entries(sources, options.until_ns, follow=follow)

    def _entries(self, sources: tuple[Source, ...], until_ns: int | None, *, follow: bool) -> Iterator[LogEntry]:
        (source,) = sources
        try:
            entries = (
                (entry for _, entry in self._engine.containers.follow_logs(sources, until_ns=until_ns))
                if follow
                else source.reader.entries()
            )
            for entry in entries:
                yield LogEntry(entry.time.decode(errors="replace"), entry.stream, entry.data, entry.ends)
        finally:
            source.reader.close()
