"""From a request to an answer: which part of the API it is for, and how its failures are told."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING

from argosy.errors import ArgosyError, Invalid, escaped
from argosy.oci import reference
from argosy.services.http.messages import Response
from argosy.services.registry import routes
from argosy.services.registry.blobs import Blobs
from argosy.services.registry.faults import API_HEADERS, JSON, Fault
from argosy.services.registry.listings import Listings
from argosy.services.registry.manifests import Manifests
from argosy.services.registry.uploading import Uploading
from argosy.storage.repositories import Repositories
from argosy.storage.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from argosy.services.http.messages import Request
    from argosy.services.registry.routes import Route
    from argosy.storage.store import Store

    Answer = Callable[[Request, Route], Awaitable[Response]]

_FULL = (errno.ENOSPC, errno.EDQUOT)


class RegistryApp:
    """The registry over one store.  `notice` is told what no client is to blame for."""

    def __init__(self, store: Store, notice: Callable[[str], None]) -> None:
        self._notice = notice
        repositories = Repositories(store)
        blobs = Blobs(store, repositories)
        manifests = Manifests(store, repositories)
        uploading = Uploading(repositories, Uploads(store.tmp))
        listings = Listings(repositories)
        self._answers: dict[str, dict[str, Answer]] = {
            "base": {"GET": base},
            "catalog": {"GET": listings.catalog},
            "tags": {"GET": listings.tags},
            "referrers": {"GET": listings.referrers},
            "manifest": {"GET": manifests.get, "PUT": manifests.put, "DELETE": manifests.delete},
            "blob": {"GET": blobs.get, "DELETE": blobs.delete},
            "begin": {"POST": uploading.begin},
            "upload": {
                "GET": uploading.status,
                "PATCH": uploading.append,
                "PUT": uploading.finish,
                "DELETE": uploading.cancel,
            },
        }

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        try:
            return await dispatch(self._answers, request, reference.check_repository)
        except Fault as fault:
            return fault.response()
        except (ArgosyError, OSError) as error:
            return failure(error, f"{request.method} {request.path}", self._notice)


async def dispatch(
    answers: Mapping[str, Mapping[str, Answer]], request: Request, check_name: Callable[[str], None]
) -> Response:
    """The answer of the function for this path and method.  `check_name` raises Invalid.  Raises Fault."""
    route = routes.parse(request.path)
    if route is None or route.kind not in answers:
        raise Fault("NAME_UNKNOWN", "there is no such path in the distribution API")
    if route.name:
        try:
            check_name(route.name)
        except Invalid as error:
            raise Fault("NAME_INVALID", str(error)) from None
    methods = answers[route.kind]
    answer = methods.get("GET" if request.method == "HEAD" else request.method)
    if answer is None:
        allowed = ", ".join((*methods, *(("HEAD",) if "GET" in methods else ())))
        raise Fault("UNSUPPORTED", f"{request.method} is not possible here", headers=(("Allow", allowed),))
    return await answer(request, route)


async def base(_request: Request, _route: Route) -> Response:
    """That the API is spoken here."""
    await asyncio.sleep(0)
    return Response(200, (*API_HEADERS, JSON), b"{}")


def failure(error: Exception, what: str, notice: Callable[[str], None]) -> Response:
    """The answer to a request that failed on our side; the reason is for our own log, but for a full disk."""
    cause = error.__cause__ if isinstance(error, ArgosyError) else error
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return Fault("UNAVAILABLE", "no space is left where this registry keeps its data", status=507).response()
    notice(escaped(f"{what}: {error}"))
    return Fault("UNAVAILABLE", "the registry failed; its log says why", status=500).response()
