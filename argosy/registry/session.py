"""A conversation with one registry: its scheme, authentication and repeated tries around each request."""

from __future__ import annotations

import threading

from argosy.config.auth import Credentials
from argosy.errors import shown
from argosy.oci.reference import DOCKER_HUB
from argosy.registry import faults, ratelimit
from argosy.registry.auth import Authorizer, wrong_credentials
from argosy.registry.faults import RegistryError, Stalled, Unauthorized, Unreachable, Untrue
from argosy.registry.http import Answer, Connection, Http
from argosy.registry.retry import Backoff, Retry
from argosy.registry.urls import join, origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from argosy.registry.streams import Body

_DOCKER_HUB_HOST = "registry-1.docker.io"
_ERROR_BODY_LIMIT = 64 << 10
_LOGINS = 3
_TOO_MANY = 429
_BAD_REQUEST = 400


class Session:
    """Requests to the registry `name` (host[:port]); safe to use from several threads.

    `notice` is told about each repeated try, in one line.
    """

    def __init__(
        self,
        name: str,
        *,
        connection: Connection = Connection(),  # noqa: B008 -- frozen
        credentials: Credentials | None = None,
        backoff: Backoff = Backoff(),  # noqa: B008 -- frozen
        notice: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self.host = _DOCKER_HUB_HOST if name == DOCKER_HUB else name
        self._backoff = backoff
        self._notice = notice
        self._credentials = credentials
        self._http = Http(self.host, connection)
        self._auth = Authorizer(self._http, name, credentials)
        self._base = "" if connection.insecure else f"https://{self.host}"
        self._lock = threading.Lock()
        self._told_limit = False

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()

    @property
    def is_near(self) -> bool:
        """Whether the registry was found at an address that only this host, or its link, can reach."""
        return bool(self._http.near)

    def retry(self) -> Retry:
        """A fresh count of tries."""
        return Retry(self._backoff, self._notice)

    def transfer_retry(self) -> Retry:
        """The same for a transfer that can go on where it broke off."""
        retries = max(self._backoff.retries, self._backoff.transfers)
        return Retry(self._backoff.replace(retries=retries), self._notice)

    def base(self) -> str:
        """Scheme and host.  An insecure registry is first asked with TLS, then without."""
        with self._lock:
            if not self._base:
                self._base = self._probe()
            return self._base

    def _probe(self) -> str:
        secure = f"https://{self.host}"
        if _is_loopback(self.host) and self._speaks_plain():
            return f"http://{self.host}"
        try:
            self._http.request(f"{secure}/v2/", {}).drain()
        except (Unreachable, Stalled) as error:
            plain = f"http://{self.host}"
            try:
                self._http.request(f"{plain}/v2/", {}).drain()
            except RegistryError:
                if isinstance(error, Unreachable) and error.plain:
                    raise
                raise error from None
            return plain
        return secure

    def _speaks_plain(self) -> bool:
        """Whether the registry on this very host, where nobody listens on the way, speaks plain HTTP.

        That is asked first since it spares a local registry without TLS the import of `ssl`.  A server that expects
        TLS answers with 400 or hangs up.  Raises Stalled for one that does neither.
        """
        try:
            with self._http.request(f"http://{self.host}/v2/", {}) as answer:
                answer.drain()
                return answer.status != _BAD_REQUEST and answer.origin.scheme == "http"
        except Stalled:
            raise
        except RegistryError:
            return False

    def resolve(self, target: str) -> str:
        """The URL of a path, or of a link that the registry gave; Untrue if that leads to another host."""
        url = join(f"{self.base()}/", target)
        if origin_of(url) != origin_of(self.base()):
            raise Untrue(f"the registry {self.name} sends us on to another host", details=shown(url))
        return url

    def get(
        self,
        target: str,
        what: str,
        *,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        ok: tuple[int, ...] = (200,),
    ) -> Answer:
        """The answer to GET `target` (a path, or a link), with one of the statuses `ok`.

        `what` names the work for errors, as in "reading manifest latest in quay.io/a/b".  Transient failures are
        repeated.  Raises RegistryError.
        """
        retry = self.retry()
        while True:
            try:
                return self.send("GET", self.resolve(target), what, scope=scope, headers=headers, ok=ok)
            except RegistryError as fault:
                retry.pause(fault)

    def send(
        self,
        method: str,
        url: str,
        what: str,
        *,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        ok: tuple[int, ...] = (200,),
        body: Body | None = None,
    ) -> Answer:
        """The answer to one request, logged in where the registry asks for that; not repeated after failures.

        An upload may lead to another host (`url` is absolute): that one gets no credentials.  Raises RegistryError.
        """
        home = origin_of(url) == origin_of(self.base())
        for _ in range(_LOGINS):
            secrets = self._auth.headers(scope) if home else {}
            answer = self._http.request(url, headers or {}, secrets=secrets, method=method, body=body)
            if answer.status in ok:
                self._watch_limit(answer)
                return answer
            with answer:
                if answer.status != 401 or not home or answer.origin != origin_of(url):
                    raise self._refusal(answer, what)
                self._auth.learn(answer, scope, secrets, what)
        if self._credentials is not None:
            raise wrong_credentials(self.name, self._credentials, "")
        said = "unauthorized: authentication required"
        raise Unauthorized(what, self.name, 401, said, hint=faults.login_hint(self.name))

    def _refusal(self, answer: Answer, what: str) -> RegistryError:
        body = b""
        try:
            body = answer.body(_ERROR_BODY_LIMIT, what, time_s=30.0)
        except RegistryError:
            pass  # the status says enough
        media_type = answer.header("Content-Type").lower()
        host = self.name if answer.origin.host == origin_of(self.base()).host else str(answer.origin)
        fault = faults.refusal(what, host, answer.status, body, media_type, answer.retry_after_s())
        limit = str(ratelimit.read(answer.header))
        if limit and answer.status == _TOO_MANY:
            fault.hint = f"the registry allows {limit}: {fault.hint}"
        return fault

    def _watch_limit(self, answer: Answer) -> None:
        """Tell, once, when the registry says that few requests are left."""
        if self._notice is None or self._told_limit or not answer.header("RateLimit-Remaining"):
            return
        limit = ratelimit.read(answer.header)
        if limit.is_short:
            self._told_limit = True
            self._notice(f"the registry {self.name} allows {limit}")


def _is_loopback(host: str) -> bool:
    """Whether this is a port of this host by its address, or `localhost`: a port speaks one protocol."""
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdecimal():
        return False
    return name in ("localhost", "[::1]") or (name.startswith("127.") and name.replace(".", "").isdecimal())
