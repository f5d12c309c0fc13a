"""`agent`: ask a language model about an event, and hand on an answer of a fixed form.

A signature proves the sender, not the content, so what an event says is data and nothing else: the
task is literal, values come in by name, behind a fence, and the model can do nothing but answer. A
tool is another action, declared with what is left to choose. Of untrusted content, secrets and
reaching outside a run holds at most two, unless a person agrees (SECURITY A1, A2).
"""

from typing import Annotated, Any, Literal

import msgspec

from hookagent.actions.agents import shape, wire
from hookagent.actions.agents.asking import Place
from hookagent.actions.agents.budget import Limits as Bounds
from hookagent.actions.agents.session import Session
from hookagent.actions.agents.task import Hidden, Prices, Task
from hookagent.actions.agents.tools import Tool
from hookagent.actions.agents.trusted import Data, Instruction
from hookagent.actions.base import Call, Outside
from hookagent.actions.egress import Permit
from hookagent.actions.values import Secret, Url
from hookagent.event import Event
from hookagent.job import Outcome
from hookagent.template import Scope, TemplateError
from hookagent.verdict import Integrity

about = "Ask a language model about the event; its answer fits a schema and goes to the next step."
leaves = (
    '`{"answer", "text", "model", "usage", "ms", "prompt_hash", "calls", "transcript"}`; while a '
    "person is asked, `approval` says what for."
)
example = """\
action = "agent"
url = "http://127.0.0.1:11434/v1"
model = "qwen3:8b"
prompt = "Sort this issue. Say what it is and how urgent it is."
data = { title = "{{ issue.title }}", text = '{{ issue.body | default("") | truncate(4000) }}' }

[schema]
type = "object"
required = ["kind", "urgent"]
additionalProperties = false

[schema.properties]
kind = { enum = ["bug", "question", "spam"] }
urgent = { type = "boolean" }
"""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What it may cost. Counted for the rule, or for all steps of one `budget`."""

    max_tokens: Annotated[int, msgspec.Meta(description="Of one answer.", ge=1, le=1_000_000)] = (
        1024
    )
    runs_per_hour: Annotated[int, msgspec.Meta(description="Steps begun in an hour.", ge=1)] = 10
    runs_per_day: Annotated[int, msgspec.Meta(description="Steps begun in a day.", ge=1)] = 100
    tokens_per_day: Annotated[
        int | None, msgspec.Meta(description="Told and answered together.")
    ] = None
    cost_per_day: Annotated[
        float | None, msgspec.Meta(description="In US dollars; needs `prices`.")
    ] = None
    concurrency: Annotated[int, msgspec.Meta(description="Models asked at once.", ge=1)] = 1
    when_full: Annotated[
        Literal["wait", "stop"],
        msgspec.Meta(description="Whether a step waits for room or its run ends."),
    ] = "wait"


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a million tokens cost, in US dollars."""

    input: Annotated[float, msgspec.Meta(description="Told to the model.", ge=0)]
    output: Annotated[float, msgspec.Meta(description="Answered by it.", ge=0)]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask, what, and what may come of it."""

    model: Annotated[str, msgspec.Meta(description="The model's name at the endpoint.")]
    prompt: Annotated[
        Instruction,
        msgspec.Meta(description="The task. Literal: values of the event go into `data`."),
    ]
    api: Annotated[
        Literal["openai", "anthropic"],
        msgspec.Meta(
            description=(
                "The interface: `openai` is `/chat/completions`, as Ollama, llama.cpp, vLLM and "
                "many services have it; `anthropic` is the Messages API."
            ),
        ),
    ] = "openai"
    url: Annotated[
        Url | None,
        msgspec.Meta(
            description="The endpoint's base address, literal; the service's own when left out.",
            examples=["http://127.0.0.1:11434/v1"],
        ),
    ] = None
    key: Annotated[
        Secret | None,
        msgspec.Meta(description="The endpoint's key.", examples=["${OPENAI_API_KEY}"]),
    ] = None
    system: Annotated[
        Instruction | None,
        msgspec.Meta(description="What the model is told of its role. Literal."),
    ] = None
    data: Annotated[
        Data | None,
        msgspec.Meta(
            description=(
                "Values of the event by name, at most 16 KiB: cleaned of what nobody sees and "
                "fenced as data."
            ),
        ),
    ] = None
    schema: Annotated[
        dict[str, Any] | None,
        msgspec.Meta(
            description=(
                "The JSON Schema of the answer. An answer that does not fit is asked for once "
                "more, then the run is dead. Left out, the answer is text."
            ),
        ),
    ] = None
    tools: Annotated[
        list[Tool], msgspec.Meta(description="What the model may have done; nothing by default.")
    ] = []
    approve: Annotated[
        Literal["always", "tools", "never"],
        msgspec.Meta(
            description=(
                "What waits for a person: every answer and tool, the tools, or nothing. "
                "`hookagent approve` decides."
            ),
        ),
    ] = "tools"
    ask: Annotated[
        Url | None,
        msgspec.Meta(
            description=(
                "A Slack incoming webhook where a person is asked as well, with two buttons; a "
                "rule with the action `approve` takes what they press."
            ),
            examples=["${SLACK_URL}"],
        ),
    ] = None
    allow_unverified: Annotated[
        bool,
        msgspec.Meta(description="Whether events may ask whose body no signature covers."),
    ] = False
    allow_local: Annotated[
        bool,
        msgspec.Meta(description="Whether the host's name may stand for a local address."),
    ] = False
    limits: Annotated[Limits, msgspec.Meta(description="What it may cost.")] = Limits()
    prices: Annotated[
        Price | None,
        msgspec.Meta(description="What a million tokens cost, to count and bound money."),
    ] = None
    budget: Annotated[
        str, msgspec.Meta(description="A name under which several rules share their limits.")
    ] = ""
    parameters: Annotated[
        dict[str, Any],
        msgspec.Meta(
            description="Further members of the request, as the endpoint has them.",
            examples=[{"temperature": 0}],
        ),
    ] = {}

    def __post_init__(self) -> None:
        if self.schema is not None:
            for problem in shape.problems(self.schema):
                raise ValueError(problem)
        names = [tool.name for tool in self.tools]
        if len(set(names)) < len(names):
            raise ValueError("two tools have the same name")
        if self.limits.cost_per_day is not None and self.prices is None:
            raise ValueError("`cost_per_day` needs `prices`: what a million tokens cost")
        if {"messages", "tools", "stream"} & self.parameters.keys():
            raise ValueError("`parameters` cannot hold `messages`, `tools` or `stream`")
        self._check_powers()

    def _check_powers(self) -> None:
        """Hold the step to two of three, where no person stands between (SECURITY A1)."""
        if self.approve != "never" or not any(tool.is_outward for tool in self.tools):
            return
        private = self._private()
        if self.data is not None and self.data.is_untrusted and private:
            raise ValueError(
                f"the model is told what strangers wrote and {private}, and its tools reach "
                'outside: at most two of these without a person. Set `approve = "tools"`, or take '
                "one away",
            )

    def _private(self) -> str:
        """Name something the model is told that strangers must not learn."""
        parts = (self.prompt, self.system, self.data)
        names = [name for part in parts if part is not None for name in part.variables]
        if names:
            return f"`${{{names[0]}}}`"
        if self.data is not None and self.data.is_private:
            return "what an earlier step left"
        returning = [tool.name for tool in self.tools if tool.returns]
        return f"what `{returning[0]}` returns" if returning else ""


def prepare(options: Options, scope: Scope) -> Task:
    """Fill the data. Raises TemplateError, also for an event that may not ask."""
    if not options.allow_unverified:
        _check_verdict(scope.event)
    limits, price = options.limits, options.prices
    base = wire.BASE[options.api] if options.url is None else options.url.fill(scope).rstrip("/")
    return Task(
        api=options.api,
        url=base,
        model=options.model,
        system="" if options.system is None else options.system.text,
        prompt=options.prompt.text,
        data=None if options.data is None else options.data.fill(scope),
        schema=options.schema,
        tools=tuple(options.tools),
        approve=options.approve,
        max_tokens=limits.max_tokens,
        limits=Bounds(
            runs_per_hour=limits.runs_per_hour,
            runs_per_day=limits.runs_per_day,
            tokens_per_day=limits.tokens_per_day,
            cost_per_day=limits.cost_per_day,
            concurrency=limits.concurrency,
        ),
        prices=Prices() if price is None else Prices(input=price.input, output=price.output),
        budget=options.budget,
        when_full=limits.when_full,
        parameters=options.parameters,
        permit=Permit("" if options.url is None else options.url.host, options.allow_local),
        place=None if options.ask is None else _place(options.ask, scope),
        hidden=Hidden("" if options.key is None else options.key.reveal(), scope),
    )


def _place(url: Url, scope: Scope) -> Place:
    return Place(url=url.fill(scope), permit=Permit(url.host))


def _check_verdict(event: Event) -> None:
    """Refuse an event whose body nobody vouches for (SECURITY A2)."""
    verdict = event.verdict
    if verdict.valid and verdict.integrity is Integrity.BODY:
        return
    raise TemplateError(
        f"no signature covers this event's body (integrity `{verdict.integrity}`), so it may not "
        "set off an agent",
        hint="give the source a scheme that signs the body, or set `allow_unverified = true`",
    )


async def run(prepared: Task, call: Call, outside: Outside) -> Outcome:
    """Go on with the conversation from where it stands."""
    return await Session(prepared, call, outside).run()
