# ruff: noqa: RUF001 - texts that only look the same are what this is about
"""When two texts are the same, wherever text is compared."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pc_mcp.runtime.text import DASHES, LONGEST_KEY, compact, match_key, shown_and_key, visible

any_text = st.one_of(
    st.text(st.characters(), max_size=40),
    st.text(st.sampled_from('aAøØßİıſ\u0301\u0345\u200b\u00a0\u2011’"`\\¦| -\u3099かǅﬁ'), max_size=20),
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Oresund", "Øresund"),
        ("muller & sohne", "Müller & Söhne"),
        ("Mu\u0308ller", "Müller"),
        ("LODZ", "Łódź"),
        ("Strasse", "STRAẞE"),
        ("aero", "Ærø"),
        ("diyarbakir", "Dıyarbakır"),
        ("istanbul", "İstanbul"),
        ("Dordevic", "Đorđević"),
        ("Thor", "Þor"),
        ("2R9-2345", "2R9\u20112345"),
        ("2R9\u20132345", "2R9\u22122345"),
        ("VMware-56 4d", "VMware-56\u00a04d"),
        ("VMware-56 4d", "VMware-56  4d"),
        ("VMware-56 4d", "VMware-56\t4d"),
        ("O'Brien", "O’Brien"),
        ("O'Brien", "O´Brien"),
        ("O'Brien", "O`Brien"),
        ("19'", '19"'),
        ("ABC 12", "ＡＢＣ\u3000１２"),
        ("file", "ﬁle"),
        ("Kelvin", "\u212aelvin"),
        ("a|b", "a¦b"),
        ("a_b*", "a\\_b\\*"),
        ("Contoso", "Con\u200bto\u00adso\u202e"),
    ],
)
def test_what_a_person_takes_for_the_same_is_the_same(typed, kept):
    assert match_key(typed) == match_key(kept)


@pytest.mark.parametrize(
    ("one", "other"),
    [("カ", "ガ"), ("हि", "ह"), ("ab", "a b"), ("a-b", "ab"), ("0", "O"), ("1", "l"), ("東京", "京都"), ("²x", "3x")],
)
def test_other_letters_are_others(one, other):
    assert match_key(one) != match_key(other)


@given(any_text)
def test_a_key_is_its_own_key_and_that_of_what_is_visible_and_of_each_composition(text):
    key = match_key(text)
    assert match_key(key) == key
    assert match_key(visible(text)) == key
    assert match_key(unicodedata.normalize("NFC", text)) == match_key(unicodedata.normalize("NFD", text)) == key
    shown, kept = shown_and_key(text)
    assert (shown or "") == visible(text)
    assert (kept or "") == key


@pytest.mark.slow
def test_every_dash_of_unicode_is_one():
    dashes = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Pd"]
    assert [dash for dash in dashes if dash not in DASHES] == []
    assert {match_key(f"a{dash}b") for dash in DASHES} == {"a-b"}


def test_every_space_of_unicode_is_one():
    spaces = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
    assert {match_key(f"a {space}b") for space in spaces} == {"a b"}


def test_a_text_that_is_no_name_costs_no_more_than_its_length():
    """Marks in turns are put in order in the square of their number."""
    key = match_key("a" + "\u05b0\u05b4" * 500_000)
    assert (key[0], len(key)) == ("a", LONGEST_KEY)
    assert len(match_key("\ufdfa" * 250)) == LONGEST_KEY


def test_product_keys_are_compared_without_dashes_and_spaces():
    assert compact(match_key("00330–80000 00000-AA291")) == compact(match_key("003308000000000aa291"))
