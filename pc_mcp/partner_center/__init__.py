"""The REST client of Partner Center: models, paging, retry, errors."""

from pc_mcp.partner_center import models
from pc_mcp.partner_center.client import PartnerCenter, segment
from pc_mcp.partner_center.errors import PartnerCenterError
from pc_mcp.partner_center.paging import NextToken, Page
from pc_mcp.partner_center.retries import seconds_left
from pc_mcp.partner_center.transport import Transport

__all__ = [
    "NextToken",
    "Page",
    "PartnerCenter",
    "PartnerCenterError",
    "Transport",
    "models",
    "seconds_left",
    "segment",
]
