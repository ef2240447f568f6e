"""How long the halves of an answer are."""

import json

from mcp_types import CallToolResult, InputRequiredResult

from bench.questions import text_of


def lengths_of(result: CallToolResult | InputRequiredResult) -> dict[str, int]:
    """Characters of the text, and of the structured content as the shortest JSON."""
    if not isinstance(result, CallToolResult) or result.is_error:
        raise RuntimeError(f"no answer: {result!r:.500}")
    structured = json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":"))
    return {"text": len(text_of(result)), "structured": len(structured)}
