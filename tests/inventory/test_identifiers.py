# ruff: noqa: RUF001 - texts that only look the same are what this is about
"""Identifiers as people paste them, and what is said of those that no device has."""

import csv
import io
import json

import anyio
import pytest

from pc_mcp.inventory.questions.identifiers import cells_of
from pc_mcp.runtime.text import match_key
from pc_mcp.sandbox import ScriptedResponse
from tests.answers.reading import size
from tests.scripted import ask, refusal

CUSTOMER = "Contoso Ltd"
GUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
KEY = "00330-80000-00000-AA291"
NOBODY = "9a0c0305-4f89-11d3-9a0c-0305e82c3301"


def device(serial, **facts):
    return {"serialNumber": serial} | facts


def serve(sandbox, *devices):
    """Makes every customer have these devices, in one batch."""
    sandbox.switches.scripted[:] = [
        ScriptedResponse(match="/devices", body=json.dumps({"items": devices}).encode(), times=1000),
        ScriptedResponse(match="/deviceBatches", body=b'{"items": [{"id": "Lot", "devicesCount": 1}]}', times=1000),
    ]


async def found(client, *identifiers, **arguments):
    """Serial number of each device found, after a look at whether nothing else is said."""
    answer = await ask(client, "find_devices", customer=CUSTOMER, identifiers=list(identifiers), **arguments)
    assert answer["not_found"] == []
    return [row["device"].get("serial_number", row["identifier"]) for row in answer["found"]]


@pytest.mark.parametrize("text", ['"2R9-ZNP67"', f"{{{GUID}}}", '="051666489220",', "S/N: 2R9–ZNP67", "12345.00", "=-"])
def test_each_form_of_a_cell_stands_under_the_key_by_which_it_is_looked_up(text):
    (cell,) = cells_of([text])
    assert {match_key(form): form for form in cell.forms.values()} == cell.forms
    assert cell.key == match_key(cell.core)
    assert next(iter(cell.forms)) == match_key(text)


@pytest.mark.slow
async def test_an_identifier_is_found_in_whatever_it_is_wrapped(connect, sandbox):
    serve(sandbox, device("2R9-ZNP67", id=GUID, productKey=KEY))
    wrapped = [
        '"2R9-ZNP67"',
        '="2R9-ZNP67"',
        "“2R9–ZNP67”",
        "„2R9-ZNP67“",
        "`2R9-ZNP67`",
        "**2R9-ZNP67**",
        "'2R9-ZNP67",
        "(2R9-ZNP67)",
        "[2R9-ZNP67]",
        "<2R9-ZNP67>",
        "_2R9-ZNP67_",
        "~~2R9-ZNP67~~",
        "> 2R9-ZNP67",
        "⟨2R9-ZNP67⟩",
        "﹙2R9-ZNP67﹚",
        "<td>2R9-ZNP67</td>",
        "2R9&#8209;ZNP67",
        "&quot;2R9-ZNP67&quot;",
        "2R9-ZNP67)",
        "S/N: 2R9-ZNP67",
        "SN 2r9-znp67",
        "s/n#: 2R9-ZNP67",
        "Serial: 2R9-ZNP67",
        "Serial number = 2R9-ZNP67",
        "Serial No. 2R9-ZNP67",
        "Seriennummer：2R9-ZNP67",
        "Seriennummer 2R9-ZNP67",
        "Serien-Nr. 2R9-ZNP67",
        "Serienummer 2R9-ZNP67",
        "Service-Tag 2R9-ZNP67",
        "Service\u2011Tag 2R9-ZNP67",
        "Asset-Tag 2R9-ZNP67",
        "Número de serie 2R9-ZNP67",
        "[x] 2R9-ZNP67",
        "- [ ] 2R9-ZNP67",
        "☑ 2R9-ZNP67",
        "2R9-ZNP67 → 2R9-ZNP67",
        "2R9-ZNP67 -> 2R9-ZNP67",
        "2R9 - ZNP67",
        "2R9 – ZNP67",
        f"https://portal.example/customers/{NOBODY}/devices/{GUID}?x=1",
        f"<https://portal.example/devices/{GUID.upper().replace('-', '')}/overview#top>",
        f"[2R9-ZNP67](https://portal.example/devices/{GUID})",
        "https://portal.example/devices?serial=2R9%2DZNP67&x=1",
        "Numéro de série : 2R9-ZNP67",
        '"serialNumber": "2R9-ZNP67",',
        "2R9-ZNP67,",
        "2R9-ZNP67;",
        "2R9-ZNP67.",
        "- 2R9-ZNP67",
        "1. 2R9-ZNP67",
        "2R9\u2011ZNP67",
        "\t2R9-ZNP67\r\n",
        "\u200b2R9-ZNP67\ufeff",
        GUID.upper(),
        f"{{{GUID}}}",
        GUID.replace("-", ""),
        f"{{{GUID.replace('-', '').upper()}}}",
        f"Device ID: {GUID}",
        KEY.replace("-", " "),
        KEY.replace("-", ""),
        f"Product key: {KEY.lower()}",
    ]
    async with connect() as client:
        for text in wrapped:
            assert await found(client, text) == ["2R9-ZNP67"], text


