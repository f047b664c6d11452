"""Where the store and the run directory are.

The run directory that a store has recorded wins over the environment, so that a login shell and cron, which differ in
XDG_RUNTIME_DIR, see the same containers; only an explicit `run` beats it.
"""

from __future__ import annotations

import os
import stat

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

STORE_FILE = "store.json"
SYSTEM_STORAGE_FILES = ("/etc/containers/storage.conf", "/usr/share/containers/storage.conf")
_STORE_FILE_LIMIT = 1 << 20


class Locations(Value):
    """`root` survives a reboot, `run` does not.  `recorded` is the run directory that the store names, "" if none.

    `recorded` differs from `run` when the user asked for another one, or when the recorded one went away with the login
    session and cannot be made again; the store then writes `run` down.
    """

    root: str
    run: str
    recorded: str = ""


def resolve(root: str, run: str, *, uid: int, rootless: bool, environ: Mapping[str, str]) -> Locations:
    """The locations for --root `root` and --runroot `run` ("" where not given): else those of storage.conf.

    `uid` is the user's id outside any namespace of ours.  Nothing is created, but for the fallback in /tmp, which must
    be ours from its first moment.  Raises Invalid when a directory belongs to somebody else or others may write to it.
    """
    configured_root, configured_run = ("", "") if root else _configured(environ, uid, rootless=rootless)
    chosen_root = os.path.abspath(root or configured_root or _default_root(environ, rootless=rootless))
    recorded = _recorded_run(chosen_root)
    if run:
        chosen_run = os.path.abspath(run)
    elif recorded and _usable(recorded):
        chosen_run = recorded
    else:
        chosen_run = configured_run or _run_beside(chosen_root, uid, environ, rootless=rootless)
    _refuse_foreign(chosen_root)
    _refuse_foreign(chosen_run)
    return Locations(chosen_root, chosen_run, recorded)


def storage_conf(environ: Mapping[str, str], *, rootless: bool) -> str:
    """The one storage.conf that counts; "" where there is none."""
    given = environ.get("CONTAINERS_STORAGE_CONF", "")
    if given:
        if not os.path.exists(given):
            raise Invalid("CONTAINERS_STORAGE_CONF", given, "there is no such file")
        return given
    for place in storage_confs(environ, rootless=rootless):
        try:
            os.stat(place)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:  # a loop of links, a closed directory: who is to tell what it says?
            raise ArgosyError(f"cannot read {place}", details=str(error.strerror)) from error
        return place
    return ""


def storage_confs(environ: Mapping[str, str], *, rootless: bool) -> tuple[str, ...]:
    """Where a storage.conf may be, the one that counts before others first."""
    if not rootless:
        return SYSTEM_STORAGE_FILES
    return (os.path.join(configuration_home(environ), "containers/storage.conf"), *SYSTEM_STORAGE_FILES)


def configuration_home(environ: Mapping[str, str]) -> str:
    """XDG_CONFIG_HOME, or ~/.config."""
    given = environ.get("XDG_CONFIG_HOME", "")
    return given if os.path.isabs(given) else os.path.join(home_directory(environ), ".config")


def _configured(environ: Mapping[str, str], uid: int, *, rootless: bool) -> tuple[str, str]:
    """The store and the run directory that storage.conf asks for, "" for the usual ones."""
    if not storage_conf(environ, rootless=rootless):
        return "", ""
    from argosy.config import storage

    conf = storage.load(environ, uid=uid, rootless=rootless)
    return conf.root, conf.run


def _default_root(environ: Mapping[str, str], *, rootless: bool) -> str:
    if not rootless:
        return "/var/lib/argosy"
    data = environ.get("XDG_DATA_HOME", "")
    if not os.path.isabs(data):
        data = os.path.join(home_directory(environ), ".local/share")
    return os.path.join(data, "argosy")


