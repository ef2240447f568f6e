"""Device lists: walk, snapshot, filter, group, cursor."""

from pc_mcp.inventory.errors import EXPECTED_ERRORS, QuestionError, UnknownCustomer
from pc_mcp.inventory.questions.batches import BatchFilter, BatchList, BatchOrder, list_batches
from pc_mcp.inventory.questions.customer_names import named_customer
from pc_mcp.inventory.questions.customers import CustomerList, list_customers
from pc_mcp.inventory.questions.devices import DeviceList, list_devices
from pc_mcp.inventory.questions.export import WholeList, whole_list
from pc_mcp.inventory.questions.find import IdentifierMatches, find_devices
from pc_mcp.inventory.questions.policies import PolicyList, list_policies
from pc_mcp.inventory.questions.uploads import Upload, upload_status
from pc_mcp.inventory.reading.customer_list import CustomerEntry
from pc_mcp.inventory.reading.inventory import Call, Inventory, Progress, in_time
from pc_mcp.inventory.store import DeviceFilter, DeviceOrder, Finding, GroupBy, Grouping

__all__ = [
    "EXPECTED_ERRORS",
    "BatchFilter",
    "BatchList",
    "BatchOrder",
    "Call",
    "CustomerEntry",
    "CustomerList",
    "DeviceFilter",
    "DeviceList",
    "DeviceOrder",
    "Finding",
    "GroupBy",
    "Grouping",
    "IdentifierMatches",
    "Inventory",
    "PolicyList",
    "Progress",
    "QuestionError",
    "UnknownCustomer",
    "Upload",
    "WholeList",
    "find_devices",
    "in_time",
    "list_batches",
    "list_customers",
    "list_devices",
    "list_policies",
    "named_customer",
    "upload_status",
    "whole_list",
]
