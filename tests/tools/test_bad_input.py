"""Input that is wrong gets an error that says what is wrong and what would be right."""

import pytest
from mcp import Client

from pc_mcp.tools import all_tools
from tests.answers.reading import LIVE_LINK, hidden

CONTOSO = {"customer": "Contoso Ltd"}
LONG = "Zq" * 5000
TOOLS = ", ".join(tool.name for tool in all_tools())
NEEDED = {tool.name: tool.example for tool in all_tools()}
ARGUMENTS = {tool.name: tool.parameters["properties"] for tool in all_tools()}
TEXT_ARGUMENTS = [
    (tool, name)
    for tool, arguments in ARGUMENTS.items()
    for name, argument in arguments.items()
    if argument["type"] == "string" and "enum" not in argument and not name.endswith(("_after", "_before"))
]
CHOICES = [
    (tool, name, argument["enum"])
    for tool, arguments in ARGUMENTS.items()
    for name, argument in arguments.items()
    if "enum" in argument
]
PERIODS = [
    ("list_device_batches", "created_after", "created_before"),
    ("list_devices", "uploaded_after", "uploaded_before"),
]
LIMITS = [tool for tool, arguments in ARGUMENTS.items() if "limit" in arguments]


@pytest.fixture
def refused(connect):
    """The words with which a call is refused."""

    async def call(tool: str, arguments: dict, mode: str = "auto") -> str:
        async with connect(mode) as client:
            return await words_of(client, tool, arguments)

    return call


@pytest.fixture
def all_refused(connect):
    """Each of many calls of a tool is refused with the words that are right for it."""

    async def calls(tool: str, cases: list[tuple[dict, str]]) -> None:
        async with connect() as client:
            for arguments, right in cases:
                assert right in await words_of(client, tool, NEEDED[tool] | arguments)

    return calls


async def words_of(client: Client, tool: str, arguments: dict) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, (arguments, result)
    assert result.structured_content is None
    (content,) = result.content
    assert 20 <= len(content.text) <= 4000
    for unwanted in ("Traceback", "pydantic", "fault in pc-mcp", "Error executing", LONG[:200]):
        assert unwanted not in content.text
    assert hidden(content.text) == []
    assert LIVE_LINK.search(content.text) is None
    return content.text


NO_USABLE_TEXT = [
    ("\u200b\u2060", "must not be empty"),
    ("\\", "must not be empty"),
    ("line\nbreak", "must not contain control characters"),
    ("nul\x00", "must not contain control characters"),
    ("csi\x9b31m", "must not contain control characters"),
    ("half \ud83d", "must be a valid string"),
    (LONG, "must have at most"),
    (10**5000, "must be a valid string"),
    (2**53, "must be a valid string"),  # JavaScript may have rounded it
    (9007199254740992.0, "must be a valid string"),
    (True, "must be a valid string"),
    (["Contoso Ltd"], "must be a valid string"),
    ({"name": "Contoso Ltd"}, "must be a valid string"),
]
NO_LIMITS = [
    (-1, "must be greater than or equal to"),
    (101, "must be less than or equal to 100"),
    (10**400, "must be"),
    (1.5, "must be a valid integer"),
    ("many", "must be a valid integer"),
    ("-1", "must be greater than or equal to"),
    (" 101 ", "must be less than or equal to 100"),
    ("1" + "0" * 400, "must be less than or equal to 100"),
    ("9" * 5000, "must be a number of fewer digits"),
    ("20.5", "must be a valid integer"),
    ("2e1", "must be a valid integer"),
    ("Infinity", "must be a valid integer"),
    ("NaN", "must be a valid integer"),
    ("true", "must be a valid integer"),
    ("[20]", "must be a valid integer"),
    (True, "must be a number"),
    ([1], "must be a valid integer"),
]
NO_DATES = ["yesterday", "2025-02-30", "31.03.2025", "20250331", "null", LONG, 20250331, 1.7e9, True, []]


