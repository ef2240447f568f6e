"""Changes one table of a TOML text and leaves every other character as it is, comments included.

The text is taken apart into statements: lines, and what values take several of.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pc_mcp.commands.install.json_text import Malformed

# Strings, of whose four kinds two may take several lines, comments, brackets, and the ends of lines.
_TOKEN = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}|'''
    r"""'{3}.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*|[][{}\n]""",
    re.DOTALL,
)
# A key whose value is a string or a number on one line, and what follows it.
_SIMPLE = re.compile(r"""(\s*[\w"'-]+[ \t]*=[ \t]*)(?:"[^"\\\n]*"|'[^'\n]*'|[\w.+-]+)([ \t]*(?:\#[^\n]*)?\r?\n?)""")
_WHERE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class _Statement:
    """A header, a key with its value, or a line without either. table: the path of the header above
    it, or its own; keys: the names that it sets there."""

    text: str
    table: tuple[str, ...]
    is_header: bool
    keys: tuple[str, ...]

    @property
    def is_idle(self) -> bool:
        """Whether it is a blank line or a comment."""
        return not self.is_header and not self.keys


def parse(text: str) -> dict[str, Any]:
    """What the text says. Raises `Malformed`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _WHERE.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        fault = _WHERE.sub("", str(error))
        raise Malformed(line, fault[:1].lower() + fault[1:]) from None
    except (ValueError, RecursionError):
        raise Malformed(1, "a value is too long or too deep") from None


def put(text: str, table: Sequence[str], values: Mapping[str, Any]) -> str:
    """The text with `values` in `table`, which is added at the end where it is missing."""
    path, eol = tuple(table), "\r\n" if "\r\n" in text else "\n"
    lines = {key: f"{key} = {_value(value)}{eol}" for key, value in values.items()}
    statements = list(_statements(text))
    if not any(s.is_header and s.table == path for s in statements):
        gap = "" if not text else eol if text.endswith("\n") else 2 * eol
        return f"{text}{gap}[{'.'.join(path)}]{eol}{''.join(lines.values())}"
    there = {key for s in statements if s.table == path for key in s.keys}
    missing = "".join(line for key, line in lines.items() if key not in there)
    parts = []
    for statement in statements:
        ours = statement.table == path and len(statement.keys) == 1 and statement.keys[0] in values
        parts.append(_with_value(statement, values, eol) if ours else statement.text)
        if statement.is_header and statement.table == path:
            parts.append(missing if statement.text.endswith("\n") else eol + missing)
    return "".join(parts)


def _with_value(statement: _Statement, values: Mapping[str, Any], eol: str) -> str:
    """The line of a key with its new value; what else stands there, such as a comment, stays."""
    (key,) = statement.keys
    value = _value(values[key])
    if simple := _SIMPLE.fullmatch(statement.text):
        return f"{simple[1]}{value}{simple[2]}"
    return f"{key} = {value}{eol}"


def cut(text: str, table: Sequence[str]) -> str:
    """The text without `table` and the tables in it. Comments above the next header stay with that."""
    path = tuple(table)
    kept: list[_Statement] = []
    waiting: list[_Statement] = []
    for statement in _statements(text):
        if statement.table[: len(path)] != path:
            kept += waiting
            waiting = []
            kept.append(statement)
        elif statement.is_idle:
            waiting.append(statement)
        else:
            waiting = []
            if statement.is_header and kept and not kept[-1].text.strip():
                kept.pop()
    return "".join(statement.text for statement in kept + waiting)


def _statements(text: str) -> Iterator[_Statement]:
    table: tuple[str, ...] = ()
    for part in _parts(text):
        read = parse(part)
        is_header = part.lstrip().startswith("[")
        if is_header:
            table = tuple(_path(read))
        yield _Statement(part, table, is_header, () if is_header else tuple(read))


def _parts(text: str) -> Iterator[str]:
    """`text`, which is TOML, line by line; lines that one value takes are one part."""
    depth = start = 0
    for token in _TOKEN.finditer(text):
        if token[0] == "\n" and not depth:
            yield text[start : token.end()]
            start = token.end()
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
    if start < len(text):
        yield text[start:]


def _path(read: Any) -> Iterator[str]:
    while isinstance(read, dict) and read:
        (key,) = read
        yield key
        read = read[key]


def _value(value: object) -> str:
    """A string, a list or an inline table; a JSON string is a TOML string."""
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(key)} = {_value(each)}' for key, each in value.items())} }}"
    return json.dumps(value, ensure_ascii=False, default=str)
