"""The generated parts of the documentation are what the program says of itself."""

import pytest

from tests.documentation import commands_reference, generated, with_part


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_it_is_up_to_date(path):
    assert path.read_text(encoding="utf-8") == generated()[path]


def test_the_commands_are_the_same_on_every_terminal(monkeypatch):
    expected = commands_reference()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert commands_reference() == expected


def test_only_what_stands_between_the_marks_is_replaced():
    document = "before\n<!-- x -->\nold\nlines\n<!-- end x -->\nafter"
    assert with_part(document, "x", "new") == "before\n<!-- x -->\nnew\n<!-- end x -->\nafter"
    with pytest.raises(AssertionError, match="there is no"):
        with_part(document, "y", "new")
