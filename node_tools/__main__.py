"""Writes the lock file of the tools from npm anew."""

from node_tools import lock

lock()
