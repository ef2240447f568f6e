"""The bundle's manifest, whose tools and prompts are asked of the server itself.

https://github.com/modelcontextprotocol/mcpb/blob/main/MANIFEST.md describes its fields.
"""

from typing import Any

from mcp import Client
from mcp_types import Prompt, TextContent

from bundle.fields import FIELDS, Field
from pc_mcp import __version__
from pc_mcp.protocol.server import build_server
from pc_mcp.settings import Settings

ENTRY_POINT = "start.py"
ICON = "icon.png"


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
                # Isolated: no module comes from the current folder, nor from what PYTHONPATH names.
                "args": ["run", "--directory", "${__dirname}", "python", "-I", ENTRY_POINT],
                "env": {field.variable: f"${{user_config.{field.name}}}" for field in FIELDS},
            },
        },
        "user_config": {field.name: _field(field) for field in FIELDS},
        "tools": [{"name": tool.name, "description": tool.description or ""} for tool in tools],
        # Settings of the configuration file add a tool and a folder of prompts.
        "tools_generated": True,
        "prompts": prompts,
        "prompts_generated": True,
    }


def _field(field: Field) -> dict[str, Any]:
    shown = {"type": field.kind, "title": field.title, "description": field.what, "required": False}
    # A folder has no default: the empty text is none.
    default: dict[str, dict[str, Any]] = {"string": {"default": ""}, "boolean": {"default": False}, "directory": {}}
    return shown | default[field.kind]


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
