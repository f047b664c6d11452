"""The keeper: the one process that checks the containers of a store in time.

It holds nothing that the files do not have, but whose turn it is.  It waits for a moment, a check's end or output, a
container's end, or to be woken; and ends with the last container.  Nothing here waits for anything else: what a check
does to itself, no other one has to wait for.
"""

from __future__ import annotations

import os
import select
import time

from argosy.containers import record as records
from argosy.containers import state
from argosy.containers.health import kept, results, watch
from argosy.containers.health.probes import Check
from argosy.containers.health.schedule import Schedule
from argosy.errors import ArgosyError
from argosy.linux import files, process
from argosy.runtime.probe import Outcome
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.containers.health.results import Results
    from argosy.containers.site import Site
    from argosy.linux import locks
    from argosy.runtime.probe import Probe

_MOST_AT_ONCE = 128
_LONGEST_WAIT_S = 3600.0
_RETRY_S = 1.0


class Watched(Value):
    """A container that is checked: its run, the descriptor that tells of its end, and its mark's time of change."""

    started_at: float
    pidfd: int
    marked_ns: int


class Running(Value):
    """A check that is under way, until when it may take, and whether its time is up."""

    container_id: str
    check: Check
    probe: Probe
    deadline: float
    over: bool = False


def _safely(work: Callable[..., None], *arguments: str | int) -> None:
    """What fails for one container is no reason to leave the others alone."""
    try:
        work(*arguments)
    except (ArgosyError, OSError):
        return


