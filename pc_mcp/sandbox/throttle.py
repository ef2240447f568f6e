"""How many requests a second are answered before the service throttles."""

from __future__ import annotations

import time


class Bucket:
    """Fills by the rate, and holds one second's worth, but one request at least."""

    def __init__(self) -> None:
        self._filled_at = time.monotonic()
        self._held = 1.0
        self._rate = 0.0

    def take(self, rate: float) -> bool:
        """Whether one more request fits in `rate` requests a second; a new rate starts with a full bucket."""
        now, most = time.monotonic(), max(rate, 1.0)
        gained = (now - self._filled_at) * rate
        self._held = most if rate != self._rate else min(self._held + gained, most)
        self._filled_at, self._rate = now, rate
        if self._held < 1:
            return False
        self._held -= 1
        return True
