"""`system install-units`: the systemd unit that starts containers at each boot."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output

_NAME = "argosy-boot.service"
_UNIT = """\
# Written by `argosy system install-units`, which may replace it.
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
_SYSTEM_ORDER = "Wants=network-online.target\nAfter=network-online.target\n"


class InstallUnitsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    print: bool


def run(options: InstallUnitsOptions, opener: Opener, out: Output) -> int:
    """Write the unit, or print it; say what switches it on."""
    from argosy.linux import userns

    rootless = userns.needed()
    text = _unit(opener, rootless=rootless)
    if options.print:
        out.write(text)
        return 0
    path = os.path.join(_directory(rootless=rootless), _NAME)
    _write(path, text.encode())
    out.line(path)
    if rootless:
        out.notice(f"systemctl --user enable {_NAME} switches it on, loginctl enable-linger without a login")
    else:
        out.notice(f"systemctl enable {_NAME} switches it on")
    return 0


def _unit(opener: Opener, *, rootless: bool) -> str:
    from argosy.linux import process

    words = process.self_argv()
    for flag in ("root", "runroot", "storage-driver"):
        value = opener.settings.get(flag.replace("-", "_"))
        words += [f"--{flag}", value] if value else []
    words += [f"--module={module}" for module in opener.settings["modules"]]
    program = " ".join(_quoted(word) for word in words)
    target = "default.target" if rootless else "multi-user.target"
    return _UNIT.format(program=program, target=target, order="" if rootless else _SYSTEM_ORDER)


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
    summary="Write the systemd unit that runs system boot",
    description=(
        "Writes argosy-boot.service, which runs `argosy system boot` at each boot for the store that the global flags "
        "name: for root in /etc/systemd/system, for a user in ~/.config/systemd/user. What is left is to enable it."
    ),
    options=InstallUnitsOptions,
    run=run,
    max_operands=0,
    flags=(Flag("print", help="Print the unit and write nothing"),),
    examples=("argosy system install-units", "argosy system install-units --print"),
)