async def test_nothing_that_exists_as_it_stands_is_unwrapped(connect, sandbox):
    odd = [
        '"A"',
        "(A)",
        "A,",
        "S/N: A",
        "='A",
        "A; B",
        "A, B",
        "8CG1234ABC 5CD9876XYZ",
        "A|B",
        "'A",
        "1. A",
        "A / B",
        "5,1E+10",
    ]
    serve(sandbox, *map(device, [*odd, "A", "B", "8CG1234ABC", "5CD9876XYZ"]))
    async with connect() as client:
        for text in odd:
            rows = (await ask(client, "find_devices", customer=CUSTOMER, identifiers=[text]))["found"]
            given = [row["device"].get("serial_number", row["identifier"]) for row in rows]
            assert text.replace("|", "¦") in given
            assert "A" not in given


async def test_a_cell_that_holds_several_is_split(connect, sandbox):
    serve(sandbox, device("2R9-ZNP67"), device("051666489220"), device("VMware-56 4d 2e"))
    both = ["2R9-ZNP67", "051666489220"]
    cells = [
        "2R9-ZNP67, 051666489220",
        "2R9-ZNP67;051666489220",
        '"2R9-ZNP67","051666489220"',
        "2R9-ZNP67\n051666489220\n",
        "2R9-ZNP67\t051666489220",
        "2R9-ZNP67|051666489220",
        "2R9-ZNP67 051666489220",
        "2R9-ZNP67 / 051666489220",
        "Serials: 2R9-ZNP67、051666489220",
        "(2R9-ZNP67, 051666489220)",
    ]
    async with connect() as client:
        for text in cells:
            assert await found(client, text) == both, text
        assert await found(client, "VMware-56\u00a04d  2E") == ["VMware-56 4d 2e"]
        answer = await ask(client, "find_devices", customer=CUSTOMER, identifiers=["VMware-56 4d 2f", "a1234567;b"])
    assert answer["not_found"] == ["VMware-56 4d 2f", "a1234567", "b"]


async def test_empty_cells_are_counted_and_the_others_answered(connect, sandbox):
    serve(sandbox, *(device(f"PF{number:06}") for number in range(195)))
    cells = [f"PF{number:06}" for number in range(195)] + ["", " \t", "\u200b", '""', '=""']
    async with connect() as client:
        answer = await ask(client, "find_devices", customer=CUSTOMER, identifiers=cells)
        assert (answer["identifiers_found"], answer["identifiers_not_found"]) == (195, 0)
        assert "5 empty cells left out." in answer["notes"]
        assert "every cell is empty" in await refusal(client, "find_devices", customer=CUSTOMER, identifiers=["", " "])
        many = ",".join(f"PF{number:06}" for number in range(201))
        words = await refusal(client, "find_devices", customer=CUSTOMER, identifiers=[many])
    assert words.startswith("These are more than 200 identifiers. Give up to 200 at once")


async def test_a_number_that_excel_has_shortened_is_called_that(connect, sandbox):
    serve(sandbox, device("051666489220"))
    async with connect() as client:
        for text in ("5.16665E+10", "5,16665E+10", "5E+10", "S/N: 5.16665e10"):
            answer = await ask(client, "find_devices", customer=CUSTOMER, identifiers=[text, "051666489220"])
            assert answer["not_found"] == [text.removeprefix("S/N: ")]
            assert any("Excel has shortened" in note and "original" in note for note in answer["notes"])
            assert answer["identifiers_found"] == 1


async def test_what_an_export_writes_finds_its_device_when_it_is_pasted_back(connect, sandbox, tmp_path):
    serials = ["-PF0ABC", "A;=B", "=1+1", '"quoted" one', 'x;"=y', "@a", "plain", "a,b", "'=already", "＝wide"]
    serve(sandbox, *map(device, serials))
    async with connect(exports={"folder": tmp_path}) as client:
        written = await ask(client, "export_devices", customer=CUSTOMER)
        text = (await anyio.Path(written["path"]).read_bytes()).decode("utf-8-sig")
        cells = [row["serial_number"] for row in csv.DictReader(io.StringIO(text))]
        raw = [line.split('","')[1] for line in text.splitlines()[1:]]
        for serial, cell in zip(serials, cells, strict=True):
            assert await found(client, cell) == [serial]
        for serial, cell in zip(serials, raw, strict=True):
            assert await found(client, f'"{cell}"') == [serial]