@pytest.mark.parametrize(("tool", "argument"), TEXT_ARGUMENTS)
async def test_text_that_is_no_usable_text_is_refused(all_refused, tool, argument):
    await all_refused(tool, [({argument: value}, f"- {argument} {right}") for value, right in NO_USABLE_TEXT])


@pytest.mark.parametrize(("tool", "argument", "choices"), CHOICES)
async def test_what_is_none_of_the_choices_is_refused_with_all_of_them(all_refused, tool, argument, choices):
    *others, last = map(repr, choices)
    words = f"- {argument} must be {', '.join(others)} or {last}."
    await all_refused(tool, [({argument: value}, words) for value in ("newest", "-", LONG, 1, True, ["id"])])


@pytest.mark.parametrize("tool", LIMITS)
async def test_a_limit_outside_its_bounds_is_refused_with_the_bounds(all_refused, tool):
    await all_refused(tool, [({"limit": value}, f"- limit {right}") for value, right in NO_LIMITS])


@pytest.mark.parametrize("tool", ["sign_in", "sign_out"])
async def test_a_tool_without_arguments_refuses_every_argument(refused, tool):
    words = await refused(tool, {"account": "somebody@example.com"})
    assert words == f"{tool} cannot be called so:\n- There is no argument account.\nIt takes no arguments."


async def test_find_customers_wants_one_row_at_least(refused):
    assert "limit must be greater than or equal to 1" in await refused("find_customers", {"limit": 0})


@pytest.mark.parametrize(("tool", "after", "before"), PERIODS)
async def test_a_date_that_is_no_date_is_refused_with_an_example(all_refused, tool, after, before):
    right = "must be a date such as 2025-03-31, or a time such as 2025-03-31T14:00:00Z"
    cases = [({name: value}, f"- {name} {right}") for name in (after, before) for value in NO_DATES]
    await all_refused(tool, cases)


@pytest.mark.parametrize(("tool", "after", "before"), PERIODS)
async def test_a_period_that_nothing_can_lie_in_is_refused(all_refused, tool, after, before):
    periods = [
        ("2025-04-01", "2025-03-31"),
        ("2025-03-31", "2025-03-31"),
        ("2025-03-31T12:00:00+02:00", "2025-03-31T10:00:00Z"),
    ]
    right = (
        f"{after} must be earlier than {before}. {after} includes its moment, {before} not: for a single day "
        f"give the day after it as {before}."
    )
    await all_refused(tool, [({after: begin, before: end}, right) for begin, end in periods])


@pytest.mark.parametrize(
    ("tool", "argument", "nearest"),
    [
        ("find_customers", "querry", "query"),
        ("list_device_batches", "name_contain", "name_contains"),
        ("list_devices", "serialnumber", "serial_number"),
        ("list_devices", "groupBy", "group_by"),
        ("find_devices", "identifier", "identifiers"),
        ("list_configuration_policies", "costumer", "customer"),
        ("get_batch_upload_status", "tracking_id", "batch_tracking_id"),
    ],
)
async def test_an_unknown_argument_is_refused_with_the_nearest_name(all_refused, tool, argument, nearest):
    right = f"- There is no argument {argument}. Did you mean {nearest}?\nIts arguments are: "
    await all_refused(tool, [({argument: "x"}, right), ({argument: None}, right)])


async def test_an_unknown_argument_with_hostile_text_for_a_name_is_shown_cleaned(refused):
    name = "[x](https://e.invalid) \x1b[31m" + LONG
    assert "There is no argument \\[x\\](https://e.invalid)" in await refused("find_customers", {name: 1})


@pytest.mark.parametrize("value", [..., None])
async def test_a_missing_argument_is_named(refused, mode, value):
    arguments = {} if value is ... else {"customer": value}
    assert "- customer is missing, or empty." in await refused("list_devices", arguments, mode)


