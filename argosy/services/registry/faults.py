"""Refusals in the JSON form of the distribution API (distribution-spec, "Error Codes")."""

from __future__ import annotations

from argosy import jsontext
from argosy.services.http.messages import Response

API_HEADERS = (("Docker-Distribution-Api-Version", "registry/2.0"), ("X-Content-Type-Options", "nosniff"))
JSON = ("Content-Type", "application/json")

STATUS = {
    "BLOB_UNKNOWN": 404,
    "BLOB_UPLOAD_INVALID": 400,
    "BLOB_UPLOAD_UNKNOWN": 404,
    "DENIED": 403,
    "DIGEST_INVALID": 400,
    "MANIFEST_BLOB_UNKNOWN": 404,
    "MANIFEST_INVALID": 400,
    "MANIFEST_UNKNOWN": 404,
    "NAME_INVALID": 400,
    "NAME_UNKNOWN": 404,
    "PAGINATION_NUMBER_INVALID": 400,
    "RANGE_INVALID": 416,
    "SIZE_INVALID": 400,
    "TAG_INVALID": 400,
    "UNAUTHORIZED": 401,
    "UNAVAILABLE": 503,
    "UNSUPPORTED": 405,
}


class Fault(Exception):
    """A request that is refused with one of the API's codes; `status` where it is not the code's usual one."""

    def __init__(self, code: str, message: str, *, status: int = 0, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.status = status or STATUS[code]
        self.headers = headers

    def response(self) -> Response:
        """The answer that says so."""
        body = jsontext.encode({"errors": [{"code": self.code, "message": str(self), "detail": None}]})
        return Response(self.status, (*API_HEADERS, JSON, *self.headers), body)
