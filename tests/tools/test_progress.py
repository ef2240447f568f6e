"""While pages are read the client is told how far the walk is."""

import time

import pytest

from pc_mcp.sandbox import ScriptedResponse


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["list_devices", "find_devices"])
async def test_progress_grows_and_comes_at_most_about_twice_a_second(connect, sandbox, mode, tool):
    sandbox.switches.latency_seconds = 0.02
    told: list[tuple[float, float, float | None, str | None]] = []

    async def progress(read: float, expected: float | None, message: str | None) -> None:
        told.append((time.monotonic(), read, expected, message))

    arguments = {"customer": "Contoso Ltd"} | ({"identifiers": ["x"]} if tool == "find_devices" else {})
    started = time.monotonic()
    async with connect(mode, partner_center={"concurrency": 1}) as client:
        result = await client.call_tool(tool, arguments, progress_callback=progress)
    assert not result.is_error
    seconds = time.monotonic() - started
    assert 3 <= len(told) <= 2 * seconds + 2
    amounts = [read for _, read, _, _ in told]
    assert amounts == sorted(set(amounts))
    assert amounts[-1] == result.structured_content["devices_total"] == 5126
    assert all(expected is None or expected >= read for _, read, expected, _ in told)
    assert told[-1][3].startswith("5,126 of about 5,133 devices; ")


@pytest.mark.slow
async def test_what_needs_no_walk_tells_no_progress(connect, mode):
    told: list[float] = []

    async def progress(read: float, expected: float | None, message: str | None) -> None:
        told.append(read)

    async with connect(mode) as client:
        await client.call_tool("list_devices", {"customer": "Contoso Ltd"})
        again = await client.call_tool("list_devices", {"customer": "Contoso Ltd"}, progress_callback=progress)
        await client.call_tool("find_customers", progress_callback=progress)
    assert not again.is_error
    assert told == []


@pytest.mark.slow
async def test_a_walk_that_runs_out_of_time_says_how_far_it_came_and_goes_on(connect, sandbox, mode):
    hanging = ScriptedResponse("/Test batch/devices", hang=True)
    sandbox.switches.scripted.append(hanging)
    async with connect(mode, answers={"time_budget_seconds": 1.5}) as client:
        first = await client.call_tool("list_devices", {"customer": "Documentation Sample", "limit": 0})
        sandbox.switches.scripted.clear()
        second = await client.call_tool("list_devices", {"customer": "Documentation Sample", "limit": 0})
    data = first.structured_content
    assert data["complete"] is False
    assert (data["batches_read"], data["batches_total"]) == (0, 1)
    assert first.content[0].text.startswith('INCOMPLETE: 0 devices read so far of "Documentation Sample".')
    assert data["notes"] == [
        "Time ran out before everything was read. Ask the same again: reading goes on where it stopped.",
        "0 of 1 batch read to the end; 0 pages read, 0 of 5 devices, by devicesCount; 5 unread.",
    ]
    assert second.structured_content["complete"] is True
    assert second.structured_content["devices_total"] == 5
