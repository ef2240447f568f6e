"""Changes one member of a JSON text and leaves every other character as it is, comments included.

Comments are blanked by as many spaces, so that the standard library reads the text and its
positions are those of the text itself.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\r\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA = re.compile(r'"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])')
_SPACE = re.compile(r"[ \t\r\n]*")
_POSITION = re.compile(r"( starting)? at$")  # which the library would have gone on with
_LINE_END = re.compile(r"\r\n?|\n")
_INDENT = re.compile(r"\n([ \t]+)[^ \t\r\n]")
_DEFAULT_INDENT = "  "


class Malformed(ValueError):
    """The text is not what it should be; `line` counts from 1, `fault` is a phrase."""

    def __init__(self, line: int, fault: str) -> None:
        super().__init__(f"line {line}: {fault}")
        self.line = line
        self.fault = fault


def line_of(text: str, position: int) -> int:
    """The number of the line, from 1; lines end as they do on any platform."""
    return len(_LINE_END.findall(text, 0, position)) + 1


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of an object: where its key starts, and its value starts and ends."""

    key: str
    start: int
    value: int
    end: int


def parse(text: str, *, comments: bool) -> dict[str, Any]:
    """The object that the text is; a text without anything is an empty one. Raises `Malformed`."""
    return _Text(text, comments=comments).root


def put(text: str, path: Sequence[str], value: object, *, comments: bool) -> str:
    """The text with `value` at `path`; objects on the way that are missing are made. Raises `Malformed`."""
    document = _Editor(text, comments=comments)
    if document.is_empty:
        return _joined(text, _pretty(_nested(path, value), _DEFAULT_INDENT, "", document.end_of_line))
    at = document.start
    *outer, last = path
    for depth, key in enumerate(outer):
        found = document.member(at, key)
        if found is None:
            return document.inserted(at, key, _nested(path[depth + 1 :], value))
        at = found.value
    found = document.member(at, last)
    return document.replaced(found, value) if found else document.inserted(at, last, value)


def cut(text: str, path: Sequence[str], *, comments: bool) -> str:
    """The text without the member at `path`, which must be there. Raises `Malformed`."""
    document = _Editor(text, comments=comments)
    at = document.start
    for key in path[:-1]:
        found = document.member(at, key)
        if found is None:
            raise KeyError(key)
        at = found.value
    return document.removed(at, path[-1])


class _Text:
    """A JSON text that can be read, with the positions of what is in it."""

    def __init__(self, text: str, *, comments: bool) -> None:
        self.text = text
        self._comments = comments
        # `bare`: without comments; `plain`: without trailing commas either, so JSON for everybody.
        self.bare = _TOKEN.sub(_blanked, text) if comments else text
        self.plain = _TRAILING_COMMA.sub(_blanked, self.bare) if comments else text
        self.is_empty = not self.plain.strip(" \t\r\n")
        self.end_of_line = "\r\n" if "\r\n" in text else "\n"
        self.start = _after_space(self.plain, 0)
        self.root: dict[str, Any] = {} if self.is_empty else self._read()
        found = _INDENT.search(self.bare)
        self.unit = found[1] if found else _DEFAULT_INDENT

    def _read(self) -> dict[str, Any]:
        def no_json(word: str) -> NoReturn:
            raise Malformed(self._line(self.plain.find(word)), f"{word} is no JSON")

        try:
            value = json.loads(self.plain, parse_constant=no_json)
        except json.JSONDecodeError as error:
            if not self._comments:
                self._refuse_comments()
            fault = _POSITION.sub("", error.msg)
            raise Malformed(self._line(error.pos), fault[:1].lower() + fault[1:]) from None
        except RecursionError:
            raise Malformed(1, "it is nested too deeply") from None
        except ValueError as error:
            raise error if isinstance(error, Malformed) else Malformed(1, "a number is too long") from None
        if not isinstance(value, dict):
            raise Malformed(self._line(self.start), "it is no object, which begins with {")
        return value

    def _refuse_comments(self) -> None:
        """Says so where a comment or a trailing comma may be why the text is no JSON."""
        bare = _TOKEN.sub(_blanked, self.bare)
        plain = _TRAILING_COMMA.sub(_blanked, self.bare)
        for other, what in ((bare, "a comment"), (plain, "a trailing comma")):
            if other != self.bare:
                position = next(at for at, (old, new) in enumerate(zip(self.bare, other, strict=True)) if old != new)
                raise Malformed(self._line(position), f"{what}, which the client cannot read")

    def _line(self, position: int) -> int:
        return line_of(self.text, position)

    def members(self, at: int) -> list[_Member]:
        """The members of the object that begins at `at`. Raises `Malformed` where there is none."""
        if self.plain[at] != "{":
            raise Malformed(self._line(at), "an object, which begins with {, is expected here")
        return list(self._scan(at))

    def _scan(self, at: int) -> Iterator[_Member]:
        decoder = json.JSONDecoder()
        position = _after_space(self.plain, at + 1)
        while self.plain[position] != "}":
            key, end = decoder.raw_decode(self.plain, position)
            value = _after_space(self.plain, _after_space(self.plain, end) + 1)
            _, end = decoder.raw_decode(self.plain, value)
            yield _Member(key, position, value, end)
            position = _after_space(self.plain, end)
            if self.plain[position] == ",":
                position = _after_space(self.plain, position + 1)

    def member(self, at: int, key: str) -> _Member | None:
        """The member of that name. Raises `Malformed` where there are several."""
        found = [member for member in self.members(at) if member.key == key]
        if len(found) > 1:
            raise Malformed(self._line(found[1].start), f'"{key}" is there a second time')
        return found[0] if found else None

    def comma_after(self, end: int) -> int | None:
        """Where the comma ends that follows a value, also one that nothing follows."""
        position = _after_space(self.bare, end)
        return position + 1 if self.bare[position] == "," else None

    def line_start(self, position: int) -> int:
        return self.text.rfind("\n", 0, position) + 1

    def line_end(self, position: int) -> int:
        """The end of the line, if nothing but a comment follows; else `position` itself."""
        newline = self.bare.find("\n", position)
        if newline < 0 or self.bare[position:newline].strip():
            return position
        return newline - 1 if self.text[newline - 1] == "\r" else newline

    def is_first_on_line(self, position: int) -> bool:
        start = self.line_start(position)
        return start > 0 and not self.text[start:position].strip(" \t")

    def indent(self, position: int) -> str:
        line = self.text[self.line_start(position) :]
        return line[: len(line) - len(line.lstrip(" \t"))]


