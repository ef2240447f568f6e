"""`python -m pc_mcp` is the `pc-mcp` command."""

from pc_mcp.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
