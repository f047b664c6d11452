"""pasta(1): connects a network namespace through sockets of this user, with the host's own addresses.

It forks into the background once the namespace is configured, and ends by itself when the namespace's file is removed.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid
from argosy.linux import files, process
from argosy.network import attach, usermode
from argosy.network.attach import NetworkState, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.network.attach import NetworkRequest
    from argosy.network.ports import Published

PID_FILE = "pasta.pid"
FORWARDER = "169.254.1.1"  # questions sent there go to the host's resolver, as podman has it
HOST_ADDRESS = "169.254.1.2"  # the host itself, where pasta can map one (--map-guest-addr)
_START_S = 20.0
_OWN_FLAGS = ("--netns", "--userns", "-P", "--pid", "-f", "--foreground", "--netns-only", "--no-netns-quit")


def argv(
    program: str,
    netns: str,
    pid_file: str,
    options: Sequence[str] = (),
    *,
    rootless: bool = True,
    maps_host: bool = False,
) -> list[str]:
    """The argument vector.  `options` are the user's, passed on; a default that they settle is left out.

    `--map-gw` is podman's word for not giving `--no-map-gw`.  As root pasta would change to nobody, who may not enter
    the namespace.
    """
    given = frozenset(option.split("=", 1)[0] for option in options)
    words = [program, "--config-net"]
    for short, long in (("-t", "--tcp-ports"), ("-u", "--udp-ports"), ("-T", "--tcp-ns"), ("-U", "--udp-ns")):
        if not given & {short, long}:
            words += [short, "none"]
    if not given & {"--map-gw", "--no-map-gw"}:
        words.append("--no-map-gw")
    if "--dns-forward" not in given:
        words += ["--dns-forward", FORWARDER]
    if maps_host and not given & {"--map-guest-addr"}:
        words += ["--map-guest-addr", HOST_ADDRESS]
    if not rootless and "--runas" not in given:
        words += ["--runas", "0"]
    words += ["--quiet", *(option for option in options if option != "--map-gw")]
    return [*words, "--pid", pid_file, "--netns", netns]


def check(options: Sequence[str]) -> None:
    """Raise Invalid for an option that would take the namespace or the process out of our hands."""
    for option in options:
        if option.split("=", 1)[0] in _OWN_FLAGS:
            raise Invalid("pasta option", option, "argosy sets it itself")


def connect(request: NetworkRequest) -> NetworkState:
    """Connect a container.  Raises Invalid for wrong options, Unavailable when it does not work on this host."""
    words = _words(request)
    pid = usermode.connected(request, lambda: start(words, f"{request.directory}/{PID_FILE}"))
    addresses, gateway = attach.inside(request.netns)
    own = frozenset(address.partition("/")[0] for address in addresses)
    internal = _value(words, "--map-guest-addr") or attach.host_address(own)
    return NetworkState(
        mode="pasta",
        netns=request.netns,
        addresses=addresses,
        gateway=gateway,
        pid=pid,
        resolv=attach.resolv_content(request, forwarder=_value(words, "--dns-forward")),
        hosts=attach.hosts_content(request, addresses, internal),
    )


def again(request: NetworkRequest) -> int:
    """Start it on the namespace that is there, where another has ended: its pid.  Raises as `connect`."""
    return start(_words(request), f"{request.directory}/{PID_FILE}")


def _words(request: NetworkRequest) -> list[str]:
    options = (*request.conf.pasta_options, *request.options)
    check(options)
    options += usermode.publish(request, port_words, "pasta", ("tcp", "udp"))
    program = usermode.program(request, "pasta", "passt")
    usermode.check_tun("pasta")
    return argv(
        program,
        request.netns,
        f"{request.directory}/{PID_FILE}",
        options,
        rootless=request.rootless,
        maps_host=_knows(request.run, program, "--map-guest-addr"),
    )


def port_words(port: Published) -> tuple[str, ...]:
    """The flag that makes pasta listen on a port of the host."""
    where = f"{port.host_ip}/" if port.host_ip else ""
    return ("-t" if port.protocol == "tcp" else "-u", f"{where}{port.host_port}:{port.container_port}")


def _value(words: Sequence[str], flag: str) -> str:
    """What follows `flag` in an argument vector, "" when it is not there or has no value."""
    for word, following in zip(words, (*words[1:], ""), strict=True):
        if word == flag:
            return following if following[:1] != "-" else ""
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return ""


def start(words: list[str], pid_file: str) -> int:
    """Start it and wait until it is in the background: its pid.  Raises Unavailable with what it said."""
    try:
        done = process.run(words, check=False, timeout_s=_START_S)
    except process.ProgramFailed as error:
        raise Unavailable("pasta does not get ready", details=error.brief) from error
    if done.returncode:
        raise Unavailable("pasta cannot connect the container", details=_reason(done.stderr) or "it did not say why")
    return int(files.read(pid_file))


def _reason(stderr: bytes) -> str:
    """What pasta said, without its usage and its complaints about syslog."""
    text = stderr.decode("utf-8", "replace").partition("Usage:")[0]
    return "\n".join(line for line in text.splitlines() if "to syslog" not in line).strip()


def _knows(run: str, program: str, flag: str) -> bool:
    """Whether this pasta has the flag: asked once, kept in the run directory by the program's identity."""
    from argosy import jsontext

    found = os.stat(program)
    identity = [program, found.st_ino, found.st_mtime_ns, found.st_size]
    cache = f"{run}/cache/pasta.json"
    try:
        kept = jsontext.decode(files.read(cache), cache)
        if kept["identity"] == identity and flag in kept["flags"]:
            return bool(kept["flags"][flag])
    except (OSError, ArgosyError, LookupError, TypeError):
        pass
    said = process.run([program, "--help"], check=False)
    known = flag.encode() in said.stdout + said.stderr
    try:
        files.make_directories(os.path.dirname(cache))
        files.write_atomic(cache, jsontext.encode({"identity": identity, "flags": {flag: known}}))
    except OSError:
        pass  # it is asked again next time
    return known
