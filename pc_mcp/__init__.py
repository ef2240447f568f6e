"""pc-mcp: an MCP server for the zero-touch devices of Microsoft CSP partners."""

__version__ = "0.1.0"
