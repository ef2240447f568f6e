"""What tests have in common: a sandbox over real HTTP, and a server that reads it."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import lru_cache
from typing import Any

import httpx2
import pytest
from coverage import Coverage
from jsonschema import Draft202012Validator
from mcp import Client

from pc_mcp.protocol.server import build_server
from pc_mcp.sandbox import Sandbox, World, running
from pc_mcp.settings import Settings

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Tests marked `no_cover` are not measured, which takes twice their time."""
    measured = Coverage.current() if item.get_closest_marker("no_cover") else None
    if not measured:
        return (yield)
    measured.stop()
    try:
        return (yield)
    finally:
        measured.start()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def each_schema_is_checked_once() -> Iterator[None]:
    """The SDK's client checks the schema of each tool that it calls, and nearly every test has a client of its own."""
    check, checked = Draft202012Validator.check_schema, set()

    def check_once(schema: Any, *arguments: Any, **options: Any) -> None:
        text = json.dumps(schema, sort_keys=True)
        if text not in checked:
            check(schema, *arguments, **options)
            checked.add(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Draft202012Validator, "check_schema", check_once)
        yield


class KeptWorld(World):
    """Holds the pages of all but the largest customers: many tests read the same."""

    def __init__(self) -> None:
        super().__init__()
        self.device_page = lru_cache(maxsize=700)(super().device_page)  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def world() -> World:
    return KeptWorld()


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    with running(world) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    with httpx2.Client(base_url=sandbox.base_url, headers=headers, timeout=10) as client:
        yield client


def settings_for(sandbox: Sandbox, **sections: dict[str, Any]) -> Settings:
    """Settings that read `sandbox`; `sections` adds to or replaces single settings."""
    partner_center = {"base_url": sandbox.base_url} | sections.pop("partner_center", {})
    auth = {"mode": "token", "access_token": sandbox.token} | sections.pop("auth", {})
    return Settings(partner_center=partner_center, auth=auth, **sections)  # type: ignore[arg-type]


def signing_in(sandbox: Sandbox, **auth: Any) -> dict[str, Any]:
    """The section `auth` of somebody who signs in to `sandbox`, which runs with its sign-in service."""
    return {
        "mode": "delegated",
        "access_token": None,
        "authority": sandbox.authority.removesuffix(f"/{sandbox.tenant_id}"),
        "tenant_id": sandbox.tenant_id,
        "client_id": sandbox.client_id,
        "token_store": "memory",
    } | auth


@pytest.fixture(params=[pytest.param("legacy", marks=pytest.mark.slow), "auto"])
def mode(request: pytest.FixtureRequest) -> str:
    """Both eras of the protocol, 2025-11-25 among the slow tests and 2026-07-28."""
    return str(request.param)


@pytest.fixture
def connect(sandbox: Sandbox) -> Connect:
    """`async with connect() as client:` is an in-process MCP client of a server that reads `sandbox`."""

    @asynccontextmanager
    async def connected(mode: str = "auto", **sections: dict[str, Any]) -> AsyncIterator[Client]:
        async with Client(build_server(settings_for(sandbox, **sections)), mode=mode) as client:
            yield client

    return connected
