"""That the customers are simulated is said where somebody may take them for their own."""

import pytest
from mcp import Client

from pc_mcp.answers import SIMULATED
from pc_mcp.protocol.server import build_server
from tests.conftest import settings_for

pytestmark = pytest.mark.anyio


async def test_a_server_of_the_simulated_customers_says_so(sandbox, mode, tmp_path, caplog):
    caplog.set_level("INFO")
    settings = settings_for(sandbox, exports={"folder": tmp_path})
    async with Client(build_server(settings, simulated=True), mode=mode) as client:
        assert "customers are simulated" in client.instructions
        assert len(client.instructions.split()) <= 120
        assert "the customers are simulated" in caplog.text.splitlines()[0]
        for name, arguments in {
            "sign_in": {},
            "find_customers": {"query": "Our Own Customer AG"},
            "list_devices": {"customer": "Our Own Customer AG"},
            "get_batch_upload_status": {"customer": "Our Own Customer AG", "batch_tracking_id": "x"},
            "sign_out": {},
        }.items():
            result = await client.call_tool(name, arguments)
            assert SIMULATED in result.content[0].text, name


async def test_a_server_of_real_customers_does_not_say_that_they_are_simulated(connect):
    async with connect() as client:
        texts = [client.instructions]
        for name, arguments in {"sign_in": {}, "list_devices": {"customer": "Our Own Customer AG"}}.items():
            texts.append((await client.call_tool(name, arguments)).content[0].text)
    assert [text for text in texts if "simulated" in text] == []
