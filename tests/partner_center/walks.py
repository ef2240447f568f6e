"""What tests of paging have in common: a walk, and what came of it."""

from pc_mcp.partner_center import PartnerCenterError


def link(token, key="MS-ContinuationToken", **fields):
    headers = [{"key": "Accept", "value": "x"}, {"key": key, "value": token}]
    return {"links": {"next": {"uri": "/v1/elsewhere", "method": "GET", "headers": headers} | fields}}


async def walked(pages):
    """The ids on every page, and the error that ended the walk or None."""
    got = []
    try:
        async for read in pages:
            got.append(ids(read))  # noqa: PERF401, because what was read before an error counts
    except PartnerCenterError as error:
        return got, error
    return got, None


def ids(read):
    assert read.unreadable == 0
    return [item.id for item in read.items]


def tokens_sent(service):
    return [request.headers.get("ms-continuationtoken") for request in service.requests]
