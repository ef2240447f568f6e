"""Parsers on real pages, untyped and, where one can, only what is kept."""

import contextlib
import importlib
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pydantic_core

from bench.results import Row, Section, Sizes
from bench.statistics import median
from bench.world import BenchCustomer

Parse = Callable[[bytes], Any]


class _Policy(msgspec.Struct):
    value: str | None = None


class _Device(msgspec.Struct, rename="camel"):
    id: str | None = None
    serial_number: str | None = None
    product_key: str | None = None
    oem_manufacturer_name: str | None = None
    model_name: str | None = None
    policies: list[_Policy] | None = None
    uploaded_date: str | None = None


class _Page(msgspec.Struct, rename="camel"):
    items: list[_Device] | None = None
    continuation_token: str | None = None


def measure(sizes: Sizes) -> Section:
    """Each parser takes every page in turn with `json.loads`."""
    customer = BenchCustomer("Many Batches", min(sizes.one_batch, 20_000))
    pages = [page for batch in customer.batches for page in customer.device_pages(batch)]
    rows = []
    for name, parse in _parsers().items():
        _seconds(parse, pages)
        pairs = [(_seconds(json.loads, pages), _seconds(parse, pages)) for _ in range(sizes.repetitions)]
        theirs, ours = (median(times) / len(pages) * 1e6 for times in zip(*pairs, strict=True))
        ratio = median([own / other for other, own in pairs])
        rows.append(Row(name, f"{ours:.0f} µs", f"{theirs:.0f} µs", f"{ratio:.2f}"))
    return Section(
        "Parsers",
        f"Microseconds a page of 100 devices ({sum(map(len, pages)) / len(pages):,.0f} bytes), against `json.loads`. "
        "*Typed* reads only the fields that are kept.",
        rows,
    )


def _parsers() -> dict[str, Parse]:
    parsers: dict[str, Parse] = {
        "`pydantic_core.from_json`": partial(pydantic_core.from_json, allow_inf_nan=False),
        "`pydantic_core.from_json`, strings not cached": partial(
            pydantic_core.from_json, allow_inf_nan=False, cache_strings="keys"
        ),
        "`msgspec`, untyped": msgspec.json.decode,
        "`msgspec`, typed": msgspec.json.Decoder(_Page).decode,
    }
    with contextlib.suppress(ImportError):  # no dependency of the project: measured where somebody has it
        parsers["`orjson`"] = importlib.import_module("orjson").loads
    return parsers


def _seconds(parse: Parse, pages: list[bytes]) -> float:
    started = time.perf_counter()
    for page in pages:
        parse(page)
    return time.perf_counter() - started
