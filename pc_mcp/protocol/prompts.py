"""Prompts: one Markdown file each, with TOML front matter between lines of `+++`.

+++
name = "device_overview"
title = "Device overview"
description = "What a client shows beside the name."

[[arguments]]
name = "customer"
description = "Which customer."
required = true
+++
The text, with {customer} where the argument goes.

A line of the text that names an argument which was not given is left out. {{word}} stands for {word}.
"""

import logging
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pc_mcp.runtime.failures import Failure
from pc_mcp.runtime.text import visible
from pc_mcp.runtime.waiting import begun

logger = logging.getLogger(__name__)

FOLDER_SECONDS = 5.0
"""How long the start waits for a folder of prompts, which may lie on a network."""
_FENCE = "+++"
_PLACEHOLDER = re.compile(r"\{(?P<literal>\{\w+\})\}|\{(?P<name>\w+)\}")
_TOML_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)\Z")
_ARGUMENTS_TABLE = re.compile(r"\s*\[\[\s*arguments\s*\]\]")
_EMPTY_LINES = re.compile(r"\n{3,}")


class PromptFileError(Failure):
    """A prompt file cannot be used; the text says which file, at which line, and why."""

    exit_status = 2


class NoPromptFolder(PromptFileError):
    """The folder of prompts is not there, or does not let itself be read."""


class _Argument(PromptArgument):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^\w+$", max_length=64)]


class _FrontMatter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[\w-]+$", max_length=64)]
    title: Annotated[str, Field(min_length=1)]
    description: Annotated[str, Field(min_length=1)]
    arguments: list[_Argument] = []


class _Fault(Exception):
    """What is wrong at a line of a file; lines count from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


def load_prompts(own_folder: Path | None = None) -> list[Prompt]:
    """The prompts that come with the program and those in `own_folder`, by name.

    One in `own_folder` takes the place of the program's of the same name. Without that folder, which may lie on a
    network, there are those of the program, and the log says why. Raises `PromptFileError`.
    """
    prompts = prompts_in(_packed_folder())
    if own_folder:
        try:
            prompts |= begun(partial(prompts_in, own_folder)).result(FOLDER_SECONDS)
        except NoPromptFolder as error:
            logger.warning("%s Only the prompts that pc-mcp brings are there.", error)
        except TimeoutError:
            logger.warning(
                "%s: the folder of prompts did not answer within %g s. Only the prompts that pc-mcp brings are there.",
                own_folder,
                FOLDER_SECONDS,
            )
    return [prompts[name] for name in sorted(prompts)]


def prompts_in(folder: Path) -> dict[str, Prompt]:
    """The prompts of the `*.md` files in `folder`, by name, but for its README. Raises `PromptFileError`."""
    prompts: dict[str, Prompt] = {}
    files: dict[str, Path] = {}
    for path in _files(folder):
        try:
            prompt = _prompt(_text(path))
            if prompt.name in files:
                raise _Fault(1, f"{files[prompt.name]} has the name {prompt.name} already.")
        except OSError as error:
            raise PromptFileError(f"{path}: the file cannot be read: {error.strerror}.") from None
        except _Fault as fault:
            raise PromptFileError(f"{path}:{fault.line}: {fault}") from None
        prompts[prompt.name] = prompt
        files[prompt.name] = path
    return prompts


def _packed_folder() -> Path:
    """`prompts/` is packed into the package; in a source tree it lies beside it."""
    packed = Path(__file__).parent.parent / "prompts"
    return packed if packed.is_dir() else packed.parent.parent / "prompts"


def _files(folder: Path) -> list[Path]:
    """What may be prompts: a team's repository has a README as well, and a system may leave hidden files."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise NoPromptFolder(f"{folder}: the folder of prompts cannot be read: {error.strerror}.") from None
    return [
        path
        for path in paths
        if path.suffix.lower() == ".md" and not path.name.startswith(".") and path.stem.lower() != "readme"
    ]


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        # Windows' Notepad may begin UTF-8 text with a byte-order mark.
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _Fault(data[: error.start].count(b"\n") + 1, "the file is not UTF-8 text.") from None


