"""`secret ls`: the secrets of the store."""

from __future__ import annotations

import time

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.secrets.stored import Secret

_HEADINGS = {"CreatedAt": "CREATED", "UpdatedAt": "UPDATED"}
_NS = 1_000_000_000


class SecretListOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    filter: tuple[str, ...]
    format: str | None
    noheading: bool
    quiet: bool


def run(options: SecretListOptions, engine: Engine, out: Output) -> int:
    """List the secrets that the filters accept, by name."""
    from argosy.cli import templates
    from argosy.secrets import stored

    accepts = _compiled(options.filter)
    listing = stored.listing(engine.store)
    for secret_id, error in listing.damaged:
        out.notice(f"secret {secret_id}: {error}")
    found = [secret for secret in listing.secrets if accepts(secret)]
    rows = [_row(secret) for secret in found]
    if options.quiet:
        for row in rows:
            out.line(row["ID"])
    elif out.program == "docker":
        _docker(found, rows, options.format, out)
    elif options.format and templates.is_json(options.format):
        from argosy.cli.documents import indented

        out.line(indented(rows, 4))
    elif options.format:
        templates.render(
            *(out, options.format, rows),
            headings=_HEADINGS,
            name="list",
            type_name="*secrets.secretListReport",
            show_headings=not options.noheading,
            ranging=True,
        )
    else:
        headings = () if options.noheading else ("ID", "NAME", "DRIVER", "CREATED", "UPDATED")
        out.table(headings, [list(row.values()) for row in rows])
    return 0


def _row(secret: Secret) -> dict[str, str]:
    from argosy import human

    now = time.time_ns()
    return {
        "ID": secret.id,
        "Name": secret.name,
        "Driver": secret.driver,
        "CreatedAt": human.ago(int(secret.created_at * _NS), now),
        "UpdatedAt": human.ago(int(secret.updated_at * _NS), now),
    }


def _docker(found: list[Secret], rows: list[dict[str, str]], format_: str | None, out: Output) -> None:
    from argosy.cli.podman import _docker_lists

    headings = {"ID": "ID", "Name": "NAME", "Driver": "DRIVER", **_HEADINGS, "Labels": "LABELS"}
    kind = _docker_lists.Kind("*secret.secretContext", headings, ("ID", "Name", "Driver", "CreatedAt", "UpdatedAt"))
    lines = []
    for secret, row in zip(found, rows, strict=True):
        labels = ",".join(f"{key}={value}" for key, value in sorted(secret.labels.items()))
        driver = "" if secret.driver == "file" else secret.driver  # docker's own place has no name
        fields = {**row, "Driver": driver, "Labels": labels}
        lines.append(_docker_lists.Row(dict(sorted(fields.items())), secret.labels))
    _docker_lists.show(out, kind, lines, format_)


def _compiled(filters: Iterable[str]) -> Callable[[Secret], bool]:
    """Whether a secret fits: one of the names, one of the ids, all of the labels."""
    from argosy.containers import label_filters

    alternatives: dict[str, list[Callable[[Secret], bool]]] = {"name": [], "id": []}
    labels = []
    for text in filters:
        key, equals, value = text.partition("=")
        if not equals:
            raise ArgosyError(f'"{text}" is an invalid filter', hint="--filter KEY=VALUE")
        if key == "label":
            labels.append(label_filters.by_label(value))
        elif key in alternatives:
            alternatives[key].append(label_filters.by_name(value) if key == "name" else _by_id(value))
        else:
            raise ArgosyError(f'invalid filter "{key}"', hint="there are id, label and name")
    given = [tests for tests in alternatives.values() if tests]
    return lambda secret: (
        all(test(secret) for test in labels) and all(any(test(secret) for test in tests) for tests in given)
    )


def _by_id(value: str) -> Callable[[Secret], bool]:
    return lambda secret: secret.id.startswith(value)


COMMAND = Command(
    path="secret ls",
    summary="List secrets",
    description="Lists all secrets, or those that the filters accept. What they hold is not shown.",
    options=SecretListOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("filter", short="f", kind="list", help="Filter secret output (id, label, name)"),
        Flag("format", kind="string", help="Format secret output using Go template, or `json`"),
        Flag("noheading", short="n", help="Do not print headers"),
        Flag("quiet", short="q", help="Print secret IDs only"),
    ),
    examples=("argosy secret ls", "argosy secret ls --quiet --filter name=token"),
)
