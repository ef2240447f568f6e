"""Starts pc-mcp from a desktop bundle, with the settings that the person typed in there."""

import os
import sys

from pc_mcp.cli import main

# A desktop application may hand on a field that was left empty as the text of its placeholder.
for name, value in list(os.environ.items()):
    if name.startswith("PC_MCP_") and value.startswith("${user_config."):
        del os.environ[name]

if __name__ == "__main__":
    sys.exit(main(["serve"]))