async def test_many_faults_are_told_at_once(refused):
    words = await refused("list_devices", {"limit": -1, "model": ["x"], "custmer": "Contoso"})
    assert words.count("\n- ") == 4


@pytest.mark.parametrize(("name", "hint"), [("list_devicse", "Did you mean list_devices? "), ("zzz", "")])
async def test_an_unknown_tool_is_refused_with_the_tools_there_are(refused, mode, name, hint):
    words = await refused(name, {}, mode)
    assert words == f"There is no tool {name}. {hint}The tools are: {TOOLS}."


async def test_an_odd_name_of_a_tool_is_not_echoed_as_it_is(connect):
    async with connect() as client:
        for name in ("", LONG, "[x](https://e.invalid)", "nul\x00\u202e"):
            assert f"The tools are: {TOOLS}." in await words_of(client, name, {})


async def test_a_list_or_flag_of_the_wrong_kind_is_refused(connect):
    cases = [
        ("group_by", ["colour"], "must be one of manufacturer, model, policy"),
        ("group_by", ["modell"], "batch+model. Did you mean model?"),
        ("group_by", ["batch+colour"], "must be one of manufacturer, model, policy"),
        ("group_by", ["model+model"], "may join two different ones, such as batch+model"),
        ("group_by", ["batch+model+policy"], "may join two different ones, such as batch+model"),
        ("group_by", ["model"] * 7, "must have at most 4 items"),
        ("group_by", '["model"', "must be one of manufacturer, model, policy"),
        ("group_by", "[" * 100_000, "must have at most 32 characters"),
        ("group_by", "true", "must be one of manufacturer, model, policy"),
        ("group_by", True, "must be a valid list"),
        ("group_by", '{"by": "model"}', "must be one of manufacturer, model, policy"),
        ("group_by", {"by": "model"}, "must be a valid list"),
        ("fields", ["hardware_hash"], "must be 'id', 'serial_number'"),
        ("fields", ["id"] * 9, "must have at most 8 items"),
        ("fields", 7, "must be 'id', 'serial_number'"),
        ("fields", 7.5, "must be a valid list"),
        ("refresh", "perhaps", "must be a valid boolean"),
        ("refresh", 2, "must be a valid boolean"),
        ("refresh", "2", "must be a valid boolean"),
        ("refresh", [True], "must be a valid boolean"),
    ]
    async with connect() as client:
        for argument, value, right in cases:
            words = await words_of(client, "list_devices", CONTOSO | {argument: value})
            assert f"- {argument}" in words
            assert right in words


async def test_identifiers_that_cannot_be_looked_up_are_refused(all_refused):
    cases = [
        ([], "identifiers must have at least 1 item"),
        (["X"] * 201, "identifiers must have at most 200 items"),
        ("", "identifiers is missing, or empty"),
        ("null", "identifiers is missing, or empty"),
        ("[]", "identifiers must have at least 1 item"),
        ([True], "identifiers, value 1, must be a valid string"),
        (["X", ["Y"]], "identifiers, value 2, must be a valid string"),
        ([LONG], "identifiers, value 1, must have at most 8192 characters"),
        ("[" + "1" * 9000 + "]", "identifiers, value 1, must have at most 8192 characters"),
        ("[" * 100_000, "identifiers, value 1, must have at most 8192 characters"),
        ({"serial": "X"}, "identifiers must be a valid list"),
    ]
    await all_refused("find_devices", [({"identifiers": value}, f"- {right}") for value, right in cases])


async def test_identifiers_without_a_customer_are_refused_for_now(refused, mode):
    words = await refused("find_devices", {"identifiers": ["X"]}, mode)
    assert words.startswith("Whose devices? Give customer")


