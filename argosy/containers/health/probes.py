"""A check: from a container's options to a program that runs in it, and from how that ended to its results."""

from __future__ import annotations

import time

from argosy import durations, jsontext
from argosy.containers import exec as execs
from argosy.containers import happened
from argosy.containers.health import kept, results
from argosy.containers.health.results import Entry, Results
from argosy.runtime.exec import ExecRequest
from argosy.runtime.probe import Outcome, Probe
from argosy.spec import health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.spec.options import HealthCheck

_MOST_BYTES_OF_A_CHARACTER = 4


class Check:
    """One check of a container's: what is run, how long it may take, and when it began."""

    def __init__(self, record: ContainerRecord, check: HealthCheck, *, starting_up: bool, started_at: float) -> None:
        self.record = record
        self.check = check
        self.started_at = started_at
        chosen = check.startup if starting_up and check.startup is not None else check
        self.words = health.words(chosen.test)
        self.timeout_ns = chosen.timeout_ns
        self.start_ns = time.time_ns()

    def begin(self, site: Site) -> Probe:
        """Run the program as `exec` would, as the container's user.  Raises ArgosyError where it cannot be run."""
        container_id = self.record.id
        options = execs.ExecOptions(command=self.words)
        request = ExecRequest(
            runtime=execs.runtime_of(site, container_id),
            id=container_id,
            process=jsontext.encode(execs.process_of(site, container_id, options)),
            program=self.words[0],
            directory=site.run_directory(container_id),
        )
        return Probe(request, results.output_limit(self.check) * _MOST_BYTES_OF_A_CHARACTER)

    def entry(self, outcome: Outcome | None) -> Entry:
        """What is written down of it; None is for one whose time was up."""
        limit = results.output_limit(self.check)
        if outcome is None:
            output = f"Health check exceeded timeout ({durations.text(self.timeout_ns / 1e9)})"
            return Entry(self.start_ns, time.time_ns(), results.TIMED_OUT, output[:limit])
        output = outcome.output.decode(errors="replace") or outcome.failure
        code = 1 if outcome.failure else outcome.code
        return Entry(self.start_ns, time.time_ns(), code, output[:limit])

    def conclude(self, site: Site, entry: Entry, base: Results | None = None) -> tuple[str, Results, bool]:
        """Write it down and tell of it: what is to be done with the container, the results, and whether they are kept.

        `base` are results that could not be kept before, and count for more than those that are there.
        FileNotFoundError when the container is gone.
        """
        before = found = base or kept.read(site, self.record.id)

        def add(there: Results) -> Results:
            nonlocal before, found
            before = base or there
            found = results.after(before, self.check, entry, started_at=self.started_at)
            return found

        saved = True
        try:
            kept.change(site, self.record.id, add)
        except FileNotFoundError:
            raise
        except OSError:
            saved = False
            add(before)
        happened.tell(site, self.record, "exec_died", exit_code=max(entry.exit_code, 0))
        kept.tell(site, self.record, self.check, found)
        return results.action(before, found, self.check), found, saved
