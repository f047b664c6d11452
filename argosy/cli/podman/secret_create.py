"""`secret create`: data under a name, for containers."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from argosy.cli.output import Output
    from argosy.engine import Engine


class SecretCreateOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    driver: str | None
    driver_opts: tuple[str, ...]
    env: bool
    ignore: bool
    label: tuple[str, ...]
    replace_: bool
    template_driver: str | None


def run(options: SecretCreateOptions, engine: Engine, out: Output) -> int:
    """Read the data, store it, and print the secret's id."""
    from argosy.config import locations
    from argosy.errors import Exists
    from argosy.secrets import drivers, stored
    from argosy.spec import parse

    if options.template_driver is not None:
        raise ArgosyError("--template-driver: templates are filled in by swarm's services, which argosy has not")
    name = options.operands[0]
    if options.ignore and options.replace_:
        raise ArgosyError("--ignore and --replace cannot be used together")
    driver = options.driver or engine.conf.secret_driver
    given = _pairs(options.driver_opts)
    if not given and driver == engine.conf.secret_driver:
        given = engine.conf.secret_opts
    home = locations.home_directory(engine.environ)
    try:
        secret = stored.create(
            engine.store,
            name,
            _data(options, engine),
            driver=driver,
            options=drivers.settled(driver, given, home),
            labels=parse.parse_labels(options.label),
            key_path=stored.default_key_path(locations.configuration_home(engine.environ)),
            replace=options.replace_,
        )
    except Exists as error:
        if not options.ignore:
            raise
        out.line(error.holder)
        return 0
    out.line(secret.id)
    return 0


def _pairs(texts: tuple[str, ...]) -> Mapping[str, str]:
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ArgosyError(
                f'invalid argument "{text}" for "--driver-opts" flag: {text} must be formatted as key=value'
            )
        found[key] = value
    return found


def _data(options: SecretCreateOptions, engine: Engine) -> bytes:
    """From the variable that the second operand names, the file, or standard input."""
    from argosy.secrets import stored

    source = options.operands[1] if len(options.operands) > 1 else "-"
    if options.env:
        if source not in engine.environ:
            raise ArgosyError(f"cannot create store secret data: environment variable {source} is not set")
        return engine.environ[source].encode("utf-8", "surrogateescape")
    if source == "-" and os.isatty(0):
        raise ArgosyError(
            "if `-` is used, data must be passed into stdin", hint="printf '%s' DATA | argosy secret create NAME -"
        )
    return stored.read_source(source)


COMMAND = Command(
    path="secret create",
    summary="Create a new secret",
    description=(
        "Stores the content of a file, of standard input (`-`) or of an environment variable (--env) under a name, for "
        "containers that are started with --secret. The driver `file` keeps it encrypted, with the key of the user "
        "(argosy/secrets.key below XDG_CONFIG_HOME or ~/.config, made at first use); `pass` in the store of pass(1); "
        "`shell` by the commands that --driver-opts names."
    ),
    usage="NAME FILE|-",
    options=SecretCreateOptions,
    run=run,
    min_operands=2,
    max_operands=2,
    flags=(
        Flag("driver", short="d", kind="string", help='Where the data is kept ("file"|"pass"|"shell")'),
        Flag("driver-opts", kind="csv", help="Options of the driver (KEY=VALUE)"),
        Flag("env", help="Read the data from the environment variable that is named in place of a file"),
        Flag("ignore", help="If a secret of this name exists, leave it and print its id"),
        Flag("label", short="l", kind="list", help="Set metadata for the secret (KEY=VALUE)"),
        Flag("replace", field="replace_", help="If a secret of this name exists, give it the new data"),
        Flag("template-driver", kind="string", only="docker", help="Template driver (refused)"),
    ),
    examples=(
        "argosy secret create token token.txt",
        "printf '%s' hunter2 | argosy secret create password -",
        "argosy secret create --env --replace token TOKEN",
    ),
)
