"""What a file writes of a cell that would be a formula, and what is made of it when it is pasted back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pc_mcp.inventory.formulas import guarded, unguarded

# What counts, and something of each kind that does not.
CHARACTERS = "=+-@\uff1d\uff0b\uff0d\uff20;'\" \t\u3000aé1|"


@given(st.text(CHARACTERS) | st.text())
def test_every_cell_is_what_it_was_when_it_is_pasted_back(text):
    assert unguarded(guarded(text)) == text


@given(st.text(CHARACTERS))
def test_no_cell_begins_like_a_formula_wherever_a_spreadsheet_splits_it(text):
    for cell in guarded(text).split(";"):
        assert cell.strip(' \t\u3000"')[:1] not in set("=+-@\uff1d\uff0b\uff0d\uff20")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("-PF0ABC", "'-PF0ABC"),
        ("A;=B", "A;'=B"),
        ("'-PF0ABC", "''-PF0ABC"),
        ("'a", "'a"),
        ("O'Brien-1", "O'Brien-1"),
        ("2R9-ZNP67", "2R9-ZNP67"),
    ],
)
def test_a_cell_gets_an_apostrophe_where_it_would_be_a_formula(text, cell):
    assert guarded(text) == cell
