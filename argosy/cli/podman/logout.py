"""`logout`: forget the credentials for a registry."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class LogoutOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    authfile: str | None


def run(options: LogoutOptions, opener: Opener, out: Output) -> int:
    """Forget the credentials, or all of them."""
    from argosy.cli.podman import _registry
    from argosy.config import auth, logins

    uid = _registry.uid()
    where = logins.place(os.environ, uid=uid, authfile=options.authfile or "", docker=out.program == "docker")
    if options.all and options.operands:
        raise ArgosyError("--all takes no arguments")
    if where.given and not os.path.exists(where.path):
        raise ArgosyError(f"checking authfile: stat {where.path}: no such file or directory")
    if options.all:
        logins.remove_all(where, os.environ)
        out.line("Removed login credentials for all registries")
        return 0
    name = _registry.wanted(options.operands, _registry.load(opener), out.program)
    if out.program == "docker":
        logins.remove(where, _registry.key(name, out.program), os.environ)
        out.line(f"Removing login credentials for {_registry.key(name, out.program)}")
        return 0
    if logins.remove(where, _registry.key(name, out.program), os.environ):
        out.line(f"Removed login credentials for {name}")
        return 0
    elsewhere = None if where.given else auth.lookup(name, os.environ, uid=uid)
    if elsewhere is None:
        raise ArgosyError(f"not logged into {name}")
    raise ArgosyError(
        f"not logged into {name} by {out.program}",
        details=f"there are credentials in {elsewhere.origin}",
        hint="use the program that has written them, or name the file with --authfile",
    )


COMMAND = Command(
    path="logout",
    summary="Logout of a container registry",
    description="Removes the credentials that `login` has kept for a registry.",
    usage="[REGISTRY]",
    options=LogoutOptions,
    run=run,
    max_operands=1,
    flags=(
        Flag("all", short="a", help="Remove the cached credentials for all registries in the auth file"),
        Flag("authfile", kind="string", help="Path of the authentication file"),
    ),
    examples=("argosy logout quay.io", "argosy logout --all"),
)
