"""Authentication with a registry: Basic, and Bearer tokens (distribution specification, "token authentication").

The registry is first asked without credentials; its challenge says which way to go.  A token server is trusted with the
credentials because the registry, known by its certificate, named it; for that reason its URL must be HTTPS unless the
registry is configured insecure.  Tokens are cached in memory for as long as they live.
"""

from __future__ import annotations

import binascii
import threading
import time

from argosy import jsontext
from argosy.config.auth import Credentials
from argosy.errors import Invalid, shown
from argosy.registry import challenge, faults
from argosy.registry.faults import RegistryError, Unauthorized, Untrue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.registry.challenge import Challenge
    from argosy.registry.http import Answer, Http

_TOKEN_BODY_LIMIT = 1 << 20
_TOKEN_LIMIT = 64 << 10
_LIFE_DEFAULT_S = 60.0
_LIFE_LONGEST_S = 86400.0
_MARGIN_S = 5.0
_CLIENT_ID = "argosy"


class Authorizer:
    """Knows how one registry wants to be spoken to.  Safe to use from several threads: a token is fetched once."""

    def __init__(self, http: Http, host: str, credentials: Credentials | None) -> None:
        self._http = http
        self._host = host
        self._credentials = credentials
        self._chosen: Challenge | None = None
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def headers(self, scope: str) -> dict[str, str]:
        """The secret headers for a request of this scope; fetches a token when one is needed and none lives."""
        if self._credentials is not None and self._credentials.bearer_token:
            return {"Authorization": f"Bearer {self._credentials.bearer_token}"}
        with self._lock:
            if self._chosen is None:
                return {}
            if self._chosen.scheme == "basic":
                return self._basic()
            token, ends = self._tokens.get(scope, ("", 0.0))
            if time.monotonic() >= ends:
                token, life_s = self._fetch(self._chosen, scope)
                self._tokens[scope] = token, time.monotonic() + life_s
            return {"Authorization": f"Bearer {token}"}

    def learn(self, answer: Answer, scope: str, sent: dict[str, str], what: str) -> None:
        """Take in a refusal (401).  Returns when another try with `headers` makes sense, else raises Unauthorized.

        Reads the answer's body.
        """
        offered = challenge.parse(answer.headers("WWW-Authenticate"))
        body = answer.body(_TOKEN_BODY_LIMIT, what)
        refusal = faults.refusal(what, self._host, 401, body, answer.header("Content-Type"), 0.0)
        with self._lock:
            chosen = self._choose(offered)
            if chosen is None:
                raise refusal
            self._chosen = chosen
            if chosen.scheme == "basic":
                if sent or not self._basic():
                    raise self._wrong(refusal)
                return
            token = sent.get("Authorization", "").removeprefix("Bearer ")
            if self._tokens.get(scope, ("", 0.0))[0] == token:
                self._tokens.pop(scope, None)

    def _choose(self, offered: tuple[Challenge, ...]) -> Challenge | None:
        """Bearer before Basic, as every peer does."""
        for scheme in ("bearer", "basic"):
            for one in offered:
                if one.scheme == scheme and (scheme == "basic" or one.parameters.get("realm")):
                    return one
        return None

    def _wrong(self, refusal: RegistryError) -> RegistryError:
        """`refusal`, which says so when it was credentials of ours that were refused."""
        if self._credentials is None or not isinstance(refusal, Unauthorized):
            return refusal
        return wrong_credentials(self._host, self._credentials, refusal.said)

    def _basic(self) -> dict[str, str]:
        credentials = self._credentials
        return {} if credentials is None or not credentials.username else _basic_header(credentials)

    def _fetch(self, chosen: Challenge, scope: str) -> tuple[str, float]:
        """A new token and its life in seconds."""
        realm = self._check_realm(chosen.parameters["realm"])
        fields = {"service": chosen.parameters.get("service", ""), "scope": scope}
        fields = {name: value for name, value in fields.items() if value}
        what = f"getting a token for {self._host}"
        with self._ask(realm, fields) as answer:
            body = answer.body(_TOKEN_BODY_LIMIT, what)
            if answer.status == 200:
                return _token(body, str(answer.origin))
            media_type = answer.header("Content-Type")
            refusal = faults.refusal(what, self._host, answer.status, body, media_type, answer.retry_after_s())
        raise self._wrong(refusal)

    def _ask(self, realm: str, fields: dict[str, str]) -> Answer:
        """Ask the token server: with the identity token by POST (OAuth2), else by GET."""
        credentials = self._credentials
        if credentials is not None and credentials.identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": credentials.identity_token, "client_id": _CLIENT_ID}
            return self._http.request(
                realm,
                {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"},
                method="POST",
                body=_form({**form, **fields}).encode,
                body_is_secret=True,
            )
        secrets = self._basic()
        if credentials is not None and secrets:
            fields = {**fields, "account": credentials.username}
        separator = "&" if "?" in realm else "?"
        url = f"{realm}{separator}{_urlencoded(fields)}" if fields else realm
        return self._http.request(url, {"Accept": "application/json"}, secrets=secrets)

    def _check_realm(self, realm: str) -> str:
        scheme = realm.partition("://")[0].lower()
        if scheme == "https" or (scheme == "http" and self._http.connection.insecure):
            return realm
        raise Untrue(
            f"the registry {self._host} names the token server {shown(realm)}, which is not HTTPS",
            details="credentials and tokens are not sent there",
            hint="tell its operator, or configure the registry as insecure if it is one of your own",
        )


def wrong_credentials(host: str, credentials: Credentials, said: str) -> Unauthorized:
    """The error for credentials that a registry or its token server does not accept."""
    who = f"for user {shown(credentials.username)} " if credentials.username else ""
    source = f"(from {credentials.origin}) " if credentials.origin else ""
    what = f"unable to retrieve auth token: invalid username/password: the credentials {who}{source}"
    return Unauthorized(
        f"{what}were refused by {host}", host, 401, said or "unauthorized", hint=faults.login_hint(host)
    )


def _basic_header(credentials: Credentials) -> dict[str, str]:
    pair = f"{credentials.username}:{credentials.password}"
    return {"Authorization": f"Basic {binascii.b2a_base64(pair.encode(), newline=False).decode()}"}


def _urlencoded(fields: dict[str, str]) -> str:
    """A query; each of several scopes is a parameter of its own, as all token servers take them."""
    from urllib.parse import urlencode

    pairs = [
        (key, part) for key, value in fields.items() for part in (value.split(" ") if key == "scope" else (value,))
    ]
    return urlencode(pairs)


def _form(fields: dict[str, str]) -> str:
    from urllib.parse import urlencode

    return urlencode(fields)


def _token(body: bytes, server: str) -> tuple[str, float]:
    """The token in a token server's answer, and its life; 60 s where it does not say."""
    try:
        value = jsontext.decode(body)
    except Invalid:
        value = None
    if not isinstance(value, dict):
        raise Untrue(f"the token server {server} did not answer with a JSON object")
    token = value.get("token") or value.get("access_token")
    if not isinstance(token, str) or not token or len(token) > _TOKEN_LIMIT or not _is_header_text(token):
        raise Untrue(f"the token server {server} answered without a usable token")
    life = value.get("expires_in")
    life_s = float(life) if isinstance(life, (int, float)) and 0 < life < _LIFE_LONGEST_S else _LIFE_DEFAULT_S
    return token, max(life_s - _MARGIN_S, life_s / 2)


def _is_header_text(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
