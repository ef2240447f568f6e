"""What can be said of PowerShell without PowerShell: its syntax, the programs it starts, the members it reads."""

from collections.abc import Iterator

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_powershell.language()))


def faulty(script: str) -> bool:
    """Whether `script` is no PowerShell."""
    return _PARSER.parse(script.encode()).root_node.has_error


def commands(script: str, program: str) -> list[list[str]]:
    """The arguments of each command that starts `program`."""
    found = []
    for node in _within(_PARSER.parse(script.encode()).root_node):
        name = node.child_by_field_name("command_name")
        if node.type == "command" and name and _text(name) == program:
            elements = node.child_by_field_name("command_elements")
            arguments = elements.children if elements else []
            found.append([_text(part).strip("'") for part in arguments if part.type != "command_argument_sep"])
    return found


def members(script: str) -> set[str]:
    """The names of the members that are read of objects."""
    return {_text(node) for node in _within(_PARSER.parse(script.encode()).root_node) if node.type == "member_name"}


def _within(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _within(child)


def _text(node: Node) -> str:
    return (node.text or b"").decode()
