"""Makes an MCP tool of a function: its schema, its validation, and its errors, for every tool alike.

The SDK drops unknown arguments silently and hides the text of most errors; here a call with an
unknown argument is refused, and every error of the domain reaches the model as words to act on.
"""

import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import func_metadata
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import ValidationError

from pc_mcp.answers import cleaned, escaped
from pc_mcp.auth import SignInNeeded, SignInRefused
from pc_mcp.inventory import EXPECTED_ERRORS
from pc_mcp.partner_center.errors import NoToken
from pc_mcp.runtime.nearest_name import did_you_mean
from pc_mcp.tools.support.asking import DECLINED, Reply, ask, declined_before
from pc_mcp.tools.support.call import App
from pc_mcp.tools.support.hosts import as_meant

logger = logging.getLogger(__name__)

_CALL = "call"
_MAX_FAULTS = 5
_SUBJECT = re.compile(r"\A(Input|String|List) should ")
_MAX_ERROR_CHARACTERS = 4000
_READ_ONLY = {
    "read_only_hint": True,
    "destructive_hint": False,
    "idempotent_hint": True,
    "open_world_hint": True,
}


class DomainTool(Tool):
    """A tool whose function takes a `ToolCall` named `call` and its own arguments.

    example: arguments with which it can be called; of_account: it is about the account itself, and takes an
    `AccountCall`.
    """

    example: Mapping[str, Any]
    of_account: bool = False

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> CallToolResult | InputRequiredResult:
        """Runs the tool. Raises `ToolError` with the words for the model."""
        app: App = context.request_context.lifespan_context
        correlation_id = str(uuid.uuid4())
        started = anyio.current_time()
        outcome = "failed"
        try:
            validated = self._validated(arguments)
            result = await self._answer(validated, context, app, correlation_id)
            outcome = "answered" if isinstance(result, CallToolResult) else "asked the person to sign in"
            return self._checked(result) if convert_result else result
        except EXPECTED_ERRORS as error:
            outcome = f"refused ({type(error).__name__})"
            raise ToolError(escaped(app.words(error))[:_MAX_ERROR_CHARACTERS]) from None
        except ToolError:
            outcome = "refused (arguments)"
            raise
        except anyio.get_cancelled_exc_class():
            outcome = "given up"
            raise
        except Exception as error:
            raise UnexpectedToolError(
                f"{self.name} failed because of a fault in pc-mcp, not of the question. Its log has the "
                f"details beside the correlation id {correlation_id}; please report them."
            ) from error
        finally:
            milliseconds = (anyio.current_time() - started) * 1000
            logger.info("%s %s, %.0f ms, correlation id %s", self.name, outcome, milliseconds, correlation_id)

    async def _answer(
        self, arguments: dict[str, Any], context: Context[Any, Any], app: App, correlation_id: str
    ) -> CallToolResult | InputRequiredResult:
        """Answers; asks the person to sign in first, where that is needed and the client can ask."""

        async def answer() -> CallToolResult:
            call = app.account_call() if self.of_account else await app.call(correlation_id, context.report_progress)
            result: CallToolResult = await self.fn(**arguments, **{_CALL: call})
            return result

        if declined_before(context):
            app.tokens.call_off()
            raise SignInRefused(DECLINED)
        try:
            return await answer()
        except (NoToken, SignInNeeded):
            needed = app.tokens.waiting()
            if needed is None:
                raise
            reply = await ask(context, needed, app.asked, app.time_budget_seconds)
            if reply is Reply.CANNOT_ASK:
                raise
        if reply is Reply.DECLINED:
            app.tokens.call_off()
            raise SignInRefused(DECLINED)
        return await answer() if reply is Reply.ACCEPTED else reply

    def _checked(self, result: CallToolResult | InputRequiredResult) -> CallToolResult | InputRequiredResult:
        """`result`, after its structured content was held against the output schema's model."""
        self.fn_metadata.convert_result(result)
        return result

    def _validated(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as the function takes them. Raises `ToolError`."""
        meant = as_meant(arguments, self.parameters)
        try:
            return self.fn_metadata.arg_model.model_validate(meant).model_dump_one_level()
        except ValidationError as error:
            raise ToolError(escaped(self._explained(error))) from None

    def _explained(self, error: ValidationError) -> str:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        lines = [self._fault(fault["type"], fault["loc"], fault["msg"]) for fault in faults[:_MAX_FAULTS]]
        names = ", ".join(self.parameters["properties"])
        known = f"Its arguments are: {names}." if names else "It takes no arguments."
        return "\n".join([f"{self.name} cannot be called so:", *lines, known])

    def _fault(self, fault: str, location: tuple[int | str, ...], message: str) -> str:
        first, *places = location
        # As a person counts, and as the fault is read out: "group_by, value 1, must be …".
        name = cleaned(str(first)) + "".join(f", value {place + 1}," for place in places if isinstance(place, int))
        if fault == "extra_forbidden":
            return f"- There is no argument {name}.{did_you_mean(name, self.parameters['properties'])}"
        if fault == "missing":
            return f"- {name} is missing, or empty."
        if fault == "int_parsing_size":
            return f"- {name} must be a number of fewer digits."
        words = _SUBJECT.sub("must ", message.removeprefix("Value error, "))
        return f"- {name} {words}{'' if words.endswith(('.', '?')) else '.'}"


def tool(
    title: str,
    example: Mapping[str, Any],
    *,
    read_only: bool = True,
    idempotent: bool = True,
    of_account: bool = False,
) -> Callable[[Callable[..., Awaitable[CallToolResult]]], DomainTool]:
    """Makes of a function the MCP tool that is named and documented as the function is.

    example: the least arguments with which the simulated customers get an answer; the documentation shows the call,
    and the tests that hold for every tool begin with it.
    """
    hints = _READ_ONLY | {"read_only_hint": read_only, "idempotent_hint": idempotent}
    annotations = ToolAnnotations(title=title, **hints)
    return partial(_made, annotations=annotations, example=example, of_account=of_account)


def _made(
    function: Callable[..., Awaitable[CallToolResult]],
    *,
    annotations: ToolAnnotations,
    example: Mapping[str, Any],
    of_account: bool,
) -> DomainTool:
    # `from_function` would make a second schema of the arguments, which takes a part of the server's start.
    metadata = func_metadata(function, skip_names=[_CALL], structured_output=True)
    model = metadata.arg_model
    metadata.arg_model = type(model.__name__, (model,), {"__module__": model.__module__}, extra="forbid")
    if metadata.output_schema:
        metadata.output_schema = _output_schema(metadata.output_schema)
    return DomainTool(
        fn=function,
        name=function.__name__,
        title=annotations.title,
        description=" ".join((function.__doc__ or "").split()),
        parameters=_input_schema(metadata.arg_model.model_json_schema()),
        fn_metadata=metadata,
        is_async=True,
        context_kwarg=_CALL,
        annotations=annotations,
        example=example,
        of_account=of_account,
    )


def _output_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Short: without titles, which repeat the names, and with a list of types in the place of a choice of two."""
    return _in_one_type(_without("title", schema))  # type: ignore[no-any-return]


def _in_one_type(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_in_one_type(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    match schema:
        case {"anyOf": [{"type": str(kind), **other}, {"type": "null"}], **more} if not other:
            return more | {"type": [kind, "null"]}
    return {key: _in_one_type(value) for key, value in schema.items()}


def _input_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Short, and of words that every SDK can convert: without titles, without the null that stands for a left
    out argument, and without `additionalProperties`, on which google-genai ends with an exception."""
    schema = _without("title", _without("additionalProperties", schema))
    for name, argument in schema["properties"].items():
        alternatives = [kind for kind in argument.pop("anyOf", []) if kind != {"type": "null"}]
        if argument.get("default", ...) is None:
            del argument["default"]
        if alternatives:
            (kind,) = alternatives
            schema["properties"][name] = kind | argument
    return schema


def _without(keyword: str, schema: Any, *, names: bool = False) -> Any:
    """`schema` without a keyword, wherever it stands. `names`: its keys are names of properties themselves."""
    if isinstance(schema, list):
        return [_without(keyword, item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without(keyword, value, names=key in {"properties", "$defs"} and not names)
        for key, value in schema.items()
        if names or key != keyword
    }