def _prompt(text: str) -> Prompt:
    """The prompt of a file's text. Raises `_Fault`."""
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        raise _Fault(1, "the file must begin with front matter between lines of +++.")
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)
    if end is None:
        raise _Fault(1, "the front matter that begins here has no second line of +++.")
    front = _front_matter(lines[:end])
    body = "\n".join(lines[end + 1 :]).strip()
    if not body:
        raise _Fault(end + 1, "there is no text below the front matter.")
    _check_arguments(front, lines, end)

    def render(**arguments: str) -> str:
        return _filled(body, arguments)

    return Prompt(
        name=front.name,
        title=front.title,
        description=front.description,
        arguments=[PromptArgument(**argument.model_dump()) for argument in front.arguments],
        fn=render,
    )


def _front_matter(lines: list[str]) -> _FrontMatter:
    """`lines` are the file's, from the first to the last of its front matter."""
    try:
        # An empty line in the place of the first +++ keeps the numbers of the lines.
        return _FrontMatter(**tomllib.loads("\n".join(["", *lines[1:], ""])))
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        what = _TOML_PLACE.sub("", str(error))
        if place and place["line"]:
            raise _Fault(int(place["line"]), f"{what} (column {place['column']}).") from None
        raise _Fault(len(lines), f"{what}.") from None
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = ".".join(map(str, fault["loc"]))
        raise _Fault(_line_of(lines, fault["loc"]), f"{name}: {fault['msg']}.") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or lists as deep
        raise _Fault(1, "the front matter that begins here has a value that is too long or too deep.") from None


def _line_of(lines: list[str], location: tuple[int | str, ...]) -> int:
    """The line of a value in the front matter, or of what it is missing from."""
    first, end = 1, len(lines)
    tables = [number for number, line in enumerate(lines, 1) if _ARGUMENTS_TABLE.match(line)]
    name, *rest = location
    if rest and isinstance(rest[0], int) and rest[0] < len(tables):
        first, end = tables[rest[0]], [*tables, end][rest[0] + 1]
        name = rest[-1]
    named = re.compile(rf"\s*{re.escape(str(name))}\s*=")
    return next((number for number in range(first, end + 1) if named.match(lines[number - 1])), first)


def _check_arguments(front: _FrontMatter, lines: list[str], end: int) -> None:
    """Refuses arguments that are declared twice, not used or not declared."""
    names = [argument.name for argument in front.arguments]
    for name, line in _placeholders(lines, end):
        if name not in names:
            raise _Fault(line, f"the text uses the argument {name}, which is not declared.")
    used = {name for name, _ in _placeholders(lines, end)}
    for index, name in enumerate(names):
        if name in names[:index]:
            raise _Fault(_line_of(lines[:end], ("arguments", index, "name")), f"there are two arguments {name}.")
        if name not in used:
            raise _Fault(
                _line_of(lines[:end], ("arguments", index, "name")), f"the text does not use the argument {name}."
            )


def _placeholders(lines: list[str], end: int) -> Iterator[tuple[str, int]]:
    """The arguments that the text below line `end` uses, each with its line."""
    for number, line in enumerate(lines[end:], end + 1):
        for name in _names(line):
            yield name, number


def _names(line: str) -> list[str]:
    """The arguments that a line uses."""
    return [placeholder["name"] for placeholder in _PLACEHOLDER.finditer(line) if placeholder["name"]]


def one_line(value: str) -> str:
    """An argument as it may stand in quotation marks of a text: on one line, and nothing hidden in it."""
    return " ".join(visible(value).split()).replace('"', "'")


def _filled(text: str, arguments: Mapping[str, str]) -> str:
    given = {name: one_line(value) for name, value in arguments.items()}
    kept = [line for line in text.split("\n") if all(given.get(name) for name in _names(line))]
    filled = _PLACEHOLDER.sub(lambda found: found["literal"] or given[found["name"]], "\n".join(kept))
    return _EMPTY_LINES.sub("\n\n", filled).strip()
