"""MCP: the server, prompts, completions, resources; stdio and HTTP."""
