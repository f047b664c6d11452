"""What can go wrong with a registry, in its own words and ours.

Everything that a registry says is foreign text: it is cut to a few lines and its control characters are escaped before
it becomes part of a message.
"""

from __future__ import annotations

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TEXT_LIMIT = 300
_ERRORS_SHOWN = 5


class RegistryError(ArgosyError):
    """A request that a registry did not fulfil.

    `transient`: the same request may succeed when it is repeated; `retry_after_s` is how long the registry wants to be
    left alone, `retries` how often at most it is worth repeating (None: as often as configured).
    """

    transient = False
    retries: int | None = None
    retry_after_s = 0.0


class Unreachable(RegistryError):
    """No connection, or one that broke.  `plain`: there is a server, but what it speaks is not TLS."""

    def __init__(self, host: str, why: str, *, hint: str = "", transient: bool = True, plain: bool = False) -> None:
        super().__init__(f"cannot reach the registry {host}", details=why, hint=hint)
        self.host = host
        self.transient = transient
        self.plain = plain


class Stalled(RegistryError):
    """The registry keeps the connection open and sends nothing."""

    transient = True
    retries = 1

    def __init__(self, host: str, timeout_s: float) -> None:
        super().__init__(
            f"the registry {host} does not answer",
            details=f"nothing came for {timeout_s:g} s",
            hint="try again later, or check the network and the proxy settings",
        )


class Refused(RegistryError):
    """An answer with an HTTP status that means no."""

    def __init__(self, what: str, host: str, status: int, said: str, *, hint: str = "") -> None:
        super().__init__(f"{what}: {said or status_text(status)}", hint=hint)
        self.host = host
        self.status = status
        self.said = said


class Unauthorized(Refused):
    """Credentials are missing or wrong, or do not suffice for this repository."""


class Unknown(Refused):
    """The registry does not have what was asked for."""


class Busy(Refused):
    """Too many requests, or a failure on the registry's side: worth another try."""

    transient = True

    def __init__(self, what: str, host: str, status: int, said: str, *, retry_after_s: float = 0.0) -> None:
        hint = "the registry limits the rate: log in, or try again later" if status == 429 else "try again later"
        super().__init__(what, host, status, f"{said} ({status_text(status)})" if said else "", hint=hint)
        self.retry_after_s = retry_after_s


class Untrue(RegistryError):
    """The registry's answer contradicts itself, what was asked, or the specification."""


class Private(RegistryError):
    """A host at a private address, named by somebody who may not lead us there."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is at a private address")


class TooLarge(Untrue):
    """An answer that is longer than such answers may be."""

    def __init__(self, what: str, host: str, limit_bytes: int) -> None:
        size = f"{limit_bytes >> 20} MiB" if limit_bytes >= 1 << 20 else f"{limit_bytes >> 10} KiB"
        super().__init__(f"{what}: the answer of {host} is longer than {size}")


def refusal(what: str, host: str, status: int, body: bytes, media_type: str, retry_after_s: float) -> RegistryError:
    """The error for an answer with this status; `what` is what was being done: "reading manifest latest in x/y"."""
    said = message(body, media_type)
    if status in (401, 403):
        if status == 401 and not said:
            said = "unauthorized: authentication required"
        return Unauthorized(what, host, status, said, hint=login_hint(host))
    if status == 404:
        return Unknown(what, host, status, said)
    if status in (408, 425, 429, 500, 502, 503, 504):
        return Busy(what, host, status, said, retry_after_s=retry_after_s)
    return Refused(what, host, status, f"{said} ({status_text(status)})" if said else "")


def login_hint(host: str) -> str:
    """What to do about credentials."""
    return f"log in with `argosy login {host}`"


def status_text(status: int) -> str:
    """The status with its usual phrase."""
    import http

    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP status {status}"


def message(body: bytes, media_type: str) -> str:
    """What an error body says, on one line: the registry's errors, else its text; a web page is only named."""
    text = body.decode(errors="replace").strip()
    if not text:
        return ""
    if "html" in media_type or text[:200].lstrip().lower().startswith(("<!doctype", "<html", "<head")):
        title = _between(text, "<title>", "</title>")
        return f"the answer is a web page{f' titled {shown(title, 80)}' if title else ''}, not a registry's"
    try:
        value = jsontext.decode(text)
    except Invalid:
        return _clean(text)
    return _clean(_errors(value)) if isinstance(value, dict) else _clean(text)


def _errors(value: dict[str, Any]) -> str:
    """The errors as the distribution specification has them, or the few words that token servers use."""
    errors = value.get("errors")
    if isinstance(errors, list) and errors:
        return "; ".join(_error(error) for error in errors[:_ERRORS_SHOWN])
    for key in ("details", "message", "error_description", "error"):
        if isinstance(value.get(key), str) and value[key]:
            return str(value[key])
    return ""


def _error(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    code = str(error.get("code") or "").lower().replace("_", " ")
    text = str(error.get("message") or "")
    if not text or code in text.lower():
        return text or code
    return f"{code}: {text}" if code else text


def _clean(text: str) -> str:
    return shown(" ".join(text.split()), _TEXT_LIMIT)[1:-1]


def _between(text: str, start: str, end: str) -> str:
    lower = text.lower()
    begin = lower.find(start)
    stop = lower.find(end, begin)
    return " ".join(text[begin + len(start) : stop].split()) if 0 <= begin < stop else ""
