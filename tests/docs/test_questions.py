"""The questions of the documents and their picture: what a client gets from the simulated customers."""

import os
import re
import sys
import xml.etree.ElementTree as ET

import pytest
from mcp import Client, StdioServerParameters

from pc_mcp.tools import all_tools
from tests.docs.documents import ROOT
from tests.docs.questions import QUESTIONS, ask, first_questions, questions_table

pytestmark = pytest.mark.slow

README, PAGE = ROOT / "README.md", ROOT / "docs" / "questions.md"
PICTURE = ROOT / "docs" / "conversation.svg"
SVG = "{http://www.w3.org/2000/svg}"


async def test_every_answer_that_is_shown_is_what_a_client_gets_over_stdio(tmp_path):
    variables = {"PC_MCP_EXPORTS__FOLDER": str(tmp_path), "PC_MCP_CONFIG": os.devnull}
    command = ["-P", "-m", "pc_mcp", "serve", "--sandbox"]
    async with Client(StdioServerParameters(command=sys.executable, args=command, env=variables)) as client:
        answered = await ask(client, QUESTIONS)
    assert questions_table(answered) in PAGE.read_text(encoding="utf-8")
    assert first_questions(answered) in README.read_text(encoding="utf-8")
    (exported,) = tmp_path.iterdir()
    assert len(exported.read_text(encoding="utf-8-sig").splitlines()) == 1 + 311


def test_the_questions_use_many_tools():
    tools = {tool.name for tool in all_tools(exports=True)}
    assert {question.tool for question in QUESTIONS} <= tools
    assert len({question.tool for question in QUESTIONS}) >= 7
    assert len(QUESTIONS) >= 15
    assert any(question.next_page for question in QUESTIONS)


@pytest.mark.parametrize("question", [each for each in QUESTIONS if not each.next_page], ids=lambda each: each.words)
def test_a_question_can_be_asked_as_it_stands(question):
    """Whoever is meant is named in it; nothing is left to a question before."""
    named = [question.arguments.get(name, "") for name in ("customer", "batch", "query", "batch_tracking_id")]
    for words in [*named, *question.arguments.get("identifiers", [])]:
        assert words.casefold() in question.words.casefold()


def test_the_readme_shows_six_questions_first():
    assert sum(question.first for question in QUESTIONS) == 6


def test_the_picture_is_small_and_needs_nothing_from_elsewhere():
    svg = PICTURE.read_text(encoding="utf-8")
    assert len(svg) < 60_000
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(svg).iter()}
    assert tags == {"svg", "title", "style", "rect", "path", "text", "tspan"}
    assert re.findall(r"https?:[^\"]+", svg) == [SVG.strip("{}")]
    assert not re.search(r"url\(|@import|@font-face|href|\son\w+=", svg)
    assert "@media (prefers-color-scheme: dark)" in svg


def test_what_the_picture_shows_is_inside_of_it():
    root = ET.fromstring(PICTURE.read_text(encoding="utf-8"))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for rect in root.iter(f"{SVG}rect"):
        assert 0 <= float(rect.get("x", 0)) <= float(rect.get("x", 0)) + float(rect.get("width", 0)) <= width
        assert float(rect.get("y", 0)) + float(rect.get("height", 0)) <= height
    for text in root.iter(f"{SVG}text"):
        assert float(text.get("y", 0)) < height


def test_what_the_picture_says_is_said_to_those_who_do_not_see_it():
    title = ET.fromstring(PICTURE.read_text(encoding="utf-8")).findtext(f"{SVG}title")
    assert f"![{title}](docs/conversation.svg)" in README.read_text(encoding="utf-8")
