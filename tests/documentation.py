"""The generated parts of the documentation: written with `--write`, else compared with what is there.

`make docs` writes them, `make docs-check` fails when they differ. A generated part of a document
stands between `<!-- name -->` and `<!-- end name -->`; some files are generated as a whole.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pydantic import SecretStr

from pc_mcp.commands.cli import parser
from pc_mcp.commands.grammar import subcommands
from pc_mcp.protocol.prompts import load_prompts
from pc_mcp.settings import Settings, sections
from pc_mcp.tools import DomainTool, all_tools
from pc_mcp.tools.support.addresses import TEMPLATES
from tests.docs.picture import conversation, in_words
from tests.docs.questions import CONVERSATION, QUESTIONS, answers, first_questions, questions_table

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
QUESTIONS_PAGE = ROOT / "docs" / "questions.md"
PICTURE = ROOT / "docs" / "conversation.svg"
ENV = "PC_MCP_"
REQUIRED = "\\*"


def tools_table() -> str:
    """The tools and their arguments, for the beginning of docs/tools.md."""
    lines = ["| tool | arguments | what it is for |", "| --- | --- | --- |"]
    for tool in all_tools(exports=True):
        needed = required(tool)
        arguments = ", ".join(f"`{name}`{REQUIRED if name in needed else ''}" for name in tool.parameters["properties"])
        purpose = tool.description.split(". ")[0].rstrip(".")
        lines.append(f"| `{tool.name}` | {arguments} | {purpose}. |")
    return "\n".join([*lines, "", "\\* required"])


def required(tool: DomainTool) -> set[str]:
    """The arguments that a tool must have; of some, only its words say so, for a refusal that says what to do."""
    properties = tool.parameters["properties"]
    told = {name for name, schema in properties.items() if schema.get("description", "").startswith("Required.")}
    return told.union(tool.parameters.get("required", []))


def arguments_reference() -> str:
    """Every argument of every tool, with its type, bounds and description."""
    parts = [
        "# Tools",
        "",
        "Generated from the tools themselves. Every tool only reads Partner Center. `export_devices` writes files, and",
        "is there only when the setting `exports.folder` names a folder. A customer is named by its tenant id, domain",
        "or name, or by a part of the name that no other customer has.",
        "",
        tools_table(),
    ]
    for tool in all_tools(exports=True):
        parts += ["", f"## `{tool.name}`", "", tool.description, "", f"For example: `{call(tool)}`.", ""]
        if not tool.parameters["properties"]:
            parts.append("It takes no arguments.")
            continue
        parts += ["| argument | type | default | meaning |", "| --- | --- | --- | --- |"]
        for name, schema in tool.parameters["properties"].items():
            needed = name in required(tool)
            default = "required" if needed else shown(schema.get("default", ""))
            parts.append(f"| `{name}` | {kind(schema)} | {default} | {schema.get('description', '')} |")
    return "\n".join(parts) + "\n"


def call(tool: DomainTool) -> str:
    """A call of the tool, such as `find_customers(query="contoso")`."""
    return f"{tool.name}({', '.join(f'{name}={json.dumps(value)}' for name, value in tool.example.items())})"


def prompts_table() -> str:
    """The prompts and their arguments, for docs/prompts.md."""
    lines = ["| prompt | arguments | what it is for |", "| --- | --- | --- |"]
    for prompt in load_prompts():
        arguments = ", ".join(f"`{each.name}`{REQUIRED if each.required else ''}" for each in prompt.arguments or [])
        lines.append(f"| `{prompt.name}` | {arguments} | {prompt.description} |")
    return "\n".join([*lines, "", "\\* required"])


def resources_table() -> str:
    """The templates of the resources, for docs/files.md."""
    lines = ["| resource | what it is |", "| --- | --- |"]
    lines += [f"| `{each.uri_template}` | {each.title} |" for each in TEMPLATES.values()]
    return "\n".join(lines)


def kind(schema: Mapping[str, object]) -> str:
    """A type with its bounds, such as `integer 0..100`."""
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])  # type: ignore[attr-defined]
    name = str(schema.get("type", ""))
    if name == "array":
        return f"list of {kind(schema['items'])}"  # type: ignore[arg-type]
    if "minimum" in schema:
        return f"{name} {schema['minimum']}..{schema['maximum']}"
    return name


def settings_reference() -> str:
    """docs/settings.md."""
    parts = [
        "# Settings",
        "",
        "Generated from the settings themselves. A command-line option comes first, then the environment, then",
        "the configuration file, then the default. The file is the one that `--config` or `PC_MCP_CONFIG` names,",
        "else `config.toml` in the user's folder for it (`~/.config/pc-mcp` on Linux,",
        "`~/Library/Application Support/pc-mcp` on macOS, `%USERPROFILE%\\.pc-mcp` on Windows).",
        "`config.example.toml` shows every setting with its default. An unknown setting is an error; an empty",
        "variable counts as not given.",
    ]
    for section, model in sections().items():
        parts += ["", f"## `[{section}]`", "", str(model.__doc__), ""]
        parts += ["| setting | default | environment variable | meaning |", "| --- | --- | --- | --- |"]
        for name, field in model.model_fields.items():
            variable = f"`{ENV}{section}__{name}`".upper()
            parts.append(f"| `{name}` | {shown(field.default)} | {variable} | {field.description} |")
    return "\n".join(parts) + "\n"


def example_configuration() -> str:
    """config.example.toml."""
    parts = [
        "# Every setting with its default. Copy what you change into config.toml in the folder that",
        "# docs/settings.md names, or give it with --config.",
    ]
    for section, model in sections().items():
        parts += ["", f"[{section}]"]
        for name, field in model.model_fields.items():
            parts.append(f"# {field.description}")
            parts.append(f'# {name} = "…"' if field.default is None else f"{name} = {toml(field.default)}")
    return "\n".join(parts) + "\n"


def commands_reference() -> str:
    """docs/commands.md."""
    parts = ["# Commands", "", "Generated from the commands' own help."]
    for name, help_text in commands():
        parts += ["", f"## `{name}`", "", "```text", help_text.rstrip(), "```"]
    return "\n".join(parts) + "\n"


def commands() -> Iterator[tuple[str, str]]:
    """Each command and its help."""
    whole = parser()
    yield "pc-mcp", whole.format_help()
    for name, command in subcommands(whole).items():
        yield f"pc-mcp {name}", command.format_help()


def shown(value: object) -> str:
    return "" if value is None or value == "" else f"`{toml(value)}`"


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    assert not isinstance(value, SecretStr)
    return f'"{value}"'


def with_part(document: str, name: str, part: str) -> str:
    """`document` with what stands between the marks of `name` replaced."""
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    assert marked.search(document), f"there is no <!-- {name} -->"
    return marked.sub(lambda match: f"{match[1]}{part}\n{match[2]}", document)


def generated() -> dict[Path, str]:
    """Every file that is generated, or that has a generated part, as it should be; answers are left as they are."""
    parts: dict[str, tuple[str, Callable[[], str]]] = {
        "docs/prompts.md": ("prompts", prompts_table),
        "docs/files.md": ("resources", resources_table),
    }
    whole: dict[str, Callable[[], str]] = {
        "docs/settings.md": settings_reference,
        "docs/tools.md": arguments_reference,
        "docs/commands.md": commands_reference,
        "config.example.toml": example_configuration,
    }
    files = {ROOT / name: make() for name, make in whole.items()}
    for name, (part, make) in parts.items():
        files[ROOT / name] = with_part((ROOT / name).read_text(encoding="utf-8"), part, make())
    return files


def with_answers(files: Mapping[Path, str]) -> dict[Path, str]:
    """`files`, the questions and the picture, with what a server answers now. Takes some seconds."""
    answered = answers((*CONVERSATION, *QUESTIONS))
    pictured, told = answered[: len(CONVERSATION)], answered[len(CONVERSATION) :]
    image = f"![{in_words(CONVERSATION, pictured)}]({PICTURE.relative_to(ROOT).as_posix()})"
    readme = with_part(README.read_text(encoding="utf-8"), "conversation", image)
    readme = with_part(readme, "questions", first_questions(told))
    page = with_part(QUESTIONS_PAGE.read_text(encoding="utf-8"), "questions", questions_table(told))
    return {**files, README: readme, QUESTIONS_PAGE: page, PICTURE: conversation(CONVERSATION, pictured)}


def main() -> int:
    assert isinstance(Settings.model_config, dict)
    write = "--write" in sys.argv[1:]
    stale = []
    for path, text in with_answers(generated()).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.relative_to(ROOT))
            if write:
                path.write_text(text, encoding="utf-8")
    if stale and not write:
        sys.stderr.write(f"Not up to date: {', '.join(map(str, stale))}. Run `make docs`.\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
