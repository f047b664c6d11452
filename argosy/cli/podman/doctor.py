"""`doctor`: what this host lets Argosy do, and how to step up."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.containers.doctor import Advice

_MARKS = {"good": "ok", "less": "less", "bad": "NO"}


class DoctorOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str | None
    json: bool


def run(options: DoctorOptions, opener: Opener, out: Output) -> int:
    """Print the findings.  The exit status is 1 when one of them keeps something from working."""
    from argosy.containers import doctor

    doctor.check_names(options.operands)
    found = _examine(options, opener)
    if options.json or options.format:
        _documents(options.format or "json", found, out)
    else:
        for advice in found:
            out.line(f"{_MARKS[advice.state].ljust(6)}{advice.topic}: {advice.text}")
            if advice.cost:
                out.line(f"      {advice.cost}")
            if advice.remedy:
                out.line(f"      -> {advice.remedy}")
    return 1 if any(advice.state == doctor.BAD for advice in found) else 0


def _documents(template: str, found: list[Advice], out: Output) -> None:
    from argosy.cli import templates

    documents = [
        {"Topic": a.topic, "State": a.state, "Text": a.text, "Cost": a.cost, "Remedy": a.remedy} for a in found
    ]
    if templates.is_json(template):
        from argosy.cli.documents import indented

        out.line(indented(documents, 2))
    else:
        templates.render(out, template, documents, name="doctor", type_name="doctor.Advice")


def _examine(options: DoctorOptions, opener: Opener) -> list[Advice]:
    """The host first: it may be the reason why the store cannot be opened."""
    from argosy.config import containers as containers_conf
    from argosy.config import locations
    from argosy.containers import doctor
    from argosy.containers.doctor import facts
    from argosy.linux import userns

    settings = opener.settings
    rootless = userns.needed()
    places = locations.resolve(
        settings["root"] or "", settings["runroot"] or "", uid=userns.outer_uid(), rootless=rootless, environ=os.environ
    )
    conf = containers_conf.load(places.run, os.environ, rootless=rootless)
    conf = conf.replace(**{name: settings[name] for name in ("runtime", "cgroup_manager") if settings.get(name)})
    found = doctor.examine(facts.gather(conf, places, os.environ), options.operands)
    if options.operands and not set(doctor.STORE_CHECKS) & set(options.operands):
        return found
    try:
        return [*found, *doctor.store_checks(opener.open().store)]
    except ArgosyError as error:
        return [*found, doctor.Advice("storage", doctor.BAD, str(error), "nothing can be stored or run", error.hint)]


COMMAND = Command(
    path="doctor",
    summary="Explain what this host lets argosy do, and how to get more",
    description=(
        "Looks at what containers need of the host: user namespaces and ids, an OCI runtime and conmon, overlay and "
        "FUSE, control groups, networks, name servers, certificates, the clock, room on the disk, the store. Each "
        "finding is `ok`, `less` (it works, with less than there could be) or `NO`; it says what the lack costs and "
        "the command that mends it. Nothing is changed.\n\n"
        "With names, only those checks are made: userns, ids, proc, runtime, conmon, init, overlay, fuse, seccomp, "
        "lsm, cgroups, files, disk, rundir, network, tun, nft, dns, clock, certificates, storage. Errors of other "
        "commands name the check that explains them. The exit status is 1 when a finding is `NO`."
    ),
    usage="[NAME...]",
    options=DoctorOptions,
    run=run,
    flags=(
        Flag("format", kind="string", help="Format the findings with a Go template, or `json`"),
        Flag("json", help="Print the findings as JSON"),
    ),
    examples=("argosy doctor", "argosy doctor userns ids", "argosy doctor --format '{{.State}} {{.Topic}}'"),
)
