"""One package of an image."""

from __future__ import annotations

from urllib.parse import quote

from argosy.values import Value

KINDS = ("deb", "apk", "rpm", "pypi", "npm")


class Package(Value):
    """`kind` is that of package URLs; `namespace` the distribution, or an npm scope; `place` the file that says so."""

    kind: str
    name: str
    version: str
    place: str
    namespace: str = ""
    architecture: str = ""
    license: str = ""
    supplier: str = ""
    distribution: str = ""

    @property
    def purl(self) -> str:
        """Its package URL (package-url/purl-spec)."""
        name = self.name.lower().replace("_", "-") if self.kind == "pypi" else self.name
        parts = [self.kind, *([self.namespace] if self.namespace else []), name]
        path = "/".join(quote(part, safe="") for part in parts)
        qualifiers = {"arch": self.architecture, "distro": self.distribution}
        shown = "&".join(f"{key}={quote(value, safe='')}" for key, value in qualifiers.items() if value)
        version = f"@{quote(self.version, safe='')}" if self.version else ""
        return f"pkg:{path}{version}{'?' + shown if shown else ''}"


def fields(text: str) -> dict[str, str]:
    """A paragraph of `Name: value` lines (deb822, RFC 822); what a line continues is left out, the first one counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line[:1].isspace():
            continue
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.lower(), value.strip())
    return found
