"""Asks the person to open a page, through the client, where the client can do that (URL elicitation).

Clients of 2025-11-25 are asked while the call waits; clients of 2026-07-28 get an
`InputRequiredResult` and call again with the person's answer.
"""

import uuid
from enum import Enum
from typing import Any

from mcp.server.mcpserver import Context
from mcp_types import ElicitRequest, ElicitRequestURLParams, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from pc_mcp.auth import SignInNeeded

_KEY = "sign_in"
DECLINED = "The sign-in was declined. Ask the user whether to sign in, and call the tool again."


class Reply(Enum):
    """What came of asking."""

    CANNOT_ASK = "the client cannot ask, or was asked in this call already"
    ACCEPTED = "the person went to the page"
    DECLINED = "the person does not want to"


def declined_before(context: Context[Any, Any]) -> bool:
    """Whether this call brings the person's no to an earlier question."""
    answer = (context.input_responses or {}).get(_KEY)
    return answer is not None and getattr(answer, "action", None) != "accept"


async def ask(context: Context[Any, Any], needed: SignInNeeded) -> Reply | InputRequiredResult:
    """Asks through the client; an `InputRequiredResult` is to be the call's result."""
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or elicitation.url is None or not needed.url:
        return Reply.CANNOT_ASK
    if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
        if _KEY in (context.input_responses or {}):
            return Reply.CANNOT_ASK
        params = ElicitRequestURLParams(message=needed.instruction, url=needed.url)
        return InputRequiredResult(input_requests={_KEY: ElicitRequest(params=params)})
    answer = await context.elicit_url(needed.instruction, needed.url, str(uuid.uuid4()))
    return Reply.ACCEPTED if answer.action == "accept" else Reply.DECLINED
