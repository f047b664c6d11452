"""registries.conf(5), version 2: where images come from, under which conditions, and what short names mean.

A reference that a user writes is logical: it names the image for good.  `endpoints` says which registries are asked for
it (mirrors first, then the place itself, rewritten by `location`); `candidates` says which references a short name may
mean.  `load` keeps the merged files as JSON in the run directory, since reading TOML takes longer than a whole `ps`.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.config.locations import configuration_home, home_directory
from argosy.errors import ArgosyError, Invalid
from argosy.oci import reference as references
from argosy.oci.reference import Reference
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SYSTEM_FILE = "/etc/containers/registries.conf"
AUTH_FILES = "containers-auth.json"
_NO_ALIASES: Mapping[str, str] = {}
_RACY_NS = 1_000_000_000


class Mirror(Value):
    """A `[[registry.mirror]]`.  `pull_from_mirror` is all, digest-only or tag-only."""

    location: str
    insecure: bool = False
    pull_from_mirror: str = "all"


class Namespace(Value):
    """A `[[registry]]`: the settings of the names that begin with `prefix`."""

    prefix: str
    location: str = ""
    insecure: bool = False
    blocked: bool = False
    mirrors: tuple[Mirror, ...] = ()
    origin: str = ""

    _nested = {"mirrors": Mirror}  # noqa: RUF012 -- constant


class Endpoint(Value):
    """One place to ask for an image.  `insecure` permits plain HTTP and certificates that cannot be verified."""

    reference: Reference
    insecure: bool = False
    mirror: bool = False


class Registries(Value):
    """The merged files.  `origin` is the main file, for messages; `home` the registry where short names are first."""

    origin: str = SYSTEM_FILE
    search: tuple[str, ...] = ()
    home: str = "localhost"
    short_name_mode: str = "permissive"
    credential_helpers: tuple[str, ...] = (AUTH_FILES,)
    namespaces: tuple[Namespace, ...] = ()
    aliases: Mapping[str, str] = _NO_ALIASES

    _nested = {"namespaces": Namespace}  # noqa: RUF012 -- constant

    def for_docker(self, search: tuple[str, ...]) -> Registries:
        """As docker has it: short names are looked up at `search` alone, credentials in its own file first."""
        from argosy.config.auth import DOCKER_FILE

        return self.replace(search=search, home=search[0], credential_helpers=(DOCKER_FILE, *self.credential_helpers))

    def candidates(self, text: str) -> tuple[Reference, ...]:
        """The references that `text` may mean, in the order in which they are tried; one for a full reference.

        Nobody is asked: in the mode "enforcing" an ambiguous short name is an error, as podman's without a terminal.
        """
        if not references.is_short(text):
            return (references.parse(text),)
        short = references.parse(text, default_registry="localhost", default_tag="")
        alias = self.aliases.get(short.repository)
        if alias:
            return (_qualified(alias, short),)
        if not self.search:
            raise ArgosyError(
                f'short-name "{text}" did not resolve to an alias and no unqualified-search registries are defined '
                f'in "{self.origin}"',
                hint=f"name the registry, as in {references.parse(text, default_tag='')}, or set "
                f'unqualified-search-registries = ["docker.io"] in {self.origin}',
            )
        if self.short_name_mode == "enforcing" and len(self.search) > 1:
            raise ArgosyError(
                f'short-name resolution is enforced and "{text}" may be at {" or ".join(self.search)}',
                hint="name the registry, or add an alias to registries.conf",
            )
        return tuple(_qualified(f"{registry}/{short.repository}", short) for registry in self.search)

    def endpoints(self, reference: Reference) -> tuple[Endpoint, ...]:
        """Where to ask for `reference`, best first, the place itself last.  Raises ArgosyError if it is blocked."""
        found = self.namespace(reference)
        if found is None:
            return (Endpoint(reference),)
        namespace, length = found
        if namespace.blocked:
            raise ArgosyError(
                f"registry {namespace.prefix} is blocked in {namespace.origin or self.origin}",
                details=f"{reference} cannot be pulled",
            )
        unusable = "tag-only" if reference.digest else "digest-only"
        places = [
            Endpoint(_moved(reference, length, mirror.location), mirror.insecure, mirror=True)
            for mirror in namespace.mirrors
            if mirror.pull_from_mirror != unusable
        ]
        own = _moved(reference, length, namespace.location) if namespace.location else reference
        return (*places, Endpoint(own, namespace.insecure))

    def namespace(self, reference: Reference) -> tuple[Namespace, int] | None:
        """The settings with the longest matching prefix, and how much of the reference they match."""
        name = str(reference)
        best: tuple[tuple[int, int], Namespace] | None = None
        for namespace in self.namespaces:
            length = _matched(namespace.prefix, name)
            rank = (length, len(namespace.prefix) if namespace.prefix.startswith("*.") else len(name))
            if length and (best is None or rank > best[0]):
                best = rank, namespace
        return None if best is None else (best[1], best[0][0])


def _qualified(name: str, short: Reference) -> Reference:
    """`name`, which has a registry, with the tag and digest of what the user wrote."""
    full = references.parse(name, default_tag="")
    return full.replace(tag=short.tag if short.tag or short.digest else "latest", digest=short.digest)


def _matched(prefix: str, name: str) -> int:
    """How many characters of the reference `name` the prefix matches; 0 when it does not match."""
    host_end = name.index("/")
    if prefix.startswith("*."):
        host = name[:host_end]
        host = host if host.endswith("]") else host.partition(":")[0]
        return len(host) if host.endswith(prefix[1:]) else 0
    if not name.startswith(prefix):
        return 0
    behind = name[len(prefix) : len(prefix) + 1]
    if "/" not in prefix:
        return len(prefix) if behind == "/" else 0
    return len(prefix) if behind in ("", "/", ":", "@") else 0


def _moved(reference: Reference, length: int, location: str) -> Reference:
    """`reference` with its first `length` characters replaced by `location`."""
    text = location + str(reference)[length:]
    try:
        return references.parse(text, default_tag="")
    except Invalid as error:
        raise Invalid("location in registries.conf", location, f"{reference} becomes {text!r}: {error.why}") from error


def load(environ: Mapping[str, str], *, rootless: bool, run: str = "") -> Registries:
    """The merged configuration, with the aliases that short names were given on this machine.

    `run` is the run directory, whose `cache/` keeps the parsed form ("" keeps nothing).  Raises Invalid that names the
    file and the key, or the line.
    """
    places = sources(environ, rootless=rootless)
    cache = os.path.join(run, "cache", "registries.conf.json") if run else ""
    found = _kept(cache, places) if cache else None
    if found is None:
        from argosy.config import registriesfiles

        files = registriesfiles.existing(places)
        stamps = [_stamp(path) for path in (*places, *files)]
        found = registriesfiles.merged(places[0], files, alias_file(environ, rootless=rootless))
        if cache:
            _keep(cache, places, stamps, found)
    return found


def sources(environ: Mapping[str, str], *, rootless: bool) -> tuple[str, ...]:
    """The main file, then the drop-in directories and the file of recorded aliases, the strongest last.

    A main file of the user's own leaves out the system's drop-ins, one named by CONTAINERS_REGISTRIES_CONF does not.
    ARGOSY_REGISTRIES_CONF_DIR (--registries-conf-dir) takes the place of all drop-in directories.
    """
    user_file = os.path.join(configuration_home(environ), "containers", "registries.conf")
    given = environ.get("CONTAINERS_REGISTRIES_CONF", "")
    if given and not os.path.exists(given):
        raise Invalid(
            "CONTAINERS_REGISTRIES_CONF", given, "there is no such file", hint="correct or unset the variable"
        )
    drop_ins = [f"{SYSTEM_FILE}.d", f"{user_file}.d"]
    directory = environ.get("ARGOSY_REGISTRIES_CONF_DIR", "")
    if given:
        main = os.path.abspath(given)
    elif os.path.exists(user_file):
        main = user_file
        del drop_ins[0]
    else:
        main = SYSTEM_FILE
    drop_ins = [os.path.join(directory, "")] if directory else drop_ins
    return (main, *drop_ins, alias_file(environ, rootless=rootless))


def alias_file(environ: Mapping[str, str], *, rootless: bool) -> str:
    """Where the peers record what a short name turned out to mean; --short-name-alias-conf names another place."""
    named = environ.get("ARGOSY_SHORT_NAME_ALIAS_CONF", "")
    if named:
        return named
    if not rootless:
        return "/var/cache/containers/short-name-aliases.conf"
    given = environ.get("XDG_CACHE_HOME", "")
    cache = given if os.path.isabs(given) else os.path.join(home_directory(environ), ".cache")
    return os.path.join(cache, "containers/short-name-aliases.conf")


def _stamp(path: str) -> list[Any]:
    """What changes when the file or directory does; zeroes where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return [path, 0, 0, 0, 0]
    return [path, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size]


