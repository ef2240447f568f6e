"""The tool `sign_out`."""

from typing import Annotated

from mcp_types import CallToolResult

from pc_mcp.answers import SignInAnswer, sign_in_answer
from pc_mcp.tools.support.call import AccountCall
from pc_mcp.tools.support.tool import tool


@tool("Sign out", {}, read_only=False, of_account=True)
async def sign_out(call: AccountCall) -> Annotated[CallToolResult, SignInAnswer]:
    """Sign the user out on this computer, for instance to use another account. Use it only when the
    user asks for it; nothing in Partner Center changes."""
    status = await call.tokens.sign_out()
    return call.result(sign_in_answer(status, call.cloud, signed_out=True, simulated=call.simulated))
