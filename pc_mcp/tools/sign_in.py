"""The tool `sign_in`."""

from typing import Annotated

from mcp_types import CallToolResult

from pc_mcp.answers import SignInAnswer, sign_in_answer
from pc_mcp.tools.support.call import AccountCall
from pc_mcp.tools.support.tool import tool


@tool("Sign in", {}, of_account=True)
async def sign_in(call: AccountCall) -> Annotated[CallToolResult, SignInAnswer]:
    """Sign the user in to Partner Center, or say who is signed in, in which tenant, until when. The
    other tools sign in by themselves; use this when one of them says so, or to check the account."""
    status = await call.tokens.sign_in()
    return call.result(sign_in_answer(status, call.cloud, simulated=call.simulated))