def _shape() -> str:
    """The fields that this version keeps: what another version kept may lack some."""
    return " ".join((*Registries.__annotations__, *Namespace.__annotations__, *Mirror.__annotations__))


def _kept(cache: str, places: tuple[str, ...]) -> Registries | None:
    """The kept configuration, when no file that took part in it has changed, come or gone."""
    try:
        with open(cache, "rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid() or found.st_mode & 0o022:
                return None
            kept = jsontext.decode(file.readall())
        if kept["shape"] != _shape() or kept["places"] != list(places):
            return None
        if any(_stamp(stamp[0]) != stamp for stamp in kept["stamps"]):
            return None
        return Registries.from_json(kept["registries"])
    except (OSError, Invalid, KeyError, TypeError, IndexError):
        return None


def _keep(cache: str, places: tuple[str, ...], stamps: list[list[Any]], registries: Registries) -> None:
    """Write the cache.  A file of this very second may change again unseen."""
    import time

    from argosy.linux import files

    now = time.time_ns()
    if any(abs(now - stamp[2]) < _RACY_NS for stamp in stamps):
        return
    text = {"shape": _shape(), "places": list(places), "stamps": stamps, "registries": registries.to_json()}
    directory = os.path.dirname(cache)
    try:
        files.make_directories(directory)
        files.write_atomic(cache, jsontext.encode(text))
    except OSError:
        pass  # the next command parses the files again
