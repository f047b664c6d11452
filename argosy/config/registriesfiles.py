"""The slow part of `config.registries`: reading, checking and merging TOML.  Imported only when no cache serves."""

from __future__ import annotations

import os

from argosy.config import tomlfile
from argosy.config.registries import AUTH_FILES, Mirror, Namespace, Registries
from argosy.errors import Invalid, Unsupported
from argosy.oci import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_WHAT = "registries.conf"
_MODES = ("enforcing", "permissive", "disabled")
_MIRROR_USES = ("all", "digest-only", "tag-only")


def existing(places: tuple[str, ...]) -> list[str]:
    """The files to read, weakest first; drop-ins in the order of their names."""
    files: list[str] = []
    for place in places:
        if not place.endswith((".conf.d", "/")):
            files.extend([place] if os.path.exists(place) else [])
            continue
        try:
            names = sorted(name for name in os.listdir(place) if name.endswith(".conf"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise tomlfile.unreadable(place, error) from error
        files.extend(path for path in (os.path.join(place, name) for name in names) if not os.path.isdir(path))
    return files


def merged(origin: str, files: list[str], alias_file: str) -> Registries:
    """What the files say together: a setting replaces an earlier one, `[[registry]]` tables one of the same prefix.

    The file `alias_file` is written by programs and holds aliases only.
    """
    settings: dict[str, Any] = {}
    namespaces: dict[str, Namespace] = {}
    aliases: dict[str, str] = {}
    for path in files:
        file = _File(path, tomlfile.read(path, _WHAT))
        if path != alias_file:
            file.refuse_version_1()
            settings.update(file.settings())
            namespaces.update({namespace.prefix: namespace for namespace in file.namespaces()})
        for name, value in file.aliases().items():
            if value:
                aliases[name] = value
            else:
                aliases.pop(name, None)
    return Registries(origin=origin, namespaces=tuple(namespaces.values()), aliases=aliases, **settings)


class _File:
    """One file, as decoded; its methods check what they return."""

    def __init__(self, path: str, tables: dict[str, Any]) -> None:
        self.path = path
        self.tables = tables

    def fault(self, why: str, key: str = "") -> NoReturn:
        """Raise Invalid, with the line of `key` (see `tomlfile.fault`)."""
        raise Invalid(_WHAT, self.path, why + (tomlfile.at_line(self.path, key) if key else ""))

    def refuse_version_1(self) -> None:
        if "registries" in self.tables:
            raise Unsupported(
                f"{self.path} is in version 1 of the format",
                details="it has [registries.search], [registries.insecure] or [registries.block]",
                hint="write unqualified-search-registries = [...] for the first, and a [[registry]] table with "
                'location = "..." and insecure = true or blocked = true for each entry of the others',
            )

    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "unqualified-search-registries" in self.tables:
            names = self._strings("unqualified-search-registries")
            for name in names:
                self._check_place("unqualified-search-registries", name)
            found["search"] = tuple(name.rstrip("/") for name in names)
        if "credential-helpers" in self.tables:
            found["credential_helpers"] = self._strings("credential-helpers") or (AUTH_FILES,)
        mode = _text(self, "", self.tables, "short-name-mode").lower()
        if mode and mode not in _MODES:
            self.fault(f"short-name-mode is one of {', '.join(_MODES)}, not {mode!r}", "short-name-mode")
        if mode:
            found["short_name_mode"] = mode
        return found

    def aliases(self) -> dict[str, str]:
        table = self.tables.get("aliases", {})
        if not isinstance(table, dict):
            self.fault("aliases must be a table", "aliases")
        for name, value in table.items():
            if not isinstance(value, str):
                self.fault(f"the alias {name!r} must be a string", f"aliases.{name}")
            self._check_alias(name, value)
        return table

    def _check_alias(self, name: str, value: str) -> None:
        key = f"aliases.{name}"
        try:
            short = references.parse(name, default_registry="localhost", default_tag="")
            full = references.parse(value, default_tag="") if value else None
        except Invalid as error:
            self.fault(f"the alias {name!r}: {error}", key)
        if not references.is_short(name) or short.selector:
            self.fault(f"the alias {name!r} must be a name without registry, tag and digest", key)
        if full is not None and (references.is_short(value) or full.selector):
            self.fault(
                f"the alias {name!r} must stand for a name with a registry and without tag and digest: {value!r}",
                key,
            )

    def namespaces(self) -> list[Namespace]:
        found: dict[str, Namespace] = {}
        for number, table in enumerate(self._tables("", self.tables, "registry")):
            namespace = self._namespace(f"registry#{number}", table)
            earlier = found.get(namespace.prefix)
            if earlier is not None and earlier != namespace:
                self.fault(
                    f"two [[registry]] tables have the prefix {namespace.prefix!r} and differ", f"registry#{number}"
                )
            found[namespace.prefix] = namespace
        return list(found.values())

    def _namespace(self, where: str, table: dict[str, Any]) -> Namespace:
        location = self._place(where, table, "location")
        prefix = self._place(where, table, "prefix", wildcard=True) or location
        if not prefix:
            self.fault("a [[registry]] has neither prefix nor location", where)
        if not location and not prefix.startswith("*."):
            self.fault(f"the [[registry]] with the prefix {prefix!r} has no location", where)
        by_digest = _flag(self, where, table, "mirror-by-digest-only")
        mirrors = tuple(
            self._mirror(f"{where}.mirror#{number}", mirror, prefix, by_digest=by_digest)
            for number, mirror in enumerate(self._tables(where, table, "mirror"))
        )
        return Namespace(
            prefix=prefix,
            location=location,
            insecure=_flag(self, where, table, "insecure"),
            blocked=_flag(self, where, table, "blocked"),
            mirrors=mirrors,
            origin=self.path,
        )

    def _mirror(self, where: str, table: dict[str, Any], prefix: str, *, by_digest: bool) -> Mirror:
        location = self._place(where, table, "location")
        if not location:
            self.fault(f"a mirror of {prefix} has no location", where)
        use, key = _text(self, where, table, "pull-from-mirror"), f"{where}.pull-from-mirror"
        if use and use not in _MIRROR_USES:
            self.fault(f"pull-from-mirror is one of {', '.join(_MIRROR_USES)}, not {use!r}", key)
        if use and by_digest:
            why = f"pull-from-mirror (of {location}) and mirror-by-digest-only (of {prefix}) exclude each other"
            self.fault(why, key)
        use = use or ("digest-only" if by_digest else "all")
        return Mirror(location, _flag(self, where, table, "insecure"), use)

    def _place(self, where: str, table: dict[str, Any], key: str, *, wildcard: bool = False) -> str:
        """A `host[:port][/path]`, or `*.host` where a wildcard may stand; "" when it is not given."""
        text = _text(self, where, table, key).rstrip("/")
        if wildcard and text.startswith("*."):
            if not references.is_host(text[2:]) or ":" in text:
                shown = tomlfile.without_numbers(f"{where}.{key}")
                self.fault(
                    f"{shown}: a wildcard is written *.example.com, without port and path, not {text!r}",
                    f"{where}.{key}",
                )
            return text
        if text:
            self._check_place(f"{where}.{key}", text)
        return text

    def _check_place(self, key: str, text: str) -> None:
        shown = tomlfile.without_numbers(key)
        if "://" in text:
            scheme = text.partition("://")[0]
            self.fault(f"{shown} is written without {scheme}://, as host[:port][/path], not {text!r}", key)
        if not references.is_host(text.rstrip("/").partition("/")[0]):
            self.fault(f"{shown}: {text!r} does not begin with the host name of a registry", key)

    def _tables(self, where: str, table: dict[str, Any], key: str) -> list[dict[str, Any]]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            name = f"{where}.{key}" if where else key
            shown = tomlfile.without_numbers(name)
            self.fault(f"{shown} must be written as [[{shown}]]", name)
        return value

    def _strings(self, key: str) -> tuple[str, ...]:
        value = self.tables[key]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fault(f"{key} must be an array of strings", key)
        return tuple(value)


def _text(file: _File, where: str, table: dict[str, Any], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        name = f"{where}.{key}" if where else key
        file.fault(f"{tomlfile.without_numbers(name)} must be a string, not {value!r}", name)
    return value


def _flag(file: _File, where: str, table: dict[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        name = f"{where}.{key}"
        file.fault(f"{tomlfile.without_numbers(name)} must be true or false, not {value!r}", name)
    return value
