"""Packs the server as a bundle that Claude Desktop installs with a double click: `python -m bundle FILE`."""
