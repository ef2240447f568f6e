"""Whoever misspells one of a few names is told which one is meant, by one rule everywhere."""

import time

import pytest

from pc_mcp.runtime.nearest_name import did_you_mean, nearest_names

NAMES = ["list_devices", "list_device_batches", "find_devices", "find_customers", "sign_in", "--client-id"]


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("List-Devices", ["list_devices"]),
        ("list device", ["list_devices", "list_device_batches"]),
        ("find_custmers", ["find_customers"]),
        ("--client_id", ["--client-id"]),
        ("clientid", ["--client-id"]),
        ("signin", ["sign_in"]),
        ("zzz", []),
        ("s", []),
        ("", []),
        ("--", []),
    ],
)
def test_the_names_that_begin_so_are_meant_or_the_one_that_is_most_like_it(word, near):
    assert nearest_names(word, NAMES) == near


def test_a_word_that_too_many_names_begin_with_gets_the_nearest_only():
    assert nearest_names("set", ["set-a", "set-b", "set-c", "setting-of-much"]) == ["set-c"]


def test_it_is_asked_behind_a_sentence_or_nothing_is():
    assert did_you_mean("list_device", NAMES) == " Did you mean list_devices or list_device_batches?"
    assert did_you_mean("tenant", ["tenant_id"], lambda name: f"auth.{name}") == " Did you mean auth.tenant_id?"
    assert did_you_mean("zzz", NAMES) == ""


def test_a_word_of_any_length_costs_little():
    began = time.process_time()
    nearest_names("ab" * 5_000_000, NAMES)
    assert time.process_time() - began < 5
