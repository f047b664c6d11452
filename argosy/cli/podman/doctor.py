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


def run(options: DoctorOptions, opener: Opener, out: Output) -> int:
    """Print the findings.  The exit status is 1 when something keeps containers from running."""
    found = _examine(opener)
    if options.format:
        from argosy.cli import templates

        documents = [{"Topic": a.topic, "State": a.state, "Text": a.text, "Remedy": a.remedy} for a in found]
        if templates.is_json(options.format):
            from argosy.cli.documents import indented

            out.line(indented(documents, 2))
        else:
            templates.render(out, options.format, documents, name="doctor", type_name="doctor.Advice")
    else:
        for advice in found:
            out.line(f"{_MARKS[advice.state].ljust(6)}{advice.topic}: {advice.text}")
            if advice.remedy:
                out.line(f"      -> {advice.remedy}")
    return 1 if any(advice.state == "bad" for advice in found) else 0


def _examine(opener: Opener) -> list[Advice]:
    """The host first: it may be the reason why the store cannot be opened."""
    from argosy.config import containers as containers_conf
    from argosy.config import locations
    from argosy.containers import doctor
    from argosy.linux import userns

    settings = opener.settings
    rootless = userns.needed()
    places = locations.resolve(
        settings["root"] or "", settings["runroot"] or "", uid=userns.outer_uid(), rootless=rootless, environ=os.environ
    )
    conf = containers_conf.load(places.run, os.environ, rootless=rootless)
    found = doctor.run_checks(lambda: doctor.host_checks(conf, places.run))
    try:
        engine = opener.open()
    except ArgosyError as error:
        return [*found, doctor.Advice("store", doctor.BAD, str(error), error.hint)]
    return [*found, *doctor.run_checks(lambda: doctor.store_checks(engine.site))]


COMMAND = Command(
    path="doctor",
    summary="Explain what this host lets argosy do, and how to get more",
    description=(
        "Looks at what containers need of the host: privileges or user namespaces, ranges of ids, an OCI runtime, "
        "conmon, cgroups, networks, security modules, the file system of the store. Each finding is `ok`, `less` (it "
        "works, with less than there could be) or `NO`, and says what to do about it. Nothing is changed."
    ),
    options=DoctorOptions,
    run=run,
    max_operands=0,
    flags=(Flag("format", kind="string", help="Format the findings with a Go template, or `json`"),),
    examples=("argosy doctor", "argosy doctor --format '{{.State}} {{.Topic}}'"),
)
