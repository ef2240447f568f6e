"""What the environment names cannot be used to connect."""

from pc_mcp.runtime.failures import Failure


class NetworkRefused(Failure):
    """A proxy or certificate that the environment names cannot be used; `advice` says what would be right."""

    exit_status = 2

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(f"{what}. {advice}")
        self.what = what
        self.advice = advice
