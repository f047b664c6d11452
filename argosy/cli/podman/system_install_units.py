"""`system install-units`: the systemd units that start containers at each boot, or a service with its first client."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output

_WRITTEN = "# Written by `argosy system install-units`, which may replace it.\n"
_BOOT = """\
[Unit]
Description=Containers of Argosy that are to run by their restart policies
Documentation=man:argosy-system-boot(1)
{order}
[Service]
Type=oneshot
RemainAfterExit=true
KillMode=process
ExecStart={program} system boot
ExecStop={program} stop --filter restart-policy=always

[Install]
WantedBy={target}
"""
_SOCKET = """\
[Unit]
Description=Socket of the {service} of Argosy
Documentation=man:argosy-system-{service}(1)

[Socket]
ListenStream={address}

[Install]
WantedBy=sockets.target
"""
_SERVICE = """\
[Unit]
Description={title} of Argosy
Documentation=man:argosy-system-{service}(1)
Requires=argosy-{service}.socket
{order}
[Service]
ExecStart={program} system {service}
"""
_SERVICES = {
    "cache": ("Cache of other registries", "127.0.0.1:5001"),
    "registry": ("Registry", "127.0.0.1:5000"),
}
_SYSTEM_ORDER = "Wants=network-online.target\nAfter=network-online.target\n"


class InstallUnitsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    print: bool


def run(options: InstallUnitsOptions, opener: Opener, out: Output) -> int:
    """Write the units, or print them; say what switches them on."""
    from argosy.linux import userns

    rootless = userns.needed()
    units, enabled = _units(options.operands, opener, rootless=rootless)
    if options.print:
        several = len(units) > 1
        out.write("\n".join(f"# {name}\n{text}" if several else text for name, text in units.items()))
        return 0
    for name, text in units.items():
        path = os.path.join(_directory(rootless=rootless), name)
        _write(path, text.encode())
        out.line(path)
    switch = (
        f"systemctl {'--user ' if rootless else ''}enable {'--now ' if options.operands else ''}{' '.join(enabled)}"
    )
    linger = ", loginctl enable-linger without a login" if rootless else ""
    out.notice(f"{switch} switches {'them' if len(units) > 1 else 'it'} on{linger}")
    return 0


def _units(services: tuple[str, ...], opener: Opener, *, rootless: bool) -> tuple[dict[str, str], list[str]]:
    """The texts of the units by their names, and the names of those to enable.  Raises Invalid."""
    program = _program(opener)
    order = "" if rootless else _SYSTEM_ORDER
    if not services:
        target = "default.target" if rootless else "multi-user.target"
        name = "argosy-boot.service"
        return {name: _WRITTEN + _BOOT.format(program=program, target=target, order=order)}, [name]
    units, enabled = {}, []
    for service in dict.fromkeys(services):
        if service not in _SERVICES:
            raise Invalid("service", service, f"choose {' or '.join(_SERVICES)}")
        title, address = _SERVICES[service]
        enabled.append(f"argosy-{service}.socket")
        units[enabled[-1]] = _WRITTEN + _SOCKET.format(service=service, address=address)
        unit = _SERVICE.format(service=service, title=title, program=program, order=order)
        units[f"argosy-{service}.service"] = _WRITTEN + unit
    return units, enabled


def _program(opener: Opener) -> str:
    """What calls this program for the store that the global flags name, as ExecStart has it."""
    from argosy.linux import process

    words = process.self_argv()
    for flag in ("root", "runroot", "storage-driver"):
        value = opener.settings.get(flag.replace("-", "_"))
        words += [f"--{flag}", value] if value else []
    words += [f"--module={module}" for module in opener.settings["modules"]]
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    """A word of ExecStart as systemd reads it (systemd.service(5)): no specifier, no variable, no escape."""
    word = word.replace("%", "%%").replace("$", "$$")
    if word and all(char.isalnum() or char in "/._-=+:,@%$" for char in word):
        return word
    return '"{}"'.format(word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))


def _directory(*, rootless: bool) -> str:
    if not rootless:
        return "/etc/systemd/system"
    home = os.environ.get("XDG_CONFIG_HOME", "") or os.path.join(os.environ.get("HOME", "") or "/", ".config")
    return f"{home}/systemd/user"


def _write(path: str, data: bytes) -> None:
    from argosy.linux import files

    try:
        files.make_directories(os.path.dirname(path), 0o755)
        files.write_atomic(path, data, mode=0o644, durable=True)
    except OSError as error:
        raise ArgosyError(f"cannot write {path}", details=str(error.strerror), hint="--print shows it") from error


COMMAND = Command(
    path="system install-units",
    summary="Write systemd units for system boot and for services",
    description=(
        "Without a SERVICE: writes argosy-boot.service, which runs `argosy system boot` at each boot. With cache or "
        "registry: a socket, at the address at which that service listens by itself, and the service, which the first "
        "client starts. They are for the store that the global flags name: for root in /etc/systemd/system, for a user "
        "in ~/.config/systemd/user. What is left is to enable them; `systemctl edit` changes an address."
    ),
    usage="[SERVICE...]",
    options=InstallUnitsOptions,
    run=run,
    flags=(Flag("print", help="Print the units and write nothing"),),
    examples=("argosy system install-units", "argosy system install-units --print registry cache"),
)