async def test_devices_that_are_near_are_possible_and_never_found(connect, sandbox):
    serve(sandbox, *map(device, ["051666489220", "2R9-ZNP67", "PF0ABC12", "XPF0ABC12345", "VMware-56 4d"]))
    cases = {
        "51666489220": ("051666489220", "leading zeros differ"),
        "0051666489220": ("051666489220", "leading zeros differ"),
        "2R9ZNP67": ("2R9-ZNP67", "punctuation differs"),
        "2R9.ZNP67": ("2R9-ZNP67", "punctuation differs"),
        "VMware 56-4d": ("VMware-56 4d", "punctuation differs"),
        "ZNP6": ("2R9-ZNP67", "serial number contains it"),
        "SPF0ABC12X": ("PF0ABC12", "it contains the serial number"),
    }
    async with connect() as client:
        result = await client.call_tool("find_devices", {"customer": CUSTOMER, "identifiers": list(cases)})
        answer = result.structured_content
        assert answer["identifiers_found"] == 0
        assert answer["not_found"] == list(cases)
        given = {row["identifier"]: (row["device"]["serial_number"], row["why"]) for row in answer["possible"]}
        assert given == cases
        assert all(f"| {serial} | Lot |" in result.content[0].text for serial, _ in cases.values())
        nothing = await ask(client, "find_devices", customer=CUSTOMER, identifiers=["000", "QQ-1", "PF"])
    assert nothing["possible"] == []


async def test_of_many_near_ones_three_are_given_the_nearest_first_and_the_rest_is_counted(connect, sandbox):
    near = [f"{'X' * (number + 1)}PF0ABC" for number in range(10)]
    serve(sandbox, *map(device, [*reversed(near), "PF0-ABC"]))
    async with connect() as client:
        answer = await ask(client, "find_devices", customer=CUSTOMER, identifiers=["PF0ABC"])
    assert [row["device"]["serial_number"] for row in answer["possible"]] == ["PF0-ABC", *near[:2]]
    assert any(note.startswith("8 more possible devices left out") for note in answer["notes"])


@pytest.mark.slow
async def test_all_that_was_not_found_is_on_the_first_page_before_what_was_found(connect, sandbox):
    serve(sandbox, *(device(f"PF{number:06}") for number in range(160)))
    unknown = [f"ABC-{number:05}" for number in range(40)]
    cells = [cell for four in range(40) for cell in (*(f"PF{four * 4 + n:06}" for n in range(4)), unknown[four])]
    async with connect() as client:
        result = await client.call_tool("find_devices", {"customer": CUSTOMER, "identifiers": cells})
        pages = [result.structured_content]
        assert pages[0]["not_found"] == unknown
        text = result.content[0].text
        assert f'Not found: "{unknown[0]}", "{unknown[1]}"' in text
        assert text.index(f'"{unknown[-1]}"') < text.index("PF000000")
        while cursor := pages[-1]["next_cursor"]:
            pages.append(await ask(client, "find_devices", customer=CUSTOMER, identifiers=cells, cursor=cursor))
    assert len(pages) > 1
    assert all((page["identifiers_found"], page["identifiers_not_found"]) == (160, 40) for page in pages)
    assert [page["not_found"] for page in pages[1:]] == [[]] * (len(pages) - 1)
    rows = [row["identifier"] for page in pages for row in page["found"]]
    assert rows == [cell for cell in cells if cell not in unknown]


async def test_long_ones_that_are_not_found_and_do_not_fit_are_counted(connect, sandbox):
    serve(sandbox, device("PF000000"))
    cells = [f"{number:03}{'<' * 117}" for number in range(199)] + ["PF000000"]
    async with connect() as client:
        answer = await ask(client, "find_devices", customer=CUSTOMER, identifiers=cells)
    left_out = answer["identifiers_not_found"] - len(answer["not_found"])
    assert answer["identifiers_not_found"] == 199 > left_out > 0
    assert any(
        note.startswith(f"{left_out} of the identifiers that were not found are left out") for note in answer["notes"]
    )
    assert [row["identifier"] for row in answer["found"]] == ["PF000000"]


@pytest.mark.slow
async def test_identifiers_in_any_script_that_are_not_found_fill_what_room_there_is(connect, sandbox):
    serve(sandbox, device("PF000000"))
    given = {}
    async with connect() as client:
        for letter in "xéж漢":
            cells = [f"{letter * 115}{number:04}" for number in range(200)]
            result = await client.call_tool("find_devices", {"customer": CUSTOMER, "identifiers": cells})
            data, text = result.structured_content, result.content[0].text
            given[letter] = len(data["not_found"])
            assert data["not_found"] == cells[: given[letter]]
            assert data["notes"][-1].startswith(f"{200 - given[letter]} of the identifiers that were not found")
            assert 7500 < max(len(text), size(data)) <= 8000
    assert len(set(given.values())) == 1


