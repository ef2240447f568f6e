"""Connects MCP clients: writes an entry that starts this program into a client's own configuration.

Only the entry is touched: comments, order and indentation of everything else stay, a backup is
kept, and a file that is not what the client could read is refused and left as it was.
"""
