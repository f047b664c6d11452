"""`config`: the configuration of the image that a working container will become."""

from __future__ import annotations

from argosy.cli.buildah import _config, _containers
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


def run(flags: _config.ConfigFlags, engine: Engine, out: Output) -> int:
    """Change what was given; nothing is printed."""
    if not flags.operands:
        raise ArgosyError(_containers.MISSING)
    containers = _containers.known(engine)
    found = _containers.find(containers, flags.operands[0])
    containers.change(
        found.id,
        lambda record: _config.changed(record, flags, tells=_containers.tells_history(flags.add_history)),
    )
    for warning in _config.warnings(found, flags):
        out.notice(warning)
    return 0


COMMAND = Command(
    path="config",
    summary="Update image configuration settings",
    description=(
        "Changes the configuration that `commit` gives to the image. A name with a dash behind it (`--env PATH-`) "
        "takes an entry out of the environment, labels, annotations, ports, volumes and features; a dash alone takes "
        "all. A variable may use those before it ($NAME)."
    ),
    usage="CONTAINER",
    options=_config.ConfigFlags,
    run=run,
    max_operands=1,
    flags=(
        _containers.ADD_HISTORY,
        Flag("annotation", short="a", kind="list", help="Add an annotation (name=value) for the image"),
        Flag("arch", kind="string", help="Set the architecture of the image"),
        Flag("author", kind="string", help="Set the image's author"),
        Flag("cmd", kind="string", help="Set the default command: words, or a JSON array"),
        Flag("comment", kind="string", help="Set a comment (docker's format alone has it)"),
        Flag("created-by", kind="string", help="Set what the history says of how the layer was made"),
        Flag("domainname", kind="string", help="Set a domain name for containers (docker's format alone has it)"),
        Flag("entrypoint", kind="string", help="Set the entrypoint: a line for the shell, or a JSON array"),
        Flag("env", short="e", kind="list", help="Add an environment variable (name=value)"),
        Flag(
            "healthcheck", kind="string", help="Set the health check (NONE, CMD ... or CMD-SHELL ...; docker's format)"
        ),
        Flag("healthcheck-interval", kind="duration", help="The time between two health checks"),
        Flag("healthcheck-retries", kind="int", help="How many health checks in a row must fail"),
        Flag("healthcheck-start-period", kind="duration", help="How long failures do not count after a start"),
        Flag("healthcheck-timeout", kind="duration", help="How long a health check may take"),
        Flag("history-comment", kind="string", help="Set the comment of the layer's entry in the history"),
        Flag("hostname", kind="string", help="Set a host name for containers (docker's format alone has it)"),
        Flag("label", short="l", kind="list", help="Add a label (name=value)"),
        Flag("onbuild", kind="list", help="Add an instruction for images based on this one (docker's format)"),
        Flag("os", kind="string", help="Set the operating system of the image"),
        Flag("os-feature", kind="string", help="Add a feature of the operating system that is needed"),
        Flag("os-version", kind="string", help="Set the operating system's version"),
        Flag("port", short="p", kind="csv", help="Add a port that containers expose (PORT[/PROTOCOL])"),
        Flag("shell", kind="string", help="Set the shell for commands: words, or a JSON array (docker's format)"),
        Flag("stop-signal", kind="string", help="Set the signal that ends containers"),
        Flag("user", short="u", kind="string", help="Set the user of containers (user[:group])"),
        Flag("variant", kind="string", help="Set the variant of the architecture"),
        Flag("volume", short="v", kind="csv", help="Add the path of a volume"),
        Flag("workingdir", kind="string", help="Set the working directory of containers"),
    ),
    examples=(
        'argosy config --cmd \'["nginx", "-g", "daemon off;"]\' --port 80 web',
        "argosy config --env LANG=C.UTF-8 --env DEBUG- --label version=1 web",
    ),
)
