"""`login`: keep credentials for a registry, once it has taken them."""

from __future__ import annotations

import os
import sys

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.config.auth import Credentials
    from argosy.config.registries import Registries

_SECRET_LIMIT = 64 << 10


class LoginOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    authfile: str | None
    cert_dir: str | None
    get_login: bool
    password: str | None
    password_stdin: bool
    tls_verify: bool | None
    username: str | None
    verbose: bool


def run(options: LoginOptions, opener: Opener, out: Output) -> int:
    """Log in to the registry, or to the first one that short names are looked up at."""
    from argosy.cli.podman import _registry
    from argosy.config import auth, logins

    if options.password_stdin and options.username is None:
        raise ArgosyError("Must provide --username with --password-stdin")
    if options.password_stdin and options.password is not None:
        raise ArgosyError("Can't specify both --password-stdin and --password")
    registries = _registry.load(opener)
    name = _registry.wanted(options.operands, registries, out.program)
    uid = _registry.uid()
    where = logins.place(os.environ, uid=uid, authfile=options.authfile or "", docker=out.program == "docker")
    kept = None
    if options.username is None and options.password is None and (not where.given or os.path.exists(where.path)):
        kept = auth.lookup(
            name, os.environ, uid=uid, authfile=where.path if where.given else "", helpers=registries.credential_helpers
        )
    if options.get_login:
        if kept is None or not kept.username:
            raise ArgosyError(f"not logged into {name}", hint=f"{out.program} login {name}")
        out.line(kept.username)
        return 0
    if kept is not None and _still_good(options, registries, name, kept, out):
        return 0
    if out.program == "docker" and options.password is not None:
        out.error("WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
    given = _ask(options, kept, out)
    _check(options, registries, name, given)
    logins.store(where, _registry.key(name, out.program), given, os.environ)
    if options.verbose:
        out.line(f"Used: {where.path}")
    out.line("Login Succeeded!")
    return 0


def _still_good(options: LoginOptions, registries: Registries, name: str, kept: Credentials, out: Output) -> bool:
    """Whether the registry takes what is kept; where it does not and nobody can be asked, that is an error."""
    out.line(f"Authenticating with existing credentials for {name}")
    out.flush()
    try:
        _check(options, registries, name, kept)
    except ArgosyError as error:
        if not os.isatty(0):
            raise
        out.error(str(error))
        return False
    out.line(f"Existing credentials are valid. Already logged in to {name}")
    return True


def _ask(options: LoginOptions, kept: Credentials | None, out: Output) -> Credentials:
    """The credentials: of the flags, of standard input, or asked for at the terminal."""
    from argosy.config.auth import Credentials

    username = options.username
    if username is None:
        known = kept.username if kept is not None else ""
        out.write(f"Username ({known}): " if known else "Username: ")
        out.flush()
        line = sys.stdin.readline()
        if not line:
            raise ArgosyError("getting username and password: reading username: EOF", hint="see --username")
        username = line.strip() or known
    password = options.password
    if options.password_stdin:
        password = sys.stdin.read(_SECRET_LIMIT).rstrip("\r\n")
    elif password is None:
        if not os.isatty(0):
            what = "getting username and password: reading password: inappropriate ioctl for device"
            raise ArgosyError(what, hint="give it on standard input, with --password-stdin")
        import getpass

        password = getpass.getpass("Password: ")
    if not username or not password:
        raise ArgosyError("getting username and password: the username and the password must not be empty")
    return Credentials(username, password, origin="the command line")


def _check(options: LoginOptions, registries: Registries, name: str, credentials: Credentials) -> None:
    from argosy.registry import login
    from argosy.transports.access import RegistryOptions
    from argosy.transports.docker import open_session

    settings = RegistryOptions(cert_dir=options.cert_dir or "", tls_verify=options.tls_verify)
    session = open_session(name, credentials, registries=registries, environ=os.environ, options=settings)
    try:
        login.check(session)
    finally:
        session.close()


COMMAND = Command(
    path="login",
    summary="Login to a container registry",
    description=(
        "Asks the registry whether it takes the credentials, and keeps them in the credential file, or in the program "
        "that the file names for the registry. Without REGISTRY, the first unqualified-search registry of "
        "registries.conf is meant."
    ),
    usage="[REGISTRY]",
    options=LoginOptions,
    run=run,
    max_operands=1,
    flags=(
        Flag("authfile", kind="string", help="Path of the authentication file"),
        Flag("cert-dir", kind="string", help="Pathname of a directory containing TLS certificates and keys"),
        Flag("get-login", help="Return the current login user for the registry"),
        Flag("password", short="p", kind="string", help="Password for registry"),
        Flag("password-stdin", help="Take the password from stdin"),
        Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when contacting registries"),
        Flag("username", short="u", kind="string", help="Username for registry"),
        Flag("verbose", short="v", help="Write more detailed information to stdout"),
    ),
    examples=("argosy login quay.io", "argosy login -u me --password-stdin registry.example.com"),
)
