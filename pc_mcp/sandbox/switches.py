"""What can be made to go wrong while a sandbox runs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class ScriptedAnswer:
    """One answer in place of the service's own.

    It is for requests whose decoded path with query contains `match`, before the token is looked
    at. `times` is how many requests get it (None: all of them); `hang` is no answer at all, until
    the client leaves or the sandbox stops. `answered` counts.
    """

    match: str
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = None
    hang: bool = False
    answered: int = 0

    def take(self, target: str) -> bool:
        """Whether a request to `target` gets this answer; counts it if so."""
        used_up = self.times is not None and self.answered >= self.times
        if used_up or self.match not in target:
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

    retry_after_seconds: int | None = 1
    """`Retry-After` of a 429; None leaves the header away."""

    fail_every: int = 0
    """Answer every n-th request of the sandbox's life with `fail_status` (1: all of them; 0: none)."""

    fail_status: int = 500
    """500 comes with an error of the service's shape, any other with a gateway's HTML page."""

    byte_order_mark: bool = False
    """Begin every JSON body with a UTF-8 byte-order mark, as the service once did."""

    links_next: bool = False
    """Give the devices' token as `links.next.headers` in place of `continuationToken`."""

    needs_seek_operation: bool = False
    """Serve the devices' first page again when a token comes without `seekOperation=Next`."""

    repeat_token: bool = False
    """Give the second page's token with every page, so that the walk never ends."""

    scripted: list[ScriptedAnswer] = field(default_factory=list)
    """Tried in order before anything else; the first that matches answers."""

    def scripted_for(self, target: str) -> ScriptedAnswer | None:
        """The scripted answer for a decoded path with query, counted as given."""
        return next((answer for answer in self.scripted if answer.take(target)), None)
