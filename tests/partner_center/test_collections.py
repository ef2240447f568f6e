"""A page says the same whichever parser reads it, and a page of any size is read while others are answered."""

import json
import threading
from contextlib import closing
from functools import partial

import anyio
import anyio.from_thread
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pc_mcp.inventory.store import DeviceFilter, Scope, new_store
from pc_mcp.partner_center import collections, models
from pc_mcp.partner_center.body import LARGE_BODY_BYTES, NotReadable, parsed
from pc_mcp.partner_center.paging import PagedRequest, pages
from tests.double import CORRELATION_ID, asking, customer, raw, serving

MARK = b"\xef\xbb\xbf"
TEXT_KEYS = ["id", "serialNumber", "productKey", "oemManufacturerName", "modelName", "uploadedDate"]
DEVICE_KEYS = [*TEXT_KEYS, "policies", "hardwareHash", "attributes", "allowedOperations", "value"]
PAGE_KEYS = [
    *("totalCount", "items", "continuationToken", "links", "attributes"),
    *("code", "statusCode", "error", "message", "status", "nextLink", "hasMore"),
]

# A tree is JSON text, or a list, or the members of an object, one of which may come twice.
texts = st.text(st.characters(), max_size=6).map(lambda text: json.dumps(text).encode())
plain_texts = st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False).encode())
odd_texts = st.sampled_from([rb'"\ud800"', b'"\xff\xfe"', b'"\xed\xa0\x80"', rb'"\u0000\t"', b'" A "', rb'"A\u00a0"'])
dates = st.sampled_from([b'"2017-08-09T14:43:26.0092288-07:00"', b'" 2017-07-25"', b'"0001-01-01T00:00:00"', b'"x"'])
whole_numbers = st.integers(-(10**60), 10**60) | st.sampled_from([10**29, 10**30, -(10**29), 10**31, 20170809])
numbers = whole_numbers.map(b"%d".__mod__) | st.floats(allow_nan=False, allow_infinity=False).map(repr).map(str.encode)
odd_numbers = st.sampled_from([b"NaN", b"-Infinity", b"1e999", b"1e-999", b"-0", b"1E5", b"9" * 5000])
literals = st.sampled_from([b"null", b"true", b"false"])
nested = st.sampled_from([1, 100, 500, 20_000]).map(lambda depth: b"[" * depth + b"]" * depth)
scalars = texts | plain_texts | odd_texts | dates | numbers | odd_numbers | literals
names = st.sampled_from(DEVICE_KEYS + PAGE_KEYS)
odd_names = names.flatmap(
    lambda name: st.sampled_from([f" {name}", f"{name} ", f"  {name}  ", name.upper()])
) | st.text(max_size=4).filter(lambda name: name.isascii() or name == name.strip())


def members(keys, values):
    """The members of an object: names are of `keys`, and may come twice."""
    return st.lists(
        st.tuples(keys.map(partial(json.dumps, ensure_ascii=False)).map(str.encode), values), max_size=6
    ).map(tuple)


trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | members(names | odd_names, inner), max_leaves=8
)


def written(tree, style):
    """A tree as JSON text. `style`: what stands after a bracket, after a comma, before and after a colon."""
    if isinstance(tree, bytes):
        return tree
    after_bracket, after_comma, before_colon, after_colon = style
    if isinstance(tree, list):
        entries, (begin, end) = [written(entry, style) for entry in tree], (b"[", b"]")
    else:
        colon = before_colon + b":" + after_colon
        entries, (begin, end) = [name + colon + written(value, style) for name, value in tree], (b"{", b"}")
    return begin + after_bracket + (b"," + after_comma).join(entries) + after_bracket + end


styles = st.sampled_from(
    [(b"", b"", b"", b""), (b"", b" ", b"", b" "), (b"\r\n  ", b"\r\n  ", b"", b" "), (b" ", b"\t", b" ", b"\n")]
)

