"""Prompts come from Markdown files, in both eras, and a file that is no prompt is named."""

from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError

from pc_mcp.prompting import PromptFileError, load_prompts

HEAD = 'name = "x"\ntitle = "X"\ndescription = "What it is for."\n'
ARGUMENT = '[[arguments]]\nname = "customer"\nrequired = true\n'


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "bad.md"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


async def test_the_overview_is_listed_with_its_argument(connect, mode):
    async with connect(mode) as client:
        (prompt,) = (await client.list_prompts()).prompts
    assert (prompt.name, prompt.title) == ("device_overview", "Device overview of a customer")
    assert [(a.name, a.required, bool(a.description)) for a in prompt.arguments] == [("customer", True, True)]


async def test_the_overview_is_rendered_for_the_customer(connect, mode):
    async with connect(mode) as client:
        result = await client.get_prompt("device_overview", {"customer": " Müller {customer} \\1 "})
    (message,) = result.messages
    assert message.role == "user"
    first, *rest = message.content.text.split("\n")
    assert first.endswith("that we uploaded for Müller {customer} \\1.")
    assert "list_devices" in "\n".join(rest)


async def test_the_overview_is_refused_without_a_customer(connect, mode):
    async with connect(mode) as client:
        with pytest.raises(MCPError, match=r"^The prompt device_overview needs customer\.$"):
            await client.get_prompt("device_overview")


async def test_an_unknown_prompt_is_refused_with_the_prompts_there_are(connect, mode):
    async with connect(mode) as client:
        with pytest.raises(MCPError, match=r"no prompt overview\. The prompts are: device_overview\."):
            await client.get_prompt("overview")


def test_prompts_are_loaded_by_the_names_of_their_files(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.md").write_text(f"+++\n{HEAD.replace('x', name)}+++\nDo {name}.\n")
    (tmp_path / "notes.txt").write_text("no prompt")
    assert [prompt.name for prompt in load_prompts(tmp_path)] == ["a", "b"]


async def test_line_ends_of_windows_do_no_harm(tmp_path):
    written(tmp_path, f"+++\n{HEAD}{ARGUMENT}+++\nAbout {{customer}}.\n".replace("\n", "\r\n"))
    (prompt,) = load_prompts(tmp_path)
    assert prompt.fn(customer="Contoso") == "About Contoso."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must begin with front matter"),
        ("Do this.\n", "must begin with front matter"),
        (f"+++\n{HEAD}\nDo this.\n", "must begin with front matter"),
        ("+++\nname = \n+++\nDo this.\n", "Invalid value"),
        ('+++\nname = "x"\n+++\nDo this.\n', "title"),
        (f"+++\n{HEAD}tool = 1\n+++\nDo this.\n", "tool"),
        (f"+++\n{HEAD}arguments = [1]\n+++\nDo this.\n", "arguments"),
        (f"+++\n{HEAD}+++\nDo this for {{customer}}.\n", r"not declared: \['customer'\]"),
        (f"+++\n{HEAD}+++\n".encode() + b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_prompt_is_named(tmp_path, text, why):
    path = written(tmp_path, text)
    with pytest.raises(PromptFileError, match=why) as refused:
        load_prompts(tmp_path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "errors.pydantic.dev" not in str(refused.value)
