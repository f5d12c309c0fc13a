"""`approve`: take a person's word on a model's proposal from an event, such as a button in Slack.

Whoever can send such an event decides, so its body must be signed, and the rule says whose word
counts: `when = { "user.id" = ["U012345"] }`.
"""

import re
from typing import Annotated, Literal

import msgspec

from hookagent.actions.agents import approval
from hookagent.actions.base import Call, Outside
from hookagent.actions.values import Text
from hookagent.job import Done, Never, Outcome
from hookagent.template import Scope, TemplateError
from hookagent.verdict import Integrity

about = "Say yes or no to what a model proposes, from a signed event such as a button in Slack."
leaves = '`{"question", "said"}`.'
example = """\
action = "approve"
question = "{{ actions[0].value }}"
say = "yes"
"""

_KEY = re.compile(r"run_[0-9a-z]{1,64}-[0-9]{1,3}-[0-9a-f]{12}")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Which question, and the answer."""

    question: Annotated[
        Text,
        msgspec.Meta(
            description="The question's key, as the agent's `ask` sends it.",
            examples=["{{ actions[0].value }}"],
        ),
    ]
    say: Annotated[
        Literal["yes", "no"],
        msgspec.Meta(description="The answer. Literal: the rule's conditions tell them apart."),
    ]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The word to be written down."""

    question: str
    say: Literal["yes", "no"]


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill the key. Raises TemplateError, also for an event nobody signed."""
    verdict = scope.event.verdict
    if not verdict.valid or verdict.integrity is not Integrity.BODY:
        raise TemplateError(
            f"no signature covers this event's body (integrity `{verdict.integrity}`), so it "
            "cannot approve anything",
        )
    key = options.question.fill(scope).strip()
    if not _KEY.fullmatch(key):
        raise TemplateError("that is not the key of a question")
    return Prepared(question=key, say=options.say)


async def run(prepared: Prepared, _call: Call, outside: Outside) -> Outcome:
    """Write it down; the run that waits finds it when it looks again."""
    if outside.memory is None:
        return Never(error="no agent runs here that could take the word")
    await approval.decide(outside.memory, prepared.question, prepared.say)
    return Done({"question": prepared.question, "said": prepared.say})
