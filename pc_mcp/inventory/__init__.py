"""Device lists: walk, snapshot, filter, group, cursor."""

from pc_mcp.inventory.batches import BatchFilter, BatchList, list_batches
from pc_mcp.inventory.customers import CustomerList, list_customers
from pc_mcp.inventory.devices import DeviceList, list_devices
from pc_mcp.inventory.errors import QuestionError
from pc_mcp.inventory.export import WholeList, whole_list
from pc_mcp.inventory.filters import DeviceFilter, GroupBy
from pc_mcp.inventory.find import Findings, find_devices
from pc_mcp.inventory.library import Call, Library, Progress
from pc_mcp.inventory.policies import PolicyList, list_policies
from pc_mcp.inventory.uploads import Upload, upload_status

__all__ = [
    "BatchFilter",
    "BatchList",
    "Call",
    "CustomerList",
    "DeviceFilter",
    "DeviceList",
    "Findings",
    "GroupBy",
    "Library",
    "PolicyList",
    "Progress",
    "QuestionError",
    "Upload",
    "WholeList",
    "find_devices",
    "list_batches",
    "list_customers",
    "list_devices",
    "list_policies",
    "upload_status",
    "whole_list",
]
