"""The client libraries' side of `clients.py`: runs in their environment, in which the project is not installed.

    python client_side.py LIBRARY PROGRAM [ARGUMENT ...]

Program and arguments start the server. Prints what is wrong as a JSON list.
"""

import asyncio
import contextlib
import json
import sys
from typing import Any

CALLS = [
    ("find_customers", {"query": "contoso", "limit": 5}),
    # Rows are left out, so that the answer names where the whole list is.
    ("list_devices", {"customer": "Contoso Ltd", "limit": 1}),
    ("list_devices", {"customer": "Nobody at all"}),
]
NEEDED: dict[str, Any] = {"customer": "Contoso Ltd", "identifiers": ["X"], "batch_tracking_id": "X"}
EMPTY: dict[str, Any] = {"string": "", "array": [], "boolean": False}


async def google_genai(program: str, *arguments: str) -> list[str]:
    """Every tool becomes a function declaration that has its arguments, for both of Google's services."""
    from google.genai._mcp_utils import mcp_to_gemini_tools
    from google.genai.types import GenerateContentConfig
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    async with contextlib.AsyncExitStack() as stack:
        parameters = StdioServerParameters(command=program, args=list(arguments))
        streams = await stack.enter_async_context(stdio_client(parameters))
        session = await stack.enter_async_context(ClientSession(*streams))
        await session.initialize()
        tools = (await session.list_tools()).tools
    found = [] if tools else ["no tools were listed"]
    for tool in tools:
        try:
            for vertex in (True, False):
                (converted,) = mcp_to_gemini_tools([tool], is_agent_platform=vertex)
                GenerateContentConfig(tools=[converted]).model_dump_json()
        except Exception as error:
            found.append(f"{tool.name} cannot be converted: {error!r}")
            continue
        schema = converted.function_declarations[0].parameters
        if set(schema.properties or {}) != set(tool.inputSchema["properties"]):
            found.append(f"{tool.name} loses arguments: {schema}")
        if set(schema.required or []) != set(tool.inputSchema.get("required", [])):
            found.append(f"{tool.name} no longer requires what it needs: {schema}")
    return found


async def langchain(program: str, *arguments: str) -> list[str]:
    """Every tool, and results of every shape, go into a payload for OpenAI's models, through both of its APIs."""
    from langchain_core.messages import AIMessage, HumanMessage
    from langchain_mcp_adapters.client import MultiServerMCPClient
    from langchain_mcp_adapters.tools import load_mcp_tools
    from langchain_openai import ChatOpenAI

    client = MultiServerMCPClient({"pc-mcp": {"transport": "stdio", "command": program, "args": list(arguments)}})
    found = []
    async with client.session("pc-mcp") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}
        for number, (name, given) in enumerate(CALLS):
            call = {"type": "tool_call", "id": f"call_{number}", "name": name, "args": given}
            result = await tools[name].ainvoke(call)
            for responses_api, strict in ((False, None), (False, True), (True, None), (True, True)):
                model = ChatOpenAI(model="gpt-4.1", api_key="unused", use_responses_api=responses_api)
                bound = model.bind_tools(list(tools.values()), strict=strict)
                messages = [HumanMessage("Which?"), AIMessage("", tool_calls=[call]), result]
                try:
                    payload = model._get_request_payload(messages, **bound.kwargs)
                    written = json.dumps(payload)
                except Exception as error:
                    found.append(f"{name}{given} gives no payload ({responses_api=}, {strict=}): {error!r}")
                    continue
                if json.dumps(result.content[0]["text"]) not in written:
                    found.append(f"the answer of {name}{given} is not in the payload ({responses_api=})")
                if len(payload["tools"]) != len(tools):
                    found.append(f"{len(payload['tools'])} of {len(tools)} tools are in the payload ({responses_api=})")
    return found


async def openai_agents(program: str, *arguments: str) -> list[str]:
    """Every tool gets a strict schema, and understands the calls of a model that has to fill in all of it.

    Tools without arguments are left out: the library has nothing to hold them to, and offers them as they are.
    """
    from agents import Agent
    from agents.mcp import MCPServerStdio, MCPUtil
    from agents.run_context import RunContextWrapper

    found = []
    parameters = {"command": program, "args": list(arguments)}
    async with MCPServerStdio(parameters, client_session_timeout_seconds=60) as server:
        agent = Agent("support", mcp_servers=[server])
        tools = await MCPUtil.get_function_tools(server, True, RunContextWrapper(None), agent)
        for tool in tools:
            properties = tool.params_json_schema["properties"]
            if not properties:
                continue
            if not tool.strict_json_schema or tool.params_json_schema["required"] != list(properties):
                found.append(f"{tool.name} has no strict schema: {tool.params_json_schema}")
            filled = {
                name: NEEDED.get(name, schema.get("default", EMPTY.get(schema["type"], 1)))
                for name, schema in properties.items()
            }
            result = await server.call_tool(tool.name, filled)
            if "cannot be called so" in result.content[0].text:
                found.append(f"{tool.name} does not understand {filled}: {result.content[0].text}")
    return found if tools else ["no tools were listed"]


if __name__ == "__main__":
    libraries = {"google-genai": google_genai, "langchain": langchain, "openai-agents": openai_agents}
    print(json.dumps(asyncio.run(libraries[sys.argv[1]](*sys.argv[2:]))))
