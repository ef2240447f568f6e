"""The service's error answers ("Partner Center REST error codes").

`code` is an integer although the documentation calls it a string.
"""

from __future__ import annotations

import json

NO_TOKEN = (401, 400, "The Authorization header is missing.")
TOKEN_REFUSED = (401, 800001, "The access token is not valid.")
WRONG_AUDIENCE = (401, 900420, "The audience of the access token is not valid.")
NO_MFA = (401, 900421, "The access token was obtained without multi-factor authentication.")
NOT_A_GUID = (400, 2000, "Tenant Id must be a GUID.")
UNKNOWN_TOKEN = (400, 2000, "The continuation token is not valid for this collection.")
BAD_SIZE = (400, 2000, "The size must be a whole number.")
BAD_FILTER = (400, 2000, "The filter is not valid.")
NO_ROLE = (403, 1002, "Access denied.")
NO_RELATIONSHIP = (403, 20002, "There is no reseller relationship with this customer.")
NOT_FOUND = (404, 1000, "The resource was not found.")
CUSTOMER_NOT_FOUND = (404, 60003, "The customer was not found.")
NOT_ALLOWED = (405, 405, "The requested resource does not support this http method.")
"""Status, `code`, `description` of each error that a request can earn."""

UNAVAILABLE_PAGE = b"<html><head><title>Service Unavailable</title></head><body>Busy</body></html>"
"""What a gateway in front of the service answers: no JSON."""


class ServiceError(Exception):
    """A request that is answered with one of this module's errors, and with `headers`."""

    def __init__(self, error: tuple[int, int, str], headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status, self.code, self.description = error
        self.headers = headers or {}


def error_body(code: int, description: str) -> bytes:
    """The shape of every error but throttling."""
    body = {"code": code, "description": description, "data": [], "source": "PartnerFD"}
    return json.dumps(body).encode()


def throttled_body(retry_after_seconds: int | None) -> bytes:
    """The shape of 429, which is another one."""
    message = "Rate limit is exceeded."
    if retry_after_seconds is not None:
        message += f" Try again in {retry_after_seconds} seconds."
    return json.dumps({"statusCode": 429, "message": message}).encode()
