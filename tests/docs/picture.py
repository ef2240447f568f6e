"""docs/conversation.svg: questions, the calls in small type, and the answers as an assistant shows them.

Nobody knows the fonts of who looks at it, so widths are estimated by the widest of the common ones.
"""

import re
import textwrap
from collections.abc import Sequence
from html import escape

from tests.docs.questions import Answer, Question

WIDTH, LEFT, RIGHT = 880, 40, 840
WIDEST = {"text": 0.6, "code": 0.61}
"""The mean width of a character in short texts, as a part of the font's size."""
NARROWER = 0.9
"""How much narrower it is in whole sentences."""

STYLE = """
svg { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.card { fill: #ffffff; stroke: #d0d7de; }
.asked { fill: #e7f0fd; }
.call { fill: #f6f8fa; stroke: #d8dee4; }
.rule { stroke: #d8dee4; }
.done { fill: none; stroke: #1a7f37; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
text { fill: #1f2328; font-size: 15px; }
.small { font-size: 13.5px; }
.muted { fill: #59636e; font-size: 12.5px; }
.strong { font-weight: 600; }
.code { fill: #424a53; font-size: 11.5px; }
.code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
@media (prefers-color-scheme: dark) {
.card { fill: #0d1117; stroke: #3d444d; }
.asked { fill: #1b3a66; }
.call { fill: #161b22; stroke: #3d444d; }
.rule { stroke: #3d444d; }
.done { stroke: #3fb950; }
text { fill: #f0f6fc; }
.muted { fill: #9198a1; }
.code { fill: #c4ccd5; }
}
"""


class Picture:
    """Grows downwards; `y` is where the next thing begins."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.y = 32

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        """One line, whose baseline is `y`; `**words**` are bold."""
        shown = re.sub(r"\*\*(.+?)\*\*", r'<tspan class="strong">\1</tspan>', escape(words, quote=False))
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.parts.append(f'<text x="{x:g}" y="{y:g}" class="{kind}"{place}>{shown}</text>')

    def box(self, x: float, y: float, size: tuple[float, float], kind: str, radius: float) -> None:
        width, height = size
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" class="{kind}"/>'
        )

    def question(self, words: str) -> None:
        width = len(words) * 15 * WIDEST["text"] * NARROWER + 36
        self.box(RIGHT - width, self.y, (width, 40), "asked", 20)
        self.text(RIGHT - width / 2, self.y + 25.5, words, anchor="middle")
        self.y += 58

    def call(self, call: str) -> None:
        lines = textwrap.wrap(call, 108)
        width = max(map(len, lines)) * 11.5 * WIDEST["code"] + 42
        self.box(LEFT, self.y, (width, 12 + 17 * len(lines)), "call", 7)
        self.parts.append(f'<path d="M{LEFT + 11} {self.y + 14.5:g}l3.5 3.5l6.5 -7" class="done"/>')
        for number, line in enumerate(lines):
            self.text(LEFT + 30, self.y + 18.5 + 17 * number, line, "code")
        self.y += 12 + 17 * len(lines) + 14

    def paragraph(self, words: str, *, x: float = LEFT, small: bool = False) -> None:
        size, height = (13.5, 21) if small else (15, 23)
        for line in textwrap.wrap(words, int((RIGHT - x) / size / WIDEST["text"] / NARROWER)):
            self.text(x, self.y + height - 7, line, "small" if small else "")
            self.y += height

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        x = LEFT + 10.0
        places = []
        for number, name in enumerate(header):
            cells = [row[number] for row in rows]
            width = max(len(cell) for cell in [name, *cells]) * 13.5 * WIDEST["text"]
            is_number = all(re.fullmatch(r"[\d,]+", cell) for cell in cells)
            places.append((x + width, "end") if is_number else (x, "start"))
            x += width + 26
        for number, line in enumerate([header, *rows]):
            for (place, anchor), cell in zip(places, line, strict=True):
                self.text(place, self.y + 18, cell, "small" if number else "muted strong", anchor)
            self.y += 27
            if number < len(rows):
                self.parts.append(f'<path d="M{LEFT} {self.y - 0.5:g}H{x - 16:g}" class="rule"/>')
        self.y += 8

    def answer(self, question: Question, answer: Answer) -> None:
        self.paragraph(answer.first_line.replace(answer.gist, f"**{answer.gist}**", 1))
        self.y += 4
        self.table(question.columns, answer.table(question.columns))
        if question.line:
            self.paragraph(answer.line(question.line))
            self.y += 6
        read = f"{answer.requests:,} requests, {answer.bytes_read / 1e6:,.1f} MB of JSON read"
        self.text(LEFT, self.y + 14, f"{read}; {len(answer.text):,} characters for the model", "muted")
        self.y += 42


def conversation(questions: Sequence[Question], answers: Sequence[Answer]) -> str:
    """The SVG of the questions and what was answered."""
    picture = Picture()
    for question, answer in zip(questions, answers, strict=True):
        picture.question(question.words)
        picture.call(question.call)
        picture.answer(question, answer)
    height = picture.y - 8
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}" '
        f'viewBox="0 0 {WIDTH} {height:g}" role="img">'
    )
    card = f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:g}" rx="14" class="card"/>'
    style, title = f"<style>{STYLE}</style>", f"<title>{escape(in_words(questions, answers), quote=False)}</title>"
    return "\n".join([head, title, style, card, *picture.parts, "</svg>"]) + "\n"


def in_words(questions: Sequence[Question], answers: Sequence[Answer]) -> str:
    """What the picture says, for those who do not see it."""
    said = [
        f"Asked: {question.words} Answered: {answer.first_line}"
        for question, answer in zip(questions, answers, strict=True)
    ]
    return " ".join(said)
