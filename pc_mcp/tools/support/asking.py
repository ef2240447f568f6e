"""Asks the person to open a page, through the client, where the client can do that (URL elicitation).

Clients of 2025-11-25 are asked while the call waits; clients of 2026-07-28 get an
`InputRequiredResult` and call again with the person's answer. Whatever else comes of it than the
person's yes or no, an error or silence included, the call goes on as if the client could not ask.
"""

import logging
import uuid
from dataclasses import dataclass
from enum import Enum
from typing import Any, get_args

import anyio
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, ElicitRequest, ElicitRequestURLParams, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from pc_mcp.auth import SignInNeeded

logger = logging.getLogger(__name__)

_KEY = "sign_in"
_ACTIONS = frozenset(get_args(ElicitResult.model_fields["action"].annotation))
DECLINED = "The sign-in was declined. Ask the user whether to sign in, and call the tool again."


@dataclass(eq=False)
class Asked:
    """For which sign-in a person was asked last, through a client: for each only once, since a client
    that fails to ask would fail again, and the person would never be told."""

    number: int = 0


class Reply(Enum):
    """What came of asking."""

    CANNOT_ASK = "the client cannot ask, failed to, or was asked for this sign-in already"
    ACCEPTED = "the person went to the page"
    DECLINED = "the person does not want to"


def declined_before(context: Context[Any, Any]) -> bool:
    """Whether this call brings the person's no to an earlier question."""
    answer = (context.input_responses or {}).get(_KEY)
    return answer is not None and getattr(answer, "action", None) != "accept"


async def ask(
    context: Context[Any, Any], needed: SignInNeeded, asked: Asked, seconds: float
) -> Reply | InputRequiredResult:
    """Asks through the client, which has so many seconds; an `InputRequiredResult` is to be the call's result."""
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or elicitation.url is None or not needed.url or asked.number == needed.number:
        return Reply.CANNOT_ASK
    asked.number = needed.number
    if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
        params = ElicitRequestURLParams(message=needed.instruction, url=needed.url)
        return InputRequiredResult(input_requests={_KEY: ElicitRequest(params=params)})
    with anyio.move_on_after(seconds):
        try:
            answer = await context.elicit_url(needed.instruction, needed.url, str(uuid.uuid4()))
        except (MCPError, ValidationError) as error:
            logger.info("the client did not ask for the sign-in: %s", type(error).__name__)
        else:
            return Reply.ACCEPTED if answer.action == "accept" else Reply.DECLINED
    return Reply.CANNOT_ASK


def readable(responses: object) -> dict[str, Any]:
    """Of a client's responses those that are a yes or no: another object, an error say, is no response.
    Raises an `MCPError` where they cannot be responses at all."""
    if responses is None:
        return {}
    if not isinstance(responses, dict) or not all(isinstance(each, dict) for each in responses.values()):
        raise MCPError(INVALID_PARAMS, "inputResponses is an object that has an object for each question.")
    return {key: each for key, each in responses.items() if each.get("action") in _ACTIONS}
