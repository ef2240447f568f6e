"""README.md fits three screens, as a reader of its page on GitHub sees it."""

import pytest
from markdown_it import MarkdownIt
from selenium import webdriver

from tests.docs.documents import ROOT

pytestmark = pytest.mark.slow

WIDTH, MOST = 850, 2500
"""In pixels: of the column of text, and the height that nobody has to scroll long for."""

# What of GitHub's style sheet decides how much room a text takes.
_STYLE = """
body { margin: 0; width: 850px; font: 16px/1.5 "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
p, ul, table, pre { margin: 0 0 16px; } ul { padding-left: 32px; } li + li { margin-top: 4px; }
h1, h2 { margin: 24px 0 16px; padding-bottom: 5px; border-bottom: 1px solid; line-height: 1.25; }
h1 { font-size: 32px; margin-top: 0; } h2 { font-size: 24px; }
code, pre { font: 13.6px Menlo, Consolas, "DejaVu Sans Mono", monospace; } code { padding: 2px 5px; }
pre { padding: 16px; line-height: 1.45; overflow: auto; } pre code { padding: 0; }
th, td { padding: 6px 13px; border: 1px solid; } table { border-collapse: collapse; } img { max-width: 100%; }
"""


def test_the_readme_is_no_wall_of_text(chromium: webdriver.Chrome, tmp_path):
    body = MarkdownIt("gfm-like", {"linkify": False}).render((ROOT / "README.md").read_text(encoding="utf-8"))
    head = f'<meta charset="utf-8"><base href="{ROOT.as_uri()}/"><style>{_STYLE}</style>'
    (page := tmp_path / "readme.html").write_text(f"<!doctype html>{head}{body}", encoding="utf-8")
    chromium.get(page.as_uri())
    size = chromium.execute_script("return [document.images[0].width, document.body.getBoundingClientRect().height]")
    assert size[0] == WIDTH  # the picture is there
    assert 1000 < size[1] <= MOST