# Most facts are as documented, so that the strict parser reads most of the pages.
facts = texts | plain_texts | dates | st.just(b"null")
policies = st.lists(st.tuples(st.tuples(st.just(b'"value"'), facts)), max_size=2) | st.just(b"null")
documented = st.tuples(
    *(st.tuples(st.just(json.dumps(key).encode()), facts) for key in TEXT_KEYS),
    st.tuples(st.just(b'"policies"'), policies),
)
odd_devices = members(names | odd_names, trees | facts) | trees
device_lists = st.lists(documented | members(st.sampled_from(TEXT_KEYS), facts), max_size=4)
odd_lists = st.lists(documented | odd_devices, max_size=4) | trees
token_links = (texts | plain_texts | numbers).map(
    lambda token: ((b'"next"', ((b'"headers"', [((b'"key"', b'"MS-ContinuationToken"'), (b'"value"', token))]),)),)
)


@st.composite
def device_pages(draw):
    items = draw(device_lists | device_lists | odd_lists)
    page = [(b'"items"', items), (b'"continuationToken"', draw(texts | scalars | nested | trees))]
    page += draw(st.just(()) | token_links.map(lambda links: ((b'"links"', links),)))
    page += draw(st.just(()) | members(st.sampled_from(PAGE_KEYS) | odd_names, trees | nested))
    return draw(st.sampled_from([b"", MARK])) + written(tuple(draw(st.permutations(page))), draw(styles))


def said(read, body):
    """What a store shows of a page, how many items cannot be read, each token as it could be sent, and
    whether it says that there is more."""
    try:
        page = read(body)
    except NotReadable as error:
        return str(error)
    with closing(new_store({}, reveal_product_keys=True)) as store:
        store.add(0, 0, page.items)
        rows = store.rows(Scope(0, 1), DeviceFilter(), after=-1, limit=1000)
    assert len(rows) == len(page.items)
    return rows, page.unreadable, list(map(models.text, page.tokens)), page.goes_on, page.total


tolerantly = partial(collections.collection, read=models.device)


@pytest.mark.slow
@pytest.mark.no_cover
@settings(max_examples=150, deadline=None, derandomize=True)
@given(body=device_pages())
@example(b'{"items":[{"id":"1","hardwareHash":"\xff","id":"2"}]}')
@example(b'{"items":[{"id":"1"}],"items":[{"id":"2"}],"items":null}')
@example(b'{"items":[{" id":"1"}],"continuationToken":"t"}')
@example(b'{"items":[{"serialNumber ":"2"}],"continuationToken":"t"}')
@example(b'{"items":[],"continuationToken ":"t"}')
@example(b'{"items":[],"ContinuationToken":"t"}')
@example(b'{"items":[{"id":"1"}],"links":{"Next":{"uri":"/v1/more"}}}')
@example(b'{"items":[{"id":"1"}],"code":429}')
@example(b'{"totalCount":7,"items":[{"id":"1"}],"attributes":{"objectType":"Collection"}}')
@example(b'{"items":[{"id":"1","uploadedDate":20170809}]}')
@example(b'{"items":[{"id":"1"}],"items":[{"id":"2"}]}')
@example(b'{"\\u0069tems":[{"id":"1","modelName":"A"}],"items":[{"id":"2","modelName":"A"}]}')
@example(b'{"items":[{"id":"1","modelName":"A"}],"links":{"next":{}},"links":{}}')
@example(b'{"items":[{"id":"1","modelName":"A"}],"continuationToken":"t","continuationToken":null}')
@example(b'{"items":[{"id":"1","modelName":"A"}],"attributes":{"continuationToken":"t"}}')
@example(b'{"x":{"items":[{"id":"1","modelName":"A"}]},"items":[]}')
@example(b'{"x":{"items":[{"id":"1","modelName":"A"}]}}')
@example(b'{"x":{"items":[{"id":"1","modelName":"A"}]},"\\u0069tems":[{"id":"2","modelName":"A"}]}')
@example(b'{"items":null,"x":[{"id":"1","modelName":"A"}]}')
@example(b'{"items":[{"id":"1","modelName":"A"}],"x":[{"id":"2","modelName":"A"}]}')
@example(b'{"items":[{"id":"1","modelName":"A"}],"links":{"next":{"headers":[{"key":"k","value":"v"}]}}}')
@example(b'{"items":[{"id":"1","modelName":"}]"}]}')
@example(b'{"items":[{"id":"1","modelName":"A"}],"x":"}]"}')
@example(b'{"items":[{"id":"1","name":"Kiosk"},{}]}')
@example(b'{"items":[{"id":"1","modelName":"A","policies":[{"Value":"Kiosk"}]}]}')
@example(b'{"items":[{"id":"1","modelName":"A","policies":["Kiosk"]}]}')
def test_a_page_of_devices_says_the_same_whichever_parser_reads_it(body):
    assert said(collections.devices, body) == said(tolerantly, body)


