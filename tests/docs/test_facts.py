"""Names and numbers that a page gives are those of the program."""

import re

import pytest

from bundle.fields import FIELDS
from pc_mcp.protocol.resources import MAX_BYTES
from pc_mcp.tools.support.files import file_stem
from tests.docs.documents import ROOT, column

pytestmark = pytest.mark.slow

PACKAGES, FILES = ROOT / "docs" / "packages.md", ROOT / "docs" / "files.md"
NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six")


def test_the_fields_of_the_bundle_are_those_of_its_manifest():
    text = PACKAGES.read_text(encoding="utf-8")
    assert column(PACKAGES, "field") == [field.title for field in FIELDS]
    for field in FIELDS:
        assert f"| {field.title} | {f'`{field.setting}` ' if field.setting else ''}|" in text
    assert f"{NUMBERS[len(FIELDS)]} fields may be filled in" in text


def test_the_largest_resource_is_as_large_as_the_page_says():
    assert re.findall(r"(\d+) MB", FILES.read_text(encoding="utf-8")) == [str(MAX_BYTES // 2**20)]


def test_files_are_named_as_the_page_says():
    first = f"{file_stem('Contoso Ltd', '', '2025-06-30')}.csv"
    assert re.findall(r"`(devices-.+?)`", FILES.read_text(encoding="utf-8")) == [first, first.replace(".csv", "-2.csv")]
