"""Whatever a client's file says, and however it is written, an entry goes in and out and leaves no trace."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pc_mcp.commands.install.clients import CLIENTS
from pc_mcp.commands.install.entry import ClientText
from pc_mcp.commands.install.json_text import Malformed

ENTRY = {"command": 'C:\\Program Files\\"pc-mcp".exe', "args": ["serve", "--config", "Zoë // {}.toml"]}

keys = st.text(max_size=8).filter(lambda key: key not in {"pc-mcp", "mcpServers"})
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.just('a "quoted" // [value], {}')
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))
servers = st.dictionaries(keys, st.dictionaries(keys, values, max_size=3), max_size=3)


@st.composite
def files(draw) -> tuple[dict, str]:
    """What a file says, and its text: with any indentation, line ends, comments and trailing commas."""
    root = draw(st.dictionaries(keys, values, max_size=3))
    if draw(st.booleans()):
        root["mcpServers"] = draw(servers)
        root |= draw(st.dictionaries(keys.filter(lambda key: key not in root), values, max_size=1))
    text = json.dumps(root, indent=draw(st.sampled_from([None, 1, 2, 4, "\t"])), ensure_ascii=draw(st.booleans()))
    lines = []
    for line in text.split("\n"):
        trailing = "," if line[-1] in '}]"' and draw(st.booleans()) else ""
        ends_value = len(lines) + 1 < text.count("\n") + 1 and text.split("\n")[len(lines) + 1].strip()[:1] in {
            "}",
            "]",
        }
        comment = draw(st.sampled_from(["", "", " // a, comment }", ' /* "another" [ */']))
        lines.append(line + (trailing if ends_value else "") + (comment if "\n" in text else ""))
    before = draw(st.sampled_from(["", "// {\n", "/*\n*/ ", "\n\n"]))
    return root, (before + "\n".join(lines)).replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@pytest.mark.slow
@settings(max_examples=60)
@given(files())
def test_an_entry_goes_into_any_json_and_out_again(file):
    root, text = file
    before = ClientText(CLIENTS["cursor"], text)
    assert before.parsed() == root
    after = ClientText(CLIENTS["cursor"], before.with_entry(ENTRY))
    section = root.get("mcpServers", {})
    assert after.parsed() == {**root, "mcpServers": {**section, "pc-mcp": ENTRY}}
    assert after.with_entry(ENTRY) == after.text
    assert after.without_entry([text]) == text
    alone = ClientText(CLIENTS["cursor"], after.without_entry())
    assert alone.parsed() == {**root, "mcpServers": section}
    if section:
        assert alone.text == text


@pytest.mark.slow
@settings(max_examples=40)
@given(files(), st.sampled_from([{"command": "x"}, {**ENTRY, "args": []}, {**ENTRY, "type": "stdio"}]))
def test_an_entry_that_is_changed_leaves_the_rest_alone(file, changed):
    before = ClientText(CLIENTS["cursor"], ClientText(CLIENTS["cursor"], file[1]).with_entry(ENTRY))
    after = ClientText(CLIENTS["cursor"], before.with_entry(changed))
    assert after.parsed()["mcpServers"]["pc-mcp"] == {**ENTRY, **changed}
    assert after.without_entry([file[1]]) == file[1]


@given(st.text(alphabet='{}[]",:/*\\ \n1a', max_size=30))
def test_what_is_no_json_is_malformed_at_a_line_that_is_there(text):
    file = ClientText(CLIENTS["vscode"], text)
    try:
        after = file.with_entry(ENTRY)
    except Malformed as malformed:
        fault = malformed
    else:
        assert ClientText(CLIENTS["vscode"], after).entry() == ENTRY
        return
    assert 1 <= fault.line <= text.count("\n") + 1
    assert fault.fault


TOML = [
    "",
    "# nothing\n",
    'a = """\n[mcp_servers.pc-mcp]\n"""\n[mcp_servers]\n',
    "[mcp_servers.a]\n\n[b]\n[mcp_servers.c.env]\nx = 1\n",
    "[[b]]\nc = [\n  [1],\n  # [d]\n]\n",
    '["mcp_servers".\'a.b\']\n"pc-mcp" = 1',
    "mcp_servers.a.command = 'x'\n[z]\n",
]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("text", TOML)
def test_an_entry_goes_into_any_toml_and_out_again(text, line_end):
    text = text.replace("\n", line_end)
    before = ClientText(CLIENTS["codex"], text)
    root = before.parsed()
    after = ClientText(CLIENTS["codex"], before.with_entry(ENTRY))
    assert after.entry() == ENTRY
    assert after.with_entry(ENTRY) == after.text
    assert after.without_entry([text]) == text
    alone = ClientText(CLIENTS["codex"], after.without_entry()).parsed()
    assert {"mcp_servers": {}, **alone} == {"mcp_servers": {}, **root}
