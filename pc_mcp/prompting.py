"""Prompts: one Markdown file each in `prompts/`, with TOML front matter between lines of `+++`.

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
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument
from pydantic import BaseModel, ConfigDict, ValidationError

from pc_mcp.failures import Failure

_PARTS = re.compile(r"\A\+\+\+\n(?P<front>.*?)\n\+\+\+\n(?P<text>.*)\Z", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class PromptFileError(Failure):
    """A prompt file cannot be used; the text says which file and why."""

    exit_status = 2


class _FrontMatter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    title: str
    description: str
    arguments: list[PromptArgument] = []


def load_prompts(folder: Path | None = None) -> list[Prompt]:
    """The prompts in `folder` (without one: those that come with the program), by name.

    Raises `PromptFileError`.
    """
    return [_prompt(path) for path in sorted((folder or _own_folder()).glob("*.md"))]


def _own_folder() -> Path:
    """`prompts/` is packed beside this module; in a source tree it lies beside the package."""
    packed = Path(__file__).parent / "prompts"
    return packed if packed.is_dir() else packed.parent.parent / "prompts"


def _prompt(path: Path) -> Prompt:
    try:
        parts = _PARTS.match(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise PromptFileError(f"{path}: the file is not UTF-8 text.") from None
    if parts is None:
        raise PromptFileError(f"{path}: the file must begin with front matter between lines of +++.")
    try:
        front = _FrontMatter(**tomllib.loads(parts["front"]))
    except tomllib.TOMLDecodeError as error:
        raise PromptFileError(f"{path}: {error}") from None
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise PromptFileError(f"{path}: {'; '.join(faults)}") from None
    text = parts["text"].strip()
    known = {argument.name for argument in front.arguments}
    if unknown := set(_PLACEHOLDER.findall(text)) - known:
        raise PromptFileError(f"{path}: the text uses arguments that are not declared: {sorted(unknown)}.")

    def render(**arguments: str) -> str:
        return _filled(text, arguments)

    return Prompt(
        name=front.name,
        title=front.title,
        description=front.description,
        arguments=front.arguments,
        fn=render,
    )


def _filled(text: str, arguments: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda placeholder: arguments.get(placeholder[1], "").strip(), text)
