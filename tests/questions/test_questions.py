"""Fifty questions of support agents are answered: the facts stand in both halves, in few calls and few words."""

import pytest

from tests.questions.asked import QUESTIONS
from tests.questions.replay import MOST_CALLS, MOST_TOKENS, replayed

AT_LEAST = 48


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_fifty_questions_have_the_right_answers_in_few_calls_and_words(world, mode):
    results = await replayed(world, mode)
    assert len(results) == len(QUESTIONS) == 50
    wrong = {result.words: result.missing for result in results if result.missing}
    assert not wrong
    within = [result for result in results if result.calls <= MOST_CALLS and result.tokens <= MOST_TOKENS]
    assert len(within) >= AT_LEAST