@pytest.mark.parametrize("tool", [tool for tool, arguments in ARGUMENTS.items() if "cursor" in arguments])
async def test_a_forged_cursor_is_refused(all_refused, tool):
    right = (
        "This cursor does not belong to this question. Pass the next_cursor of the answer before unchanged, "
        "with the same arguments otherwise; or leave cursor out to start again."
    )
    cursors = ["x", "AAAAAAAAAAAAAAAAWyJ4IiwwLDBd", "not base64!", "\u00e9", "W10", "="]
    await all_refused(tool, [({"cursor": cursor}, right) for cursor in cursors])


@pytest.mark.parametrize(
    ("tool", "change"),
    [
        ("list_device_batches", {"customer": "Woodgrove Bank"}),
        ("list_device_batches", {"name_contains": "a"}),
        ("list_device_batches", {"created_after": "2020-01-01"}),
        ("find_customers", {"query": "cont"}),
    ],
)
async def test_a_cursor_with_other_arguments_or_of_another_server_is_refused(connect, tool, change):
    asked = NEEDED[tool] | {"limit": 1}
    async with connect() as client:
        first = await client.call_tool(tool, asked)
        cursor = {"cursor": first.structured_content["next_cursor"]}
        assert not (await client.call_tool(tool, asked | cursor)).is_error
        other = await client.call_tool(tool, asked | change | cursor)
    async with connect() as client:
        foreign = await client.call_tool(tool, asked | cursor)
    for result in (other, foreign):
        assert result.is_error
        assert result.content[0].text.startswith("This cursor does not belong to this question.")


@pytest.mark.parametrize("tool", [tool for tool, arguments in ARGUMENTS.items() if "customer" in arguments])
async def test_an_unknown_customer_is_refused_with_the_nearest(refused, tool):
    words = await refused(tool, NEEDED[tool] | {"customer": "Contosso Ltd"})
    assert words.startswith('No customer matches "Contosso Ltd". Nearest: "Contoso Ltd" (domain ')


async def test_a_customer_that_nothing_is_like_is_refused_with_a_hint(refused, mode):
    words = await refused("list_devices", {"customer": "zzzzzzzz"}, mode)
    assert words == (
        'No customer matches "zzzzzzzz". Use find_customers to see which there are, or give the customer\'s tenant id.'
    )


async def test_a_name_that_several_customers_begin_with_is_refused_with_the_choice(refused, world):
    words = await refused("list_devices", {"customer": "contoso"})
    assert words.startswith('3 customers match "contoso". Which one is meant?')
    for name in ("Contoso Hotels", "Contoso Ltd", "Contoso Pharmaceuticals"):
        assert f'"{name}" (domain ' in words
        assert f", id {world.customer_id(name)})" in words


async def test_a_tenant_id_that_nobody_has_is_refused(refused):
    words = await refused("list_devices", {"customer": "00000000-0000-4000-8000-000000000000"})
    assert words.startswith("Partner Center does not know this customer. Use find_customers")
    assert "correlation id" in words


async def test_an_unknown_batch_is_refused_with_the_nearest(refused):
    words = await refused("list_devices", CONTOSO | {"batch": "FINANCE laptob"})
    assert words.startswith('The customer has no batch "FINANCE laptob". Nearest: "FINANCE laptops"')


async def test_an_unknown_batch_of_a_customer_without_batches_says_so(refused):
    words = await refused("list_devices", {"customer": "Tailspin Toys", "batch": "Lot 1"})
    assert words.startswith('The customer has no batch "Lot 1". The customer has no batches. (HTTP 404, code 1000, ')


async def test_an_unknown_upload_is_refused_with_where_the_id_comes_from(refused):
    words = await refused("get_batch_upload_status", CONTOSO | {"batch_tracking_id": "Lot 1"})
    assert words.startswith('The customer has no upload with the tracking id "Lot 1".')
    assert "Location header" in words


async def test_hostile_names_in_an_error_are_cleaned(refused):
    words = await refused("list_devices", {"customer": "Proseware Inc", "batch": "Sing in again"})
    assert 'Nearest: "\\[Sign in again\\](https://' in words
