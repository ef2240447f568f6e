"""The tools, one file each. A new tool is a file here, which is imported and named below."""

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
from pc_mcp.tools.support.tool import DomainTool

_TOOLS = (
    find_customers,
    list_device_batches,
    list_devices,
    find_devices,
    list_configuration_policies,
    get_batch_upload_status,
    sign_in,
    sign_out,
)


def all_tools(*, exports: bool = False) -> list[DomainTool]:
    """Every tool, in the order in which clients see them; `export_devices` only where `exports`."""
    return [*_TOOLS, *([export_devices] if exports else [])]


__all__ = ["App", "DomainTool", "all_tools"]