@pytest.mark.slow
@pytest.mark.no_cover
@settings(max_examples=100, deadline=None, derandomize=True)
@given(body=device_pages(), data=st.data())
def test_a_damaged_page_of_devices_is_read_by_both_parsers_or_by_none(body, data):
    damaged = data.draw(damages(body))
    assert said(collections.devices, damaged) == said(tolerantly, damaged)


@pytest.mark.parametrize("mark", [b"", MARK])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_page_as_documented_is_left_to_the_strict_parser(mark, indent):
    item = dict.fromkeys(TEXT_KEYS, "A b") | {"policies": None, "hardwareHash": "T0E=", "new": {"a": [1]}}
    body = mark + json.dumps({"totalCount": 1, "items": [item]}, indent=indent).encode()
    strictly, otherwise = collections.devices(body), tolerantly(body)
    # It alone tells null from an empty list.
    assert [device.policies for device in strictly.items] == [None]
    assert [device.policies for device in otherwise.items] == [()]


def test_a_long_page_is_left_to_the_parser_that_reads_step_by_step():
    [device] = collections.devices(lengthened(b'{"items":[{"id":"1"}]}')).items
    assert (device.id, device.policies) == ("1", ())


@pytest.mark.parametrize("token", [b"9" * 30, b"9" * 40, b"-" + b"9" * 31, b"9" * 5000, b"1e999", b"NaN"])
def test_a_token_that_is_a_number_without_end_is_no_missing_token(token):
    for odd in (b'{"id":"1"}', b"7"):
        body = b'{"items":[%b],"continuationToken":%b}' % (odd, token)
        for read in (collections.devices, tolerantly):
            assert len(read(body).tokens) == 1


@pytest.mark.parametrize("name", ["items", "continuationToken", "totalCount", "links"])
def test_a_page_that_says_something_twice_is_no_page(name):
    values = {"items": ('[{"id":"1","modelName":"A"}]', "[]"), "links": ('{"next":{}}', "{}")}.get(
        name, ('"7"', "null")
    )
    others = "" if name == "items" else ',"items":[{"id":"1","modelName":"A"}]'
    for one, other in (values, reversed(values)):
        body = f'{{"{name}":{one},"{name}":{other}{others}}}'.encode()
        for read in (collections.devices, tolerantly):
            with pytest.raises(NotReadable):
                read(body)


def damages(body):
    """`body` cut off, or with a byte more, less or another somewhere, or with something behind it."""
    places = st.integers(0, len(body))
    odd = st.sampled_from([b",", b":", b"]", b"}", b"[", b"{", b'"', b" ", b"x", b"0", b"\\", b"\x00", b"\t", b"\xff"])
    return st.one_of(
        places.map(lambda at: body[:at]),
        places.map(lambda at: body[:at] + body[at + 1 :]),
        st.builds(lambda at, more: body[:at] + more + body[at:], places, odd),
        st.builds(lambda at, other: body[:at] + other + body[at + 1 :], places, odd),
        odd.map(body.__add__),
    )


def outcome(body):
    """The value in a body, in a form that has NaN equal itself; or that there is none."""
    try:
        return repr(parsed(body))
    except NotReadable as error:
        return error.args


def lengthened(body):
    """The same JSON, too long to be read at once."""
    mark = MARK if body.startswith(MARK) else b""
    return mark + b" " * LARGE_BODY_BYTES + body.removeprefix(MARK)


