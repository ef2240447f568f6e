"""The bundle's manifest, whose tools and prompts are asked of the server itself.

https://github.com/modelcontextprotocol/mcpb/blob/main/MANIFEST.md describes its fields.
"""

from typing import Any

from mcp import Client
from mcp_types import Prompt, TextContent

from pc_mcp import __version__
from pc_mcp.server import build_server
from pc_mcp.settings import Settings

ENTRY_POINT = "start.py"
ICON = "icon.png"

# What a person may set in the application: field, its label, what it is, and the variable that gets it.
FIELDS = (
    (
        "tenant_id",
        "Tenant id",
        "Your company's own Entra tenant: a GUID or a domain. Empty: the tenant of the account that signs in first.",
        "PC_MCP_AUTH__TENANT_ID",
    ),
    (
        "client_id",
        "Client id",
        "The application that your administrator registered in Entra for pc-mcp. Empty: as pc-mcp's configuration "
        "file says.",
        "PC_MCP_AUTH__CLIENT_ID",
    ),
    (
        "cloud",
        "Microsoft cloud",
        "global, us_government or china. Empty: global.",
        "PC_MCP_PARTNER_CENTER__CLOUD",
    ),
)


async def manifest() -> dict[str, Any]:
    """The manifest of this version."""
    # The defaults, whatever the environment of whoever makes the bundle says.
    async with Client(build_server(Settings.model_construct())) as client:
        tools = (await client.list_tools()).tools
        prompts = [await _prompt(client, prompt) for prompt in (await client.list_prompts()).prompts]
    return {
        "manifest_version": "0.4",
        "name": "pc-mcp",
        "display_name": "Partner Center devices",
        "version": __version__,
        "description": "Ask about the zero-touch (Windows Autopilot) devices that your company uploaded to Partner "
        "Center for its customers.",
        "long_description": "Counts, groups, lists and finds the zero-touch (Windows Autopilot) devices that a "
        "Microsoft CSP partner uploaded to Partner Center, with the rights of whoever signs in. It changes nothing in "
        "Partner Center. Every count is exact, or the answer says what is missing.",
        "author": {"name": "The pc-mcp authors"},
        "icon": ICON,
        "license": "MIT",
        "keywords": ["partner-center", "autopilot", "csp", "zero-touch"],
        "privacy_policies": ["https://www.microsoft.com/privacy/privacystatement"],
        "compatibility": {"platforms": ["darwin", "win32", "linux"], "runtimes": {"python": ">=3.11"}},
        "server": {
            "type": "uv",
            "entry_point": ENTRY_POINT,
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", ENTRY_POINT],
                "env": {variable: f"${{user_config.{field}}}" for field, _, _, variable in FIELDS},
            },
        },
        "user_config": {
            field: {"type": "string", "title": title, "description": what, "required": False, "default": ""}
            for field, title, what, _ in FIELDS
        },
        "tools": [{"name": tool.name, "description": tool.description or ""} for tool in tools],
        # Settings of the configuration file add a tool and a folder of prompts.
        "tools_generated": True,
        "prompts": prompts,
        "prompts_generated": True,
    }


async def _prompt(client: Client, prompt: Prompt) -> dict[str, Any]:
    """A prompt as the manifest has it: its text with `${arguments.name}` where the argument goes."""
    names = [argument.name for argument in prompt.arguments or []]
    result = await client.get_prompt(prompt.name, {name: f"${{arguments.{name}}}" for name in names})
    texts = [message.content.text for message in result.messages if isinstance(message.content, TextContent)]
    return {
        "name": prompt.name,
        "description": prompt.description or "",
        "arguments": names,
        "text": "\n\n".join(texts),
    }
