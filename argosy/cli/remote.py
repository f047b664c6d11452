"""The same command on another host: run there by the program of the same name, through ssh.

All paths of the command line are that host's, and so is the environment.  What the caller types, pipes in and reads is
here, and the exit status is that of the command; 255 is ssh's own.
Imported when a flag, a variable or containers.conf names another host.
"""

from __future__ import annotations

import os

from argosy.config import contexts
from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from argosy.cli.flags import Flag, Parsed
    from argosy.linux.ssh import Destination

# The global flags that say where, and so are not sent along.
_FLAGS = frozenset(("remote", "connection", "url", "identity", "ssh", "docker_host", "docker_context", "docker_config"))
# What these do, they do here.
_HERE = ("__complete", "completion", "help", "context", "image scp", "system connection")


class Place(Value):
    """A host, and the file with the private key for it ("" for what ssh takes by itself)."""

    destination: Destination
    identity: str = ""


class Call(Value):
    """A call of the program: its name, the command's words and flags, and the global flags that it knows and has."""

    program: str
    words: str
    flags: Sequence[Flag]
    parsed: Parsed
    settings: Mapping[str, Any]
    known: Sequence[Flag]

    def spelled(self) -> list[str]:
        """The command line for the other host."""
        own = {flag.key for flag in self.flags}
        before = spelled((flag for flag in self.known if flag.key not in own), self.settings)
        after = spelled(self.flags, self.parsed.values)
        return [*self.program.split(), *before, *self.words.split(), *after, "--", *self.parsed.operands]


def chosen(settings: Mapping[str, Any], environ: Mapping[str, str], variables: Sequence[str]) -> Place | None:
    """The host that the global flags name, else one of the environment's `variables`; None for this one.

    `--remote=false` is this one; `--remote` alone takes the default connection.  Raises ArgosyError for a name that is
    not there, and Unsupported for a way that there is not.
    """
    if settings.get("ssh") not in (None, "", "native"):
        raise Unsupported(f'--ssh {settings["ssh"]}: there is "native" alone, the ssh program', hint="Leave --ssh out.")
    host = (settings.get("docker_host") or ("",))[-1]
    if settings.get("url") or host:
        return _at("--host" if host else "--url", settings.get("url") or host, settings.get("identity"))
    if settings.get("connection"):
        return _named("--connection", settings["connection"], settings, environ)
    if settings.get("remote") is False:
        return None
    variable = next((name for name in variables if environ.get(name)), "")
    if variable.endswith("_HOST"):
        return _at(variable, environ[variable], settings.get("identity") or environ.get("CONTAINER_SSHKEY"))
    if variable or settings.get("remote"):
        return _named(variable or "--remote", environ.get(variable, ""), settings, environ)
    for flag in ("identity", "ssh"):
        if settings.get(flag):
            raise Unsupported(
                f"--{flag} is about another host, and none is named", hint="--connection or --url names one"
            )
    return None


def _at(origin: str, uri: str, identity: str | None) -> Place:
    from argosy.linux import ssh

    try:
        return Place(ssh.parse(uri), os.path.expanduser(identity or ""))
    except Invalid as error:
        error.hint = error.hint or f"{origin} names the host"
        raise
    except Unsupported as error:
        raise Unsupported(
            f'{origin} names another engine ("{uri}"), and argosy reaches others over ssh:// only',
            hint=f"Leave {origin} out to work here." if origin[0] == "-" else f"Unset {origin} to work here.",
        ) from error


def chosen_by_docker(settings: Mapping[str, Any], environ: Mapping[str, str], variables: Sequence[str]) -> Place | None:
    """The same as docker has it: the host of a context, which a flag, a variable or docker's configuration names."""
    given = settings.get("docker_context") or ""
    host = settings.get("docker_host")
    if host and given:
        raise ArgosyError("conflicting options: cannot specify both --host and --context")
    context, origin = (given, "") if given or host else contexts.current(environ)
    if context in ("", contexts.DEFAULT):
        return chosen(settings, environ, variables)
    return _context(context, origin, settings, environ)


def _context(name: str, origin: str, settings: Mapping[str, Any], environ: Mapping[str, str]) -> Place:
    """The host of docker's context of this name, else of our connection; `origin` is what has chosen it."""
    from argosy.config import connections

    if contexts.exists(environ, name):
        try:
            return _at(f'the context "{name}"', contexts.get(environ, name).host, settings.get("identity"))
        except Unsupported as error:
            error.hint = "docker --context default, or docker context use default, works here."
            raise
    if name in connections.read(environ).entries:
        return _named("--context", name, settings, environ)
    if not origin:
        contexts.get(environ, name)
    raise ArgosyError(
        f'Current context "{name}" is not found on the file system, please check your config file at {origin}'
    )


def _named(origin: str, name: str, settings: Mapping[str, Any], environ: Mapping[str, str]) -> Place:
    """The connection of this name; the default one for ""."""
    from argosy.config import connections, containers
    from argosy.linux import userns

    conf = containers.load("", environ, rootless=userns.needed(), modules=tuple(settings.get("module", ())))
    known = connections.load(conf, environ)
    if not name and not known.default:
        raise ArgosyError("there is no default connection", hint="argosy system connection default NAME")
    found = known.named(name or known.default)
    return _at(origin, found.uri, settings.get("identity") or found.identity)


def run(call: Call, environ: Mapping[str, str], variables: Sequence[str]) -> int | None:
    """Run the command where it belongs, if that is not here, and give its exit status; None when it is."""
    from argosy.cli import secretwords
    from argosy.linux import process, ssh

    if call.words.startswith(_HERE):
        return None
    choose = chosen_by_docker if call.program == "docker" else chosen
    place = choose(call.settings, environ, variables)
    if place is None:
        return None
    secretwords.refuse_elsewhere(call.parsed.values)
    terminal = os.isatty(0) and os.isatty(1)
    argv = ssh.command(place.destination, call.spelled(), identity=place.identity, terminal=terminal)
    pid = process.spawn(argv)
    while True:
        try:
            return process.wait(pid)
        except KeyboardInterrupt:  # ssh has it from the terminal too, and tells the other host
            continue


def spelled(flags: Iterable[Flag], values: Mapping[str, Any]) -> list[str]:
    """Those of the flags that have a value, in words that every grammar of ours reads."""
    words: list[str] = []
    for key, flag in {flag.key: flag for flag in flags if flag.key not in _FLAGS}.items():
        if key in values:
            words += _flag(flag, values[key])
    return words


def _flag(flag: Flag, value: Any) -> Iterator[str]:
    if flag.kind == "csv":
        yield f"--{flag.name}={','.join(map(_field, value))}"
    elif flag.kind == "list":
        yield from (f"--{flag.name}={item}" for item in value)
    elif flag.kind in ("bool", "optbool"):
        yield f"--{flag.name}={'true' if value else 'false'}"
    elif flag.kind == "duration":
        yield f"--{flag.name}={value}s"
    else:
        yield f"--{flag.name}={value}"


def _field(text: str) -> str:
    return '"{}"'.format(text.replace('"', '""')) if set(text) & set(',"\n') else text