@pytest.mark.parametrize("text", ["half \ud83d", True, {"serial": "x"}])
async def test_what_is_no_text_is_refused(connect, text):
    async with connect() as client:
        assert "must be a valid string" in await refusal(client, "find_devices", customer=CUSTOMER, identifiers=[text])


async def test_filters_by_a_part_are_unwrapped_where_what_stands_there_is_nowhere(connect, sandbox):
    serve(sandbox, device("2R9-ZNP67"), device("-PF0ABC"), device("S/N: odd"))
    wrapped = {
        "2R9-ZNP67": [
            '"2R9-ZN"',
            "S/N: 2R9-ZNP67",
            "2R9-ZNP67,",
            "(2r9-znp67)",
            '="2R9-ZNP67"',
            "2R9-ZNP67\t",
            "\r\n2R9",
        ],
        "-PF0ABC": ["'-PF0ABC", "'-PF0"],
        "S/N: odd": ["S/N: odd", "s/n:"],
    }
    async with connect() as client:
        for serial, texts in wrapped.items():
            for text in texts:
                asked = {"customer": CUSTOMER, "serial_number": text, "fields": ["serial_number"]}
                answer = await ask(client, "list_devices", **asked)
                assert [row["serial_number"] for row in answer["devices"]] == [serial], text
        result = await client.call_tool("list_devices", {"customer": CUSTOMER, "serial_number": "S/N: 2R9-ZNP67"})
        assert "serial number contains 2R9-ZNP67" in result.content[0].text.replace('"', "")
        for text in ('"Lot"', "Lot,", "(lo)"):
            answer = await ask(client, "list_device_batches", customer=CUSTOMER, name_contains=text)
            assert [batch["id"] for batch in answer["batches"]] == ["Lot"]
        found = (await ask(client, "find_customers", query="Contoso Ltd"))["customers"]
        tenant = found[0]["id"]
        for text in (
            '"Contoso Ltd"',
            "“contoso ltd”",
            f"https://portal.example/customers/{tenant}/devices?x=1",
            f"({tenant})",
        ):
            assert (await ask(client, "find_customers", query=text))["customers"] == found, text


async def test_cells_that_say_that_there_is_nothing_are_empty_and_several_may_be_joined_by_words(connect, sandbox):
    serve(sandbox, device("2R9-ZNP67"), device("2R9-ZNP68"), device("5.5"))
    async with connect() as client:
        for text in ("2R9-ZNP67 and 2R9-ZNP68", "2R9-ZNP67<br>2R9-ZNP68", "2R9-ZNP67&nbsp;2R9-ZNP68"):
            assert await found(client, text) == ["2R9-ZNP67", "2R9-ZNP68"], text
        empty = ["—", "n/a", "#N/A", "null", "2R9-ZNP67", 5.5]
        answer = await ask(client, "find_devices", customer=CUSTOMER, identifiers=empty)
        assert (answer["identifiers_found"], answer["not_found"]) == (2, [])
        assert any(note.startswith("4 empty cells") for note in answer["notes"])


async def test_what_answers_show_of_a_product_key_is_possible_and_never_found(connect, sandbox):
    ends = ["AA442", "AA443", "BBCDF"]
    serve(sandbox, *(device(f"2R9-ZNP6{n}", productKey=f"00330-80000-00000-{end}") for n, end in enumerate(ends)))
    shown = ["*****AA442", '"*****aa443"', "Product key: *****BBCDF", "- *****AA442", "| *****AA444 |"]
    async with connect() as client:
        answer = await ask(client, "find_devices", customer=CUSTOMER, identifiers=shown)
        assert answer["not_found"] == ["*****AA442", "*****aa443", "*****BBCDF", "*****AA444"]
        given = [(row["identifier"], row["device"]["serial_number"], row["why"]) for row in answer["possible"]]
        assert given == [
            ("*****AA442", "2R9-ZNP60", "product key ends so"),
            ("*****aa443", "2R9-ZNP61", "product key ends so"),
            ("*****BBCDF", "2R9-ZNP62", "product key ends so"),
        ]
        assert await found(client, "**2R9-ZNP60**", "***2R9-ZNP61***") == ["2R9-ZNP60", "2R9-ZNP61"]
    async with connect(answers={"reveal_product_keys": True}) as client:
        (near,) = (await ask(client, "find_devices", customer=CUSTOMER, identifiers=["*****AA442"]))["possible"]
    assert near["device"]["serial_number"] == "2R9-ZNP60"