class Keeper:
    """What it waits for, by descriptor and by time."""

    def __init__(self, site: Site, lock: locks.Lock) -> None:
        self._site = site
        self._lock = lock
        self._wake = -1
        self._poll = select.poll()
        self._doors: dict[int, Callable[[], None]] = {}
        self._watched: dict[str, Watched] = {}
        self._running: dict[str, Running] = {}
        self._acting: set[str] = set()
        self._unkept: dict[str, Results] = {}  # for which the disk has had no room
        self._turns = Schedule()
        self._limits = Schedule()  # of the checks that are under way

    def open(self) -> None:
        """Have the pipe by which we are woken.  From here on others see that we are there."""
        path = watch.pipe(self._site)
        try:
            os.mkfifo(path, 0o600)
        except FileExistsError:
            pass
        self._wake = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._expect(self._wake, self._look)
        self._look()

    def serve(self) -> None:
        """Check, until there is nothing more to check, or another one has been put in our place."""
        while (self._watched or self._running or self._acting) and self._is_in_place():
            ready = [(fd, self._doors[fd]) for fd, _ in self._poll.poll(self._wait_ms())]
            for fd, door in ready:
                if self._doors.get(fd) is door:  # or it was closed by one before it, and is something else's by now
                    _safely(door)
            now = time.monotonic()
            for name in self._limits.take(now, _MOST_AT_ONCE):
                _safely(self._time_is_up, name)
            for name in self._turns.take(now, _MOST_AT_ONCE - len(self._running)):
                self._next(name, now + _RETRY_S)  # should anything go wrong
                _safely(self._begin, name)
        for running in self._running.values():
            running.probe.kill()
        for fd in tuple(self._doors):
            self._forget(fd)

    def _is_in_place(self) -> bool:
        """Whether the run directory is still the one we were started for."""
        try:
            return os.path.samestat(os.fstat(self._lock.fd), os.stat(self._lock.path))
        except FileNotFoundError:
            return False

    def _wait_ms(self) -> float:
        turn = self._turns.next() if len(self._running) < _MOST_AT_ONCE else None
        moments = [moment for moment in (turn, self._limits.next()) if moment is not None]
        wait_s = min(moments) - time.monotonic() if moments else _LONGEST_WAIT_S
        return 1 + 1000 * min(max(wait_s, 0.0), _LONGEST_WAIT_S)

    def _expect(self, fd: int, door: Callable[[], None]) -> None:
        self._doors[fd] = door
        self._poll.register(fd, select.POLLIN)

    def _forget(self, fd: int, *, close: bool = True) -> None:
        if self._doors.pop(fd, None) is not None:
            self._poll.unregister(fd)
        if close and fd >= 0:
            os.close(fd)

    # Who is to be checked.

    def _look(self) -> None:
        """Take up the containers that have been named, or named again."""
        try:
            while os.read(self._wake, 4096):
                pass
        except BlockingIOError:
            pass
        marks = watch.named(self._site)
        for container_id, marked_ns in marks.items():
            watched = self._watched.get(container_id)
            if watched is None or watched.marked_ns != marked_ns:
                _safely(self._take_up, container_id, marked_ns)
        for container_id in self._watched.keys() - marks.keys():
            self._drop(container_id)

    def _take_up(self, container_id: str, marked_ns: int) -> None:
        self._drop(container_id)
        self._unkept.pop(container_id, None)
        found = self._run_of(container_id)
        if found is None:
            # Somebody may have started it before we let go of its name: started.json comes first.
            files.unlink_missing(kept.mark(self._site, container_id))
            found = self._run_of(container_id)
            if found is None:
                return
            _mark(self._site, container_id)
        run, delay_s = found
        try:
            pidfd = os.pidfd_open(run.pid)
        except OSError:
            pidfd = -1  # gone: the next turn will see; or no descriptor is left
        else:
            self._expect(pidfd, lambda: self._ended(container_id))
        self._watched[container_id] = Watched(run.started_at, pidfd, marked_ns)
        self._turns.set(container_id, time.monotonic() + delay_s)

    def _run_of(self, container_id: str) -> tuple[state.Run, float] | None:
        """The container's run and how long its next check may wait; None where there is nothing to check."""
        try:
            record = records.read_record(self._site.store, container_id)
        except ArgosyError:
            return None
        check = record.options.health
        run = state.derive(self._site, container_id)
        if check is None or not results.is_scheduled(check) or run.status not in (state.RUNNING, state.PAUSED):
            return None
        found = kept.read(self._site, container_id)
        delay = results.delay_ns(check, found, started_at=run.started_at, now_ns=time.time_ns())
        return (run, _LONGEST_WAIT_S if delay is None else delay / 1e9)

    def _ended(self, container_id: str) -> None:
        """The container's first process is gone; maybe there is another by now."""
        watched = self._watched.get(container_id)
        if watched is not None:
            self._take_up(container_id, watched.marked_ns)

    def _drop(self, container_id: str) -> None:
        watched = self._watched.pop(container_id, None)
        if watched is not None:
            self._forget(watched.pidfd)
        self._turns.drop(container_id)

    # Checks.

    def _begin(self, container_id: str) -> None:
        """It is the container's turn."""
        if container_id in self._running or container_id in self._acting:
            return  # one that is over and does not end, or will be stopped: we look again
        watched = self._watched[container_id]
        try:
            record = records.read_record(self._site.store, container_id)
        except ArgosyError:
            self._ended(container_id)
            return
        run = state.derive(self._site, container_id)
        check = record.options.health
        is_same_run = run.status in (state.RUNNING, state.PAUSED) and run.started_at == watched.started_at
        if check is None or not results.is_scheduled(check) or not is_same_run:
            self._ended(container_id)
            return
        before = self._unkept.get(container_id) or kept.read(self._site, container_id)
        work = Check(record, check, starting_up=results.is_starting_up(check, before), started_at=watched.started_at)
        if run.status == state.PAUSED:
            self._after(work, before)
            return
        try:
            probe = work.begin(self._site)
        except ArgosyError as error:
            self._conclude(work, Outcome(1, b"", str(error)))
            return
        self._turns.drop(container_id)
        deadline = time.monotonic() + work.timeout_ns / 1e9
        self._running[container_id] = Running(container_id, work, probe, deadline)
        self._limits.set(container_id, deadline)
        self._expect(probe.pidfd, lambda: self._finish(container_id))
        self._expect(probe.output_fd, lambda: self._take_output(probe))

    def _take_output(self, probe: Probe) -> None:
        if not probe.read():
            self._forget(probe.output_fd, close=False)

    def _finish(self, container_id: str) -> None:
        """The check's runtime has ended."""
        running = self._running.pop(container_id)
        self._limits.drop(container_id)
        for fd in (running.probe.pidfd, running.probe.output_fd):
            self._forget(fd, close=False)
        outcome = running.probe.end()
        if not running.over:
            self._conclude(running.check, outcome)

    def _time_is_up(self, container_id: str) -> None:
        """One in a paused container is stopped there, and not to blame.  What is killed and does not end is again."""
        running = self._running[container_id]
        if state.derive(self._site, container_id).status == state.PAUSED:
            self._limits.set(container_id, time.monotonic() + running.check.timeout_ns / 1e9)
            return
        running.probe.kill()
        self._limits.set(container_id, time.monotonic() + _RETRY_S)
        if not running.over:
            self._running[container_id] = running.replace(over=True)
            self._conclude(running.check, None)

    def _conclude(self, work: Check, outcome: Outcome | None) -> None:
        container_id = work.record.id
        watched = self._watched.get(container_id)
        run = state.derive(self._site, container_id)
        self._next(container_id, time.monotonic() + _RETRY_S)  # for what is below, and should anything go wrong
        if watched is None or run.status != state.RUNNING or run.started_at != work.started_at:
            return  # it has ended under the check, or was paused: that says nothing
        try:
            action, found, saved = work.conclude(self._site, work.entry(outcome), self._unkept.get(container_id))
        except FileNotFoundError:
            return
        self._unkept.pop(container_id, None)
        if not saved:
            self._unkept[container_id] = found
        self._after(work, found)
        if action != "none" and container_id not in self._acting:
            self._act(container_id, action)

    def _after(self, work: Check, found: Results) -> None:
        """When the next check is due, if any is."""
        interval_ns = results.interval_ns(work.check, found, started_at=work.started_at, now_ns=time.time_ns())
        if interval_ns > 0:
            self._next(work.record.id, time.monotonic() + interval_ns / 1e9)
        else:
            self._turns.drop(work.record.id)

    def _next(self, container_id: str, moment: float) -> None:
        if container_id in self._watched:
            self._turns.set(container_id, moment)

    def _act(self, container_id: str, action: str) -> None:
        """Have another process of ours do it, which may take long."""
        words = [*self._site.again, "container", action, container_id]
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            pid = process.spawn(words, fds={0: null, 1: null, 2: null}, setsid=True)
            pidfd = os.pidfd_open(pid)
        except ArgosyError:
            return  # the next check that fails will ask again
        finally:
            os.close(null)
        self._acting.add(container_id)

        def done() -> None:
            self._forget(pidfd)
            process.wait(pid)
            self._acting.discard(container_id)

        self._expect(pidfd, done)


def _mark(site: Site, container_id: str) -> None:
    os.close(os.open(kept.mark(site, container_id), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
