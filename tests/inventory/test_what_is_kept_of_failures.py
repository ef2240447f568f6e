"""What is kept of a failure: words, never what it was met with."""

import json
import sys
from types import TracebackType

import anyio
import pytest

from pc_mcp.inventory import Call, DeviceFilter, Inventory, list_customers, list_devices
from pc_mcp.inventory.problems import Problem
from pc_mcp.partner_center import PartnerCenterError, errors
from pc_mcp.partner_center.models import Customer
from tests.double import asking, page, raw, serving
from tests.scripted import reachable

TOKEN = "sandbox-token"
BATCHES = 20
BODY_BYTES = 2**20
CUSTOMER = Customer(id="47021739-3426-40bf-9601-61b4b6d7c793", name="Contoso")


async def huge(request):
    """No list but a huge text, in the place of every list but that of the batches."""
    if request.target.endswith("/deviceBatches"):
        return page(*({"id": f"batch {number}", "devicesCount": 3} for number in range(BATCHES)))
    return raw(json.dumps("x" * BODY_BYTES).encode())


async def ignored(_):
    """Nobody looks at the progress."""


async def of_devices(call):
    await list_devices(call, CUSTOMER, None, DeviceFilter(), limit=5)


async def of_customers(call):
    await list_customers(call, None, limit=5)


@pytest.mark.parametrize("question", [of_devices, of_customers])
async def test_neither_body_nor_token_nor_traceback_of_a_failure_is_kept(question):
    async with serving(answer_to=huge) as service, asking(service.base_url) as client:
        inventory = Inventory(snapshot_seconds=900, concurrency=8)
        until = anyio.current_time() + 60
        call = Call(inventory, client, until, until, ignored)
        with pytest.raises(errors.MalformedResponse) as raised:
            await question(call)
        assert raised.value.correlation_id == client.correlation_id
        del raised
        kept = list(reachable(inventory))
        assert not [each for each in kept if isinstance(each, BaseException | TracebackType)]
        assert not [each for each in kept if isinstance(each, str | bytes) and len(each) > 10_000]
        assert not [each for each in kept if isinstance(each, str) and TOKEN in each]
        assert sum(map(sys.getsizeof, kept)) < BODY_BYTES
        inventory.close()


def classes(kind: type[PartnerCenterError]) -> list[type[PartnerCenterError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in classes(child))]


@pytest.mark.parametrize("kind", classes(PartnerCenterError), ids=lambda kind: kind.__name__)
def test_an_error_that_is_made_of_what_was_kept_says_the_same(kind):
    error = kind("It was so.", status=418, code="7", correlation_id="an id")
    error.wait_seconds, error.advice = 12.5, "Do this."
    if isinstance(error, errors.NotSignedIn):
        error.claims = '{"access_token": {}}'
    problem = Problem.of(error)
    again = problem.raised()
    assert again is not error
    assert type(again) is kind
    assert str(again) == str(error)
    assert again.remedy == error.remedy == problem.remedy
    assert vars(again) | {"claims": None} == vars(error) | {"summary": error.summary, "claims": None}
    assert getattr(again, "claims", None) == getattr(error, "claims", None)


def test_words_that_are_added_to_a_problem_lose_nothing_of_it():
    error = errors.Throttled(status=429, correlation_id="an id")
    error.wait_seconds = 30
    again = Problem.of(error).adding("It is this batch only.").raised()
    assert str(again) == str(error).replace(" (HTTP", " It is this batch only. (HTTP")
