"""How every command that uses the service begins: its settings, read and checked, and its log."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pc_mcp.runtime.logs import configure_logging
from pc_mcp.runtime.network import check_network
from pc_mcp.settings import Settings, load_settings


def configured(
    config: Path | None, overrides: Mapping[str, Any] | None = None, *, level: str | None = None
) -> Settings:
    """The settings, after a look at whether the network's can be used; the log is written from `level` on, or as they
    say. Raises `Failure`."""
    settings = load_settings(config, overrides)
    check_network(*settings.services.values())
    configure_logging(level or settings.logging.level, settings.logging.format)
    return settings
