"""The tool `list_configuration_policies`."""

from typing import Annotated

from mcp_types import CallToolResult

from pc_mcp.answers import PolicyListAnswer, policy_list_answer
from pc_mcp.inventory import list_policies
from pc_mcp.tools.support.arguments import Customer
from pc_mcp.tools.support.call import ToolCall
from pc_mcp.tools.support.tool import tool


@tool("List configuration policies", {"customer": "Contoso Ltd"})
async def list_configuration_policies(
    call: ToolCall, customer: Customer
) -> Annotated[CallToolResult, PolicyListAnswer]:
    """List a customer's configuration policies (Autopilot profiles) with their settings. For which
    devices have a policy, or have none, use list_devices with policy or with group_by policy."""
    named = await call.customer(customer)
    result = await list_policies(call, named)
    return call.result(await call.off_the_loop(lambda: policy_list_answer(result, call.max_chars)))
