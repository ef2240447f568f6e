"""What commands print. Some of it comes from files and services: a terminal would obey control characters in it."""

import sys

from pc_mcp.runtime.text import on_a_terminal


def say(text: str) -> None:
    """Prints what a command has found or done, or is about to do."""
    print(on_a_terminal(text), flush=True)


def say_aside(text: str) -> None:
    """Prints to standard error what is no part of that: what is wrong, or what a person has to do."""
    print(on_a_terminal(text), file=sys.stderr, flush=True)
