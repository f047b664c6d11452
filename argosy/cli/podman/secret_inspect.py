"""`secret inspect`: all that is known about secrets; what they hold only where that is asked for."""

from __future__ import annotations

from argosy.cli.errors import report
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, escaped
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine


class SecretInspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str | None
    pretty: bool
    showsecret: bool


def run(options: SecretInspectOptions, engine: Engine, out: Output) -> int:
    """Show all secrets that can be found; those that cannot are told afterwards."""
    from argosy.cli import templates

    if options.pretty and options.format is not None:
        raise ArgosyError("--format and --pretty cannot be used together")
    documents, errors = [], []
    for text in options.operands:
        try:
            documents.append(_document(engine, text, options, docker=out.program == "docker"))
        except ArgosyError as error:
            error.brief = f"inspecting secret: {error.brief}"
            errors.append(error)
    if options.pretty:
        for document in documents:
            out.write(_pretty(document))
    elif options.format is None or templates.is_json(options.format):
        from argosy.cli.documents import indented

        out.line(indented(documents, 4))
    else:
        rows = [_for_template(document) for document in documents]
        templates.render(out, options.format, rows, name="inspect", type_name="*entities.SecretInfoReport")
    status = 0
    for failure in errors:
        status = report(failure, out)
    return status


def _document(engine: Engine, text: str, options: SecretInspectOptions, *, docker: bool) -> dict[str, Any]:
    from argosy.cli.podman import _secrets
    from argosy.secrets import stored

    secret = stored.find(engine.store, text)
    if docker:
        return _secrets.docker_document(secret)
    found = _secrets.document(engine, secret)
    if options.showsecret:
        found["SecretData"] = stored.load(engine.store, secret).decode("utf-8", "replace")
    return found


def _for_template(document: dict[str, Any]) -> dict[str, Any]:
    from argosy.cli import templates
    from argosy.cli.documents import with_moments

    fields: dict[str, Any] = templates.with_maps(with_moments(document, ("CreatedAt", "UpdatedAt")))
    return fields


def _pretty(document: dict[str, Any]) -> str:
    from argosy.cli.documents import Moment

    spec = document["Spec"]
    driver = spec.get("Driver", {}).get("Name", "")
    lines = [
        f"ID:              {document['ID']}",
        f"Name:              {spec['Name']}",
        *(f"Labels:            {escaped(key)}={escaped(value)}" for key, value in spec["Labels"].items()),
        *([f"Driver:            {driver}"] if driver else []),
        f"Created at:        {Moment(document['CreatedAt'])}",
        f"Updated at:        {Moment(document['UpdatedAt'])}",
        *([f"Secret:            {document['SecretData']}"] if "SecretData" in document else []),
    ]
    return "".join(f"{line}\n" for line in lines)


COMMAND = Command(
    path="secret inspect",
    summary="Inspect a secret",
    description="Displays what is known about secrets, as JSON or by a Go template; their data only with --showsecret.",
    usage="SECRET [SECRET...]",
    options=SecretInspectOptions,
    run=run,
    min_operands=1,
    flags=(
        Flag("format", short="f", kind="string", help="Format inspect output using Go template"),
        Flag("pretty", help="Print inspect output in human readable format"),
        Flag("showsecret", help="Display the secret's data as well"),
    ),
    examples=("argosy secret inspect token", "argosy secret inspect --showsecret --format '{{.SecretData}}' token"),
)
