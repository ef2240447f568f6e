"""How an answer is written: budget, Markdown, cleaning of text."""

from pc_mcp.answers.batches import BatchListAnswer, batch_list_answer
from pc_mcp.answers.clean import cleaned, escaped
from pc_mcp.answers.customers import CustomerListAnswer, customer_list_answer
from pc_mcp.answers.devices import DeviceListAnswer, Field, device_list_answer
from pc_mcp.answers.exported import ExportAnswer, export_answer, incomplete_words
from pc_mcp.answers.found import FindAnswer, find_answer
from pc_mcp.answers.parts import Answer
from pc_mcp.answers.policies import PolicyListAnswer, policy_list_answer
from pc_mcp.answers.sign_in import SIMULATED, SignInAnswer, sign_in_answer
from pc_mcp.answers.uploads import UploadAnswer, upload_answer

__all__ = [
    "SIMULATED",
    "Answer",
    "BatchListAnswer",
    "CustomerListAnswer",
    "DeviceListAnswer",
    "ExportAnswer",
    "Field",
    "FindAnswer",
    "PolicyListAnswer",
    "SignInAnswer",
    "UploadAnswer",
    "batch_list_answer",
    "cleaned",
    "customer_list_answer",
    "device_list_answer",
    "escaped",
    "export_answer",
    "find_answer",
    "incomplete_words",
    "policy_list_answer",
    "sign_in_answer",
    "upload_answer",
]
