"""`python -m tests.questions` replays the questions and shows what each took."""

import anyio

from pc_mcp.sandbox import World
from tests.questions.replay import MOST_CALLS, MOST_TOKENS, replayed


async def main() -> None:
    results = await replayed(World(), "auto")
    print("| question | calls | tokens | right |\n| --- | --- | --- | --- |")
    for result in results:
        right = "yes" if not result.missing else f"no: {result.missing[:3]}"
        print(f"| {result.words} | {result.calls} | {result.tokens:,} | {right} |")
    within = sum(result.calls <= MOST_CALLS and result.tokens <= MOST_TOKENS for result in results)
    right_ones = sum(not result.missing for result in results)
    print(f"\n{right_ones} of {len(results)} right, {within} within {MOST_CALLS} calls and {MOST_TOKENS:,} tokens.")


if __name__ == "__main__":
    anyio.run(main)
