"""What can be made to go wrong while a sandbox runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Fault(Enum):
    """What goes wrong with an answer on its way."""

    RESET = "the connection is reset before the answer"
    RESET_IN_BODY = "the connection is reset after half of the body"
    CUT_SHORT = "the connection ends after half of the body that Content-Length announces"
    NO_LAST_CHUNK = "the connection ends after a chunk with half of the body"
    LENGTH_TOO_LONG = "Content-Length is one more than what comes, and the connection stays open"
    LENGTH_TOO_SHORT = "Content-Length is half of what comes, and the connection goes on"
    HANG_AFTER_HEADERS = "the headers come, and nothing else"
    DRIP = "the body comes a byte at a time"


@dataclass
class ScriptedResponse:
    """One answer in place of the service's own, or (`body` None) something that happens to that one.

    It is for requests whose decoded path with query contains `match`, before the access token is
    looked at; " MS-ContinuationToken: " and the token follow the path where a request has one. The
    first `skip` of them do not get it; `times` is how many do (None: all of them). `hang` is no
    answer at all, until the client leaves or the sandbox stops; `fault` is what goes wrong on the
    way of an answer, `drip_seconds` the wait before each byte of `Fault.DRIP`. `answered` counts.
    """

    match: str
    status: int = 200
    body: bytes | None = b""
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = None
    hang: bool = False
    answered: int = 0
    skip: int = 0
    fault: Fault | None = None
    drip_seconds: float = 1.0

    def take(self, target: str) -> bool:
        """Whether a request to `target` gets this answer; counts it if so."""
        used_up = self.times is not None and self.answered >= self.times
        if used_up or self.match not in target:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.answered += 1
        return True


@dataclass
class Switches:
    """Faults and variants of the service; all are off at first, and can be turned at any time."""

    latency_seconds: float = 0.0
    """Wait before each answer."""

    throttle_every: int = 0
    """Answer every n-th request of the sandbox's life with 429 (1: all of them; 0: none)."""

    throttle_per_second: float = 0.0
    """Answer what goes beyond so many requests a second with 429 (0: nothing); a second's
    worth may come at once."""

    retry_after_seconds: int | None = 1
    """`Retry-After` of a 429; None leaves the header away."""

    retry_after_date: bool = False
    """Give `Retry-After` as the HTTP date at which those seconds are over."""

    fail_every: int = 0
    """Answer every n-th request of the sandbox's life with `fail_status` (1: all of them; 0: none)."""

    fail_status: int = 500
    """500 comes with an error of the service's shape, any other with a gateway's HTML page."""

    fail_randomly: float = 0.0
    """Share of requests (0 to 1) that fail: with 500, 502, 503, 504 or a reset connection, as drawn
    from the world's seed."""

    byte_order_mark: bool = False
    """Begin every JSON body with a UTF-8 byte-order mark, as the service once did."""

    gzip: bool = False
    """Pack the service's own bodies for clients that accept gzip."""

    links_next: bool = False
    """Give the devices' token as `links.next.headers` in place of `continuationToken`."""

    needs_seek_operation: bool = False
    """Serve the devices' first page again when a token comes without `seekOperation=Next`."""

    repeat_token: bool = False
    """Give the second page's token with every page, so that the walk never ends."""

    empty_pages: bool = False
    """Serve an empty page with a token before every page of devices but the first."""

    pages_twice: bool = False
    """Serve every page of devices but the last a second time, under a token of its own."""

    scripted: list[ScriptedResponse] = field(default_factory=list)
    """Tried in order before anything else; the first that matches answers."""

    def scripted_for(self, target: str) -> ScriptedResponse | None:
        """The scripted answer for a request (see `ScriptedResponse`), counted as given."""
        return next((answer for answer in self.scripted if answer.take(target)), None)