def home_directory(environ: Mapping[str, str], uid: int | None = None) -> str:
    """The user's home directory: HOME, else the password database's, there by `uid` or our own."""
    home = environ.get("HOME", "")
    if os.path.isabs(home):
        return os.path.normpath(home)
    import pwd

    try:
        return pwd.getpwuid(os.getuid() if uid is None else uid).pw_dir
    except KeyError:
        raise ArgosyError("cannot tell the home directory", hint="set HOME to an absolute path") from None


def _recorded_run(root: str) -> str:
    """The run directory in the store's own file; "" when there is no store yet or its file is damaged (said later)."""
    try:
        with open(os.path.join(root, STORE_FILE), "rb", buffering=0) as file:
            data = jsontext.decode(file.read(_STORE_FILE_LIMIT))
    except (OSError, Invalid):
        return ""
    run = data.get("run", "") if isinstance(data, dict) else ""
    return run if isinstance(run, str) and os.path.isabs(run) else ""


def _usable(run: str) -> bool:
    """Whether the recorded run directory is there or can be made: not when its parent went with a login session, nor
    where somebody else was first in /tmp."""
    while not os.path.lexists(run):
        run = os.path.dirname(run)
    return os.path.isdir(run) and os.access(run, os.W_OK) and _is_of_ours_or_roots(run)


def _is_of_ours_or_roots(path: str) -> bool:
    """Whether what has this name, itself if it is a link, was made by us or root, whatever number root has here."""
    return os.lstat(path).st_uid in (os.geteuid(), os.stat("/").st_uid)


def default_run(uid: int, environ: Mapping[str, str], *, rootless: bool) -> str:
    if not rootless:
        return "/run/argosy"
    for base in (environ.get("XDG_RUNTIME_DIR", ""), f"/run/user/{uid}"):
        if os.path.isabs(base) and _is_ours(base):
            return os.path.join(base, "argosy")
    return _private_directory(f"/tmp/argosy-run-{uid}")


def _run_beside(root: str, uid: int, environ: Mapping[str, str], *, rootless: bool) -> str:
    """The run directory for a store that has recorded none: one of its own, since each store sweeps its own."""
    default = default_run(uid, environ, rootless=rootless)
    if root == _default_root(environ, rootless=rootless):
        return default
    import hashlib

    return os.path.join(default, "stores", hashlib.sha256(os.fsencode(root)).hexdigest()[:16])


def _is_ours(path: str) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _private_directory(path: str) -> str:
    """Make `path` for us alone, or accept the one that we made before; in /tmp anybody may have been first."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise ArgosyError(
            f"cannot make the run directory {path}",
            details=str(error.strerror),
            hint="set XDG_RUNTIME_DIR or use --runroot",
        ) from error
    if not _is_ours(path) or os.lstat(path).st_mode & 0o077:
        hint = "set XDG_RUNTIME_DIR to a directory of your own, or use --runroot"
        raise Invalid("run directory", path, "it must be a directory of yours with mode 0700", hint=hint)
    return path


def _refuse_foreign(path: str) -> None:
    """An existing directory must be ours and closed to writing by others.  What does not exist is made later, 0700."""
    if os.path.islink(path) and not _is_of_ours_or_roots(path):
        why = "it is a link that somebody else made"
        raise Invalid("directory", path, why, hint="name one of your own with --root or --runroot")
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ArgosyError(f"cannot use the directory {path}", details=str(error.strerror)) from error
    if not stat.S_ISDIR(found.st_mode):
        raise Invalid("directory", path, "it is not a directory", hint="name another one with --root or --runroot")
    if found.st_uid != os.geteuid():
        why = f"it belongs to uid {found.st_uid}, not to uid {os.geteuid()}"
        raise Invalid("directory", path, why, hint="name one of your own with --root or --runroot")
    if found.st_mode & 0o022:
        raise Invalid("directory", path, "others may write to it", hint=f"chmod go-w {path}")