class _Editor(_Text):
    """Gives the text with one member changed."""

    def replaced(self, member: _Member, value: object) -> str:
        if "\n" in self.text[member.value : member.end]:
            new = _pretty(value, self.unit, self.indent(member.start), self.end_of_line)
        else:
            new = json.dumps(value, ensure_ascii=False)
        return _spliced(self.text, member.value, member.end, new)

    def inserted(self, at: int, key: str, value: object) -> str:
        members = self.members(at)
        if not members:
            return self._filled(at, key, value)
        last = members[-1]
        comma = self.comma_after(last.end)
        if not self.is_first_on_line(members[0].start):
            new = f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
            return _spliced(self.text, comma or last.end, comma or last.end, f" {new}" if comma else f", {new}")
        indent = self.indent(members[0].start)
        new = f"{self.end_of_line}{indent}{json.dumps(key)}: {_pretty(value, self.unit, indent, self.end_of_line)}"
        # What follows the last value on its line, a comment for instance, belongs to it.
        line_end = self.line_end(comma or last.end)
        if comma:
            return _spliced(self.text, line_end, line_end, f"{new},")
        return self.text[: last.end] + "," + self.text[last.end : line_end] + new + self.text[line_end:]

    def _filled(self, at: int, key: str, value: object) -> str:
        """An object that has no members gets its first one."""
        close = self.plain.index("}", at)
        if "\n" not in self.text.strip() and at != self.start:
            return _spliced(self.text, at + 1, close, f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
        outer = self.indent(at)
        inner = outer + self.unit
        comment = self.text[at + 1 : close].rstrip()
        new = f"{inner}{json.dumps(key)}: {_pretty(value, self.unit, inner, self.end_of_line)}"
        eol = self.end_of_line
        return _spliced(self.text, at + 1, close, f"{comment}{eol}{new}{eol}{outer}")

    def removed(self, at: int, key: str) -> str:
        members = self.members(at)
        number = next(number for number, member in enumerate(members) if member.key == key)
        start, end = self._with_space(members[number])
        comma = start  # of the comma before it, which goes with it where none follows
        if number > 0 and self.comma_after(members[number].end) is None:
            comma = self.bare.rindex(",", members[number - 1].end, members[number].start)
        between = self.text[comma + 1 : start]
        before = self.text[:comma] + (between if between.strip() else "")
        rest = self.text[end:]
        is_bare = len(members) == 1 and not (before[at + 1 :] + rest[: rest.index("}")]).strip()
        return before[: at + 1] + rest.lstrip() if is_bare else before + rest

    def _with_space(self, member: _Member) -> tuple[int, int]:
        """What goes with a member: the comma after it, and its line where it has that for itself."""
        comma = self.comma_after(member.end)
        start, end = member.start, comma or member.end
        newline = self.text.find("\n", end)
        if self.is_first_on_line(start) and newline >= 0 and not self.text[end:newline].strip():
            start = self.line_start(start) - 1
            start -= self.text[start - 1] == "\r"
            return start, newline - (self.text[newline - 1] == "\r")
        return start, _after_space(self.text, end) if comma else end


def _blanked(token: re.Match[str]) -> str:
    return token[0] if token[0].startswith('"') else " " * len(token[0])


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _nested(path: Sequence[str], value: object) -> object:
    for key in reversed(path):
        value = {key: value}
    return value


def _pretty(value: object, unit: str, indent: str, end_of_line: str) -> str:
    return json.dumps(value, ensure_ascii=False, indent=unit).replace("\n", end_of_line + indent)


def _joined(before: str, value: str) -> str:
    """A file that held nothing, or comments alone, with a value after them."""
    eol = "\r\n" if "\r\n" in before else "\n"
    kept = before.rstrip()
    return f"{kept}{eol if kept else ''}{value}{eol}"


def _spliced(text: str, start: int, end: int, new: str) -> str:
    return text[:start] + new + text[end:]
