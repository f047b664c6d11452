"""Running a program on another host through ssh(1), whose own configuration, keys, agent and prompts are used."""

from __future__ import annotations

from argosy.errors import Invalid, Unsupported
from argosy.linux import process
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Destination(Value):
    """A host.  `user` is "" for whom ssh chooses, `port` 0 for what it chooses; `path`: of a service's socket."""

    host: str
    user: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ssh://{self.user}{'@' if self.user else ''}{host}{f':{self.port}' if self.port else ''}{self.path}"


def parse(text: str, whole: str = "") -> Destination:
    """`[ssh://][USER@]HOST[:PORT][/PATH]`.

    Raises Invalid, or Unsupported for a URL of another kind; both name `whole`, which is `text` where it is not given.
    """
    from urllib.parse import urlsplit

    whole = whole or text
    if not text.isprintable():  # urlsplit leaves line breaks out
        raise Invalid("argument", whole, "a host is written [USER@]HOST[:PORT]")
    try:
        parts = urlsplit(text if "://" in text else f"ssh://{text}")
        port = parts.port or 0
    except ValueError:
        raise Invalid("argument", whole, "the port is not a number between 1 and 65535") from None
    host, user = parts.hostname or "", parts.username or ""
    if parts.scheme != "ssh":
        raise Unsupported(f"{whole}: other hosts are reached over ssh:// only, not over {parts.scheme}://")
    if not host or any(word.startswith("-") or not word.isprintable() or " " in word for word in (host, user)):
        raise Invalid("argument", whole, "a host is written [USER@]HOST[:PORT]")
    if parts.password is not None:
        raise Invalid("argument", f"ssh://{user}:***@{host}", "ssh takes no password in a URL")
    return Destination(host, user, port, parts.path)


def command(
    destination: Destination,
    words: Sequence[str],
    *,
    config: str = "",
    identity: str = "",
    terminal: bool = False,
) -> list[str]:
    """The argument vector that runs the program and arguments `words` there.

    `config` is a file in place of the user's own ssh_config(5), `identity` one with a private key; with `terminal` the
    program gets one there.
    """
    target = f"{destination.user}@{destination.host}" if destination.user else destination.host
    port = ["-p", str(destination.port)] if destination.port else []
    files = [*(["-F", config] if config else []), *(["-i", identity] if identity else [])]
    return ["ssh", "-t" if terminal else "-T", *files, *port, "--", target, process.quoted(words)]
