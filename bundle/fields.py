"""What a person may set in the application, and what is said of what was typed in there."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pc_mcp.runtime.clouds import Cloud
from pc_mcp.runtime.ids import ARE_ONE, id_fault, pasted_id
from pc_mcp.settings import named_folder

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
        return _cloud(text) or text
    return pasted_id(text) if field in {CLIENT_ID, TENANT_ID} else text


def _cloud(text: str) -> str | None:
    try:
        return Cloud(text).value
    except ValueError:
        return None


def _faults(values: Mapping[Field, str]) -> Iterator[str]:
    for field, text in values.items():
        if fault := _fault(field, text):
            shown = text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
            yield f'{field.title}: "{shown}" {fault}.'
    if CLIENT_ID in values and values[CLIENT_ID] == values.get(TENANT_ID):
        yield f"{CLIENT_ID.title} and {TENANT_ID.title} {ARE_ONE}."


def _fault(field: Field, text: str) -> str | None:
    """Why the field cannot be `text`, as a phrase."""
    if field in {CLIENT_ID, TENANT_ID}:
        return id_fault(text, may_be_domain=field is TENANT_ID)
    if field is CLOUD:
        return None if _cloud(text) else f"is none of {', '.join(Cloud)}"
    try:
        named_folder(Path(text))
    except ValueError:
        return "is no folder; choose another one, or clear the field"
    return None
