"""`system check`: every damaged or left-over file is named, and with --repair put right."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.config import locations
from argosy.linux import userns
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.config.locations import Locations
    from argosy.engine import Engine
    from argosy.storage.check import Finding
    from argosy.storage.images import ImageRecord

_DAMAGED = 1  # exit status: something is wrong that was not repaired


class CheckOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    quick: bool
    repair: bool


def run(options: CheckOptions, opener: Opener, out: Output) -> int:
    """Check, print a line for each finding, and end with 1 when something is left to be done."""
    places = locations.resolve(
        opener.settings["root"] or "",
        opener.settings["runroot"] or "",
        uid=userns.outer_uid(),
        rootless=userns.needed(),
        environ=os.environ,
    )
    if options.repair and _is_read_only(places.root):
        out.notice(f"nothing is repaired: {places.root} is on a read-only file system")
        options = options.replace(repair=False)
    findings = _store_file(options, places)
    if not findings or options.repair:
        engine = opener.open()
        findings += engine.containers.check(repair=options.repair)
        findings += _pods(engine, repair=options.repair)
        findings += _objects(options, engine)
    for finding in findings:
        out.line(_text(finding))
    left = [finding for finding in findings if not finding.repaired]
    out.line(_summary(len(findings), len(left)))
    return _DAMAGED if left else 0


def _is_read_only(root: str) -> bool:
    try:
        return bool(os.statvfs(root).f_flag & os.ST_RDONLY)
    except OSError:
        return False  # no store yet, or none that can be reached: told in a moment


def _store_file(options: CheckOptions, places: Locations) -> list[Finding]:
    """Without a whole store.json there is no engine, so that comes first."""
    from argosy.storage import check

    namespace = userns.enter(places.run)
    finding = check.check_store_file(places, namespace.id_map, repair=options.repair)
    return [finding] if finding else []


def _pods(engine: Engine, *, repair: bool) -> list[Finding]:
    from argosy.pods import check

    return check.check(engine.site, repair=repair)


def _objects(options: CheckOptions, engine: Engine) -> list[Finding]:
    """Everything in the store; a layer that is damaged is applied again."""
    from argosy.images import restore, verify
    from argosy.storage import check

    store = engine.store

    def reapply(manifest_digest: str, _diff_id: str) -> None:
        restore.restore(store, store.images.get(manifest_digest))

    def compare(record: ImageRecord, diff_id: str) -> str:
        return verify.difference(store, record, diff_id)

    return check.check(store, repair=options.repair, quick=options.quick, reapply=reapply, compare=compare)


def _text(finding: Finding) -> str:
    done = f"; repaired: {finding.repaired}" if finding.repaired else ""
    hint = f"\n    {finding.hint}" if finding.hint and not finding.repaired else ""
    return f"{finding.kind} {finding.name}: {finding.path}: {finding.problem}{done}{hint}"


def _summary(count: int, left: int) -> str:
    if not count:
        return "No damage, nothing left over"
    return f"{count} found, {count - left} repaired" if count > left else f"{count} found"


COMMAND = Command(
    path="system check",
    summary="Check the store for damage and left-overs, and repair it",
    description=(
        "Reads every file that Argosy has written and compares it with what it should be, layers of images with the\n"
        "blobs that they were made from, and looks for what killed commands have left.  Nothing is changed without\n"
        "--repair; repairing is safe while containers run.  Ends with status 1 when something is wrong that was not\n"
        "repaired."
    ),
    options=CheckOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("quick", short="q", help="Skip the checks that read all of the images' data"),
        Flag("repair", short="r", help="Put right what can be, and remove what killed commands have left"),
    ),
    examples=("argosy system check --quick", "argosy system check --repair"),
)
