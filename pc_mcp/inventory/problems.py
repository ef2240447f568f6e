"""What is kept of a failure: a value, since an exception holds frames, and with them bodies and tokens."""

from dataclasses import dataclass, replace
from typing import Self

from pc_mcp.partner_center import PartnerCenterError
from pc_mcp.partner_center.errors import NotSignedIn, Remedy


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something could not be read; its fields are those of a `PartnerCenterError` of this `error_type`."""

    error_type: type[PartnerCenterError]
    summary: str
    detail: str
    advice: str
    status: int | None
    code: str | None
    correlation_id: str | None
    wait_seconds: float | None
    claims: str | None

    @classmethod
    def of(cls, error: PartnerCenterError) -> Self:
        return cls(
            type(error),
            error.summary,
            error.detail,
            error.advice,
            error.status,
            error.code,
            error.correlation_id,
            error.wait_seconds,
            error.claims if isinstance(error, NotSignedIn) else None,
        )

    def is_a(self, *kinds: type[PartnerCenterError]) -> bool:
        return issubclass(self.error_type, kinds)

    @property
    def remedy(self) -> Remedy:
        return self.error_type.remedy

    @property
    def reason(self) -> str:
        """What happened and what to do, without the identifiers of the one request."""
        return self.raised().reason

    def adding(self, words: str) -> Self:
        """The same problem, which says `words` besides."""
        return replace(self, advice=f"{self.advice} {words}")

    def raised(self) -> PartnerCenterError:
        """The error, made anew."""
        error = self.error_type(self.detail, status=self.status, code=self.code, correlation_id=self.correlation_id)
        error.summary, error.advice, error.wait_seconds = self.summary, self.advice, self.wait_seconds
        if isinstance(error, NotSignedIn):
            error.claims = self.claims
        return error
