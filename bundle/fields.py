"""What a person may set in the application, and what is said of what was typed in there."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pc_mcp.commands.install.configuration import id_fault
from pc_mcp.partner_center import Cloud

WHERE = 'Settings, Extensions, "Partner Center devices", Configure'
"""Where the fields are in Claude Desktop."""


@dataclass(frozen=True)
class Field:
    """name: in the manifest; variable: the environment's, which gets the value; setting: which it is, if any."""

    name: str
    title: str
    what: str
    variable: str
    kind: Literal["string", "boolean", "directory"] = "string"

    @property
    def setting(self) -> str | None:
        """The setting that it is, such as `auth.tenant_id`."""
        name = self.variable.removeprefix("PC_MCP_").lower()
        return name.replace("__", ".") if "__" in name else None


CLIENT_ID = Field(
    "client_id",
    "Client id",
    "The application that your administrator registered in Entra for pc-mcp: 32 digits with dashes.",
    "PC_MCP_AUTH__CLIENT_ID",
)
TENANT_ID = Field(
    "tenant_id",
    "Tenant id",
    "Your company's own Entra tenant: its id or a domain. Empty: the tenant of the account that signs in first.",
    "PC_MCP_AUTH__TENANT_ID",
)
CLOUD = Field(
    "cloud",
    "Microsoft cloud",
    "global, us_government or china. Empty: global.",
    "PC_MCP_PARTNER_CENTER__CLOUD",
)
EXPORTS = Field(
    "exports_folder",
    "Folder for exports",
    "Where whole device lists are written as files when you ask for one. Empty: nowhere.",
    "PC_MCP_EXPORTS__FOLDER",
    "directory",
)
SANDBOX = Field(
    "sandbox",
    "Simulated customers",
    "Ask about made-up customers, to try it: no account and no ids are needed.",
    "PC_MCP_SANDBOX",
    "boolean",
)
FIELDS = (CLIENT_ID, TENANT_ID, CLOUD, EXPORTS, SANDBOX)

_GUID = re.compile(
    r"(?<![0-9a-z])[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}(?![0-9a-z])", re.IGNORECASE
)
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}?")
_NOTHING = frozenset({"null", "undefined"})
"""What JavaScript makes of a field that was never filled in."""
_MOST_CHARACTERS = 80
_YES = frozenset({"true", "1", "yes", "on"})


@dataclass(frozen=True)
class Filled:
    """The fields as they are meant: values by setting variable, and what is wrong with which."""

    values: Mapping[str, str]
    sandbox: bool
    faults: tuple[str, ...]


def filled(environment: Mapping[str, str]) -> Filled:
    """Reads the fields' variables. A field that is empty, or that the application did not fill in, is not set."""
    given = {field: _cleaned(environment.get(field.variable, "")) for field in FIELDS}
    sandbox = given.pop(SANDBOX).casefold() in _YES
    values = {field: _meant(field, text) for field, text in given.items() if text}
    if sandbox:  # whose customers, and as whom they are asked for, does not matter then
        values = {EXPORTS: values[EXPORTS]} if EXPORTS in values else {}
    return Filled({field.variable: text for field, text in values.items()}, sandbox, tuple(_faults(values)))


def _cleaned(text: str) -> str:
    """Without what is no part of a value: spaces, also those that are not seen, quotation marks, placeholders."""
    text = "".join(character for character in text if character.isprintable() or character.isspace()).strip()
    text = text.strip("\"'\u201c\u201d\u2018\u2019\u00ab\u00bb").strip()
    return "" if _PLACEHOLDER.fullmatch(text) or text in _NOTHING else text


def _meant(field: Field, text: str) -> str:
    if field is CLOUD:
        names = {_letters(cloud.value): cloud.value for cloud in Cloud}
        return names.get(_letters(text), text)
    if field in {CLIENT_ID, TENANT_ID}:
        # "{…}", "Application (client) ID: …", api://…, an address of the portal: the one id that is in it.
        plain = {match[0].replace("-", "") for match in _GUID.finditer(text)}
        if len(plain) == 1:
            (digits,) = plain
            return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])).lower()
        return text if field is CLIENT_ID else text.removeprefix("https://").rstrip("/")
    return text


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.casefold())


def _faults(values: Mapping[Field, str]) -> Iterator[str]:
    for field, text in values.items():
        if fault := _fault(field, text):
            shown = text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
            yield f'{field.title}: "{shown}" {fault}.'
    if CLIENT_ID in values and values[CLIENT_ID] == values.get(TENANT_ID):
        yield f"{CLIENT_ID.title} and {TENANT_ID.title} are the same, and only one of them can be right."


def _fault(field: Field, text: str) -> str | None:
    """Why the field cannot be `text`, as a phrase."""
    if field in {CLIENT_ID, TENANT_ID}:
        return id_fault(text, may_be_domain=field is TENANT_ID)
    if field is CLOUD:
        return None if text in set(Cloud) else f"is none of {', '.join(Cloud)}"
    path = os.path.expanduser(text)
    usable = os.path.isabs(path) and os.path.isdir(path)
    return None if usable else "is no folder that is there and may be opened; choose another one, or clear the field"
