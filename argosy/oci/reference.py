"""Image references: `[registry[:port]/]repository[:tag][@digest]`, by the grammar of the distribution project.

A reference in its full form always has a registry.  Which registry a short name means is configuration
(`config.registries`); here the caller names it, and docker.io has the rule that a name of one part is in `library/`.
"""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.oci import digest as digests
from argosy.values import Value

DOCKER_HUB = "docker.io"
_DOCKER_HUB_NAMES = ("docker.io", "index.docker.io")
_NAME_LIMIT = 255
_TAG_LIMIT = 128
_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz")
_DIGITS = frozenset("0123456789")
_UPPER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_COMPONENT = _LOWER | _DIGITS
_COMPONENT_ALL = _COMPONENT | frozenset("._-")
_HOST = _COMPONENT | _UPPER | frozenset("-")
_TAG_FIRST = _COMPONENT | _UPPER | frozenset("_")
_TAG_ALL = _TAG_FIRST | frozenset(".-")
_ADDRESS = _DIGITS | frozenset("abcdefABCDEF:.")


class Reference(Value):
    """One image or one repository at one registry.  `tag` and `digest` are "" where there is none."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Registry and repository: what the configuration files and `repo digests` go by."""
        return f"{self.registry}/{self.repository}"

    @property
    def selector(self) -> str:
        """What a registry is asked for: the digest where there is one, else the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str, *, default_registry: str = DOCKER_HUB, default_tag: str = "latest") -> Reference:
    """The reference that `text` means where short names belong to `default_registry`.

    Without tag and digest it gets `default_tag` ("" leaves it as a repository).  Raises Invalid in the peers' words.
    """
    name, tag, digest = _split(text)
    registry, repository = _split_registry(name)
    if not registry:
        if len(repository) == 64 and digests.is_hex(repository):
            raise Invalid("reference format", text, "64 hexadecimal digits are an image id, not a repository name")
        registry = default_registry
    elif registry in _DOCKER_HUB_NAMES:
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    _check_registry(text, registry)
    check_repository(repository, text)
    if len(registry) + 1 + len(repository) > _NAME_LIMIT:
        raise Invalid("reference format", text, f"repository name must not be more than {_NAME_LIMIT} characters")
    if tag:
        check_tag(tag, text)
    if digest:
        digest = digests.parse(digest, "digest in the reference")
    elif not tag:
        tag = default_tag
    return Reference(registry, repository, tag, digest)


def is_short(text: str) -> bool:
    """Whether `text` names no registry, so that registries.conf decides where it comes from."""
    return not _split_registry(text.partition("@")[0])[0]


def check_tag(tag: str, text: str = "") -> str:
    """`tag` if it is a valid one; Invalid (which shows `text`, the whole that it was part of) otherwise."""
    if not tag or len(tag) > _TAG_LIMIT or tag[0] not in _TAG_FIRST or not _TAG_ALL.issuperset(tag):
        raise Invalid(
            "reference format",
            text or tag,
            f"a tag is up to {_TAG_LIMIT} letters, digits, '_', '.' and '-', and does not begin with '.' or '-'",
        )
    return tag


def is_registry(text: str) -> bool:
    """Whether the first part of a name is a registry: it has a dot or a port, or is `localhost`."""
    return "." in text or ":" in text or text == "localhost"


def is_host(text: str) -> bool:
    """Whether `text` is `host[:port]` in the grammar of registries: a name, an IPv4 address or `[IPv6]`."""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not (bracket and host and _ADDRESS.issuperset(host)):
            return False
        return not port or (port[0] == ":" and _is_port(port[1:]))
    host, colon, port = text.partition(":")
    if colon and not _is_port(port):
        return False
    return all(part and _HOST.issuperset(part) and part[0] != "-" and part[-1] != "-" for part in host.split("."))


def _is_port(text: str) -> bool:
    return bool(text) and _DIGITS.issuperset(text) and len(text) <= 5 and 0 < int(text) < 65536


def _split(text: str) -> tuple[str, str, str]:
    """Name, tag and digest as written."""
    if not text:
        raise Invalid("reference format", text, "the reference is empty")
    rest, at, digest = text.partition("@")
    if at and not digest:
        raise Invalid("reference format", text, "nothing follows the '@'")
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    if colon < 0:
        return rest, "", digest
    if colon == len(rest) - 1:
        raise Invalid("reference format", text, "nothing follows the ':'")
    return rest[:colon], rest[colon + 1 :], digest


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and is_registry(first):
        return first, rest
    return "", name


def _check_registry(text: str, registry: str) -> None:
    if not is_host(registry):
        raise Invalid("reference format", text, f"{registry!r} is not the host name of a registry")


def check_repository(repository: str, text: str = "") -> None:
    """Raises Invalid (which shows `text`, the whole that it was part of) unless `repository` is the name of one."""
    text = text or repository
    if repository != repository.lower():
        raise Invalid("reference format", text, "repository name must be lowercase")
    if len(repository) > _NAME_LIMIT:
        raise Invalid("reference format", text, f"repository name must not be more than {_NAME_LIMIT} characters")
    for component in repository.split("/"):
        why = _component_fault(component)
        if why:
            raise Invalid("reference format", text, why)


def _component_fault(component: str) -> str:
    """What is wrong with one part of a repository name; "" when nothing is."""
    if not component:
        return "a part of the repository name is empty"
    if not _COMPONENT_ALL.issuperset(component):
        return "a repository name is made of lower-case letters, digits, '.', '_', '-' and '/'"
    if component[0] not in _COMPONENT or component[-1] not in _COMPONENT:
        return "each part of a repository name begins and ends with a letter or a digit"
    separator = ""
    for character in component:
        if character in _COMPONENT:
            if separator not in (".", "_", "__") and separator.strip("-"):
                return f"the separator {separator!r} in the repository name is none of '.', '_', '__' and '-'"
            separator = ""
        else:
            separator += character
    return ""
