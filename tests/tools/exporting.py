"""What tests of `export_devices` have in common."""

from pathlib import Path
from typing import Any

from mcp import Client

COHO = "Coho Vineyard"
ONE_BATCH = {"customer": COHO, "batch": "R&D; phase=1"}


def content(folder: Path) -> dict[str, bytes]:
    """The files in a folder; a link that leads nowhere is none."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


async def exported(client: Client, **arguments: str) -> tuple[dict[str, Any], Path]:
    result = await client.call_tool("export_devices", arguments)
    assert not result.is_error, result.content
    return result.structured_content, Path(result.structured_content["path"])
