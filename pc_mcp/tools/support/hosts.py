"""What hosts make of arguments, read as it was meant: one reading for all tools and prompts.

Hosts and models send text where a schema says number, truth or list, fill in every argument because
a strict schema makes them all required, and add arguments of their own. What can mean one thing only
is taken as that; everything else goes on as it came, to be refused with words by the validation.
"""

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from pc_mcp.tools.support.asking import readable

ADDED_BY_HOSTS = frozenset({"toolCallId", "sessionId", "action", "chatInput", "random_string", "_meta"})
"""Arguments that hosts add by themselves, such as n8n, and those that fill in for tools that take none."""

# JavaScript rounds larger ones: what arrives need not be what was meant, so the text is asked for.
# Names that hold no comma are no longer, in a list of which hosts may make one text.
_LONGEST_OF_NAMES = 32
_LARGEST_NUMBER = 2**53


def as_meant(given: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """`given` without what means that an argument is left out, and with the types of `schema`, as far as it goes.

    schema: of the tool's input; its arguments have a single `type` each. An unknown argument stays
    unless hosts are known to add it.
    """
    known, required = schema["properties"], schema.get("required", ())
    meant = {}
    for name, value in without_what_hosts_add(given, known).items():
        if name not in known:
            meant[name] = value
            continue
        read = _read(value, known[name])
        strictly_left_out = read == [] and known[name].get("minItems") and name not in required
        if read is not None and not strictly_left_out:
            meant[name] = read
    return meant


def without_what_hosts_add(given: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """The arguments but for those that hosts add by themselves; what is `known` is an argument like any other."""
    return {name: value for name, value in given.items() if name in known or name not in ADDED_BY_HOSTS}


async def requests_as_meant(context: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Reads as it was meant what the SDK would refuse without words: a null among arguments that are text
    is left out, and an error in place of a person's answer is none."""
    params = dict(context.params or {})
    if context.method == "prompts/get" and "arguments" in params:
        params["arguments"] = _texts_as_meant(params["arguments"])
    elif context.method == "completion/complete" and isinstance(params.get("context"), dict):
        before = params["context"]
        params["context"] = before | {"arguments": _texts_as_meant(before.get("arguments"))}
    elif context.method == "tools/call" and "inputResponses" in params:
        params["inputResponses"] = readable(params["inputResponses"])
    else:
        return await call_next(context)
    return await call_next(replace(context, params=params))


def _texts_as_meant(given: object) -> object:
    """The arguments of a prompt or of a completion, which are all text: null means left out."""
    if not isinstance(given, dict):
        return given
    texts = {name: _text(value) for name, value in given.items() if value is not None}
    return without_what_hosts_add(texts, {name for name, text in texts.items() if isinstance(text, str)})


def _read(value: object, argument: Mapping[str, Any]) -> object:
    """The value; None where it means that there is none."""
    if isinstance(value, str) and not value.strip():
        return None
    match argument.get("type"):
        case "array":
            return _list(value, argument.get("items", {}))
        case "string":
            return _text(value)
    if isinstance(value, str):
        value = value.strip()
        return None if value == "null" else value
    return value


def _text(value: object) -> object:
    """A serial number or name of digits only comes as a number, perhaps with a fraction."""
    if isinstance(value, float) and abs(value) < _LARGEST_NUMBER:
        return str(int(value)) if value.is_integer() else str(value)
    is_number = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER
    return str(value) if is_number else value


def _list(value: object, items: Mapping[str, Any]) -> object:
    """A list may come as its JSON text, or as the only thing that stands in it."""
    if isinstance(value, str):
        value = _unpacked(value)
    if isinstance(value, str) and ("enum" in items or items.get("maxLength", math.inf) <= _LONGEST_OF_NAMES):
        value = [each.strip() for each in value.split(",")]
    if isinstance(value, str | int) and not isinstance(value, bool):
        value = [value]
    if isinstance(value, list) and items.get("type") == "string":
        return ["" if item is None else _text(item) for item in value]
    return value


def _unpacked(text: str) -> object:
    """What the JSON in `text` says if that is a list, a text or null; a number is the text that it was."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if value is None or isinstance(value, list | str) else text