objects = members(names | odd_names, trees)
documents = st.builds(
    lambda mark, tree, style, end: mark + written(tree, style) + end,
    st.sampled_from([b"", MARK]),
    objects | objects | trees | device_lists.map(lambda items: ((b'"items"', items),)),
    styles,
    st.sampled_from([b"", b"\r\n", b" "]),
)
fragments = st.lists(st.sampled_from([*b'[]{},:"1 ']).map(lambda code: bytes([code])), max_size=12).map(b"".join)


@pytest.mark.slow
@pytest.mark.no_cover
@settings(max_examples=120, deadline=None, derandomize=True)
@given(body=documents)
def test_a_long_body_is_read_like_a_short_one(body):
    assert outcome(body) != ("Its body is no JSON.",)
    assert outcome(lengthened(body)) == outcome(body)


@pytest.mark.slow
@pytest.mark.no_cover
@settings(max_examples=120, deadline=None, derandomize=True)
@given(body=documents.flatmap(damages) | fragments | fragments.map(b'{"a":[%b'.__mod__))
@example(b"")
@example(b"{")
@example(b'{"a":[')
@example(b'{"a":[1')
@example(b'{"a":[1,]}')
@example(b'{"a":[1]')
@example(b'{"a"')
@example(b'{"a":')
@example(b'{"a":1,}')
@example(b'{"a":1 "b":2}')
@example(b'{"a" 1}')
@example(b"{1:2}")
@example(b"{,}")
@example(b'{"a":[,]}')
@example(b'{"a":[1 2]}')
@example(b'{"a":1}}')
@example(MARK + MARK + b"{}")
@example(b'{"a":' * 100_000)
@example(b'{"a":[' + b"[" * 100_000)
def test_a_long_body_is_refused_exactly_where_a_short_one_is(body):
    assert outcome(lengthened(body)) == outcome(body)


@pytest.mark.parametrize("cut", [0, 1, 2, 100, LARGE_BODY_BYTES // 2])
def test_a_long_page_that_is_cut_off_is_not_readable(cut):
    body = page_of(LARGE_BODY_BYTES // 400)
    assert len(body) - cut > LARGE_BODY_BYTES // 2
    kept = body[: len(body) - cut] + b" " * LARGE_BODY_BYTES
    if cut == 0:
        assert outcome(kept) == outcome(body)
    else:
        assert outcome(kept) in (("Its body is no JSON.",), ("Its body has more in it than is read.",))


def page_of(devices):
    """A page of so many devices, of about 430 bytes each."""
    template = json.dumps(
        {
            "id": "7c141ea9-2816-4e15-a819-%012d",
            "serialNumber": "S-%d",
            "productKey": "00329-00000-0003-AA6069",
            "hardwareHash": "T0E" * 50,
            "modelName": "Precision WorkStation T7500",
            "oemManufacturerName": "Dell Inc.",
            "policies": [{"key": "o_o_b_e", "value": None}],
            "uploadedDate": "2017-08-09T14:43:26.0092288-07:00",
        }
    )
    items = ",".join([template % (number, number) for number in range(devices)])
    return f'{{"totalCount":{devices},"items":[{items}]}}'.encode()


@pytest.mark.timeout(120)
@pytest.mark.slow
async def test_other_requests_are_answered_while_a_page_of_100_000_devices_is_read():
    body = page_of(100_000)
    assert len(body) > 40 * 10**6
    begun, is_read = anyio.Event(), threading.Event()
    answered = 0

    def read(body):
        anyio.from_thread.run_sync(begun.set)
        try:
            return collections.collection(body, models.device)
        finally:
            is_read.set()

    async def answer_to(request):
        return raw(body) if request.target.endswith("/devices") else customer()

    async def ask_others(client):
        nonlocal answered
        await begun.wait()
        while not is_read.is_set():
            await client.customer("1")
            answered += not is_read.is_set()

    request = PagedRequest("/customers/c/deviceBatches/b/devices", read)
    async with (
        serving(answer_to=answer_to) as service,
        asking(service.base_url) as client,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(ask_others, client)
        [page] = [
            got async for got in pages(client.transport, request, account=client.account, correlation_id=CORRELATION_ID)
        ]
    assert [device.serial_number for device in page.items] == [f"S-{number}" for number in range(100_000)]
    assert (page.unreadable, page.next_token) == (0, None)
    assert answered > 0
