"""One conversation with a model: from wherever it stands to an answer that fits, or why not.

What is to be done next follows from the last turn alone: after a person's or a tool's turn the
model is asked, after the model's wish for tools they are used, after its answer the answer is
judged. So a conversation that waited for a person, a budget or a restart goes on where it was.
"""

import asyncio
from typing import Any

import msgspec

from hookagent.actions.agents import approval, asking, shape, tools, wire
from hookagent.actions.agents.budget import Budget, Full, Use
from hookagent.actions.agents.fence import visible
from hookagent.actions.agents.task import Task, transcript
from hookagent.actions.agents.wire import Reply, ToolResult, Turn, WrongReply
from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Answer, Request
from hookagent.actions.exchange import exchange, sort_answer
from hookagent.job import Again, Done, Later, Never, Outcome

TURNS_MAX = 4
"""How often a model may ask for tools before it must answer."""
BYTES_PER_TOKEN = 3
"""Fewer than in any common text, so that an estimate is never too low."""


class State(msgspec.Struct, kw_only=True):
    """Where a conversation stands, as kept in the step's output."""

    turns: tuple[Turn, ...] = ()
    is_corrected: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    ms: int = 0
    model: str = ""
    refused: int = 0
    """Calls that were not made, since nobody declared them so."""
    used: list[dict[str, Any]] = []

    @classmethod
    def read(cls, earlier: Any) -> "State":
        """Return the state in the output of an earlier try, else a fresh one."""
        found = earlier.get("session") if isinstance(earlier, dict) else None
        try:
            return cls() if found is None else msgspec.convert(found, cls)
        except msgspec.ValidationError:
            return cls()


class Session:
    """Goes through one conversation."""

    def __init__(self, task: Task, call: Call, outside: Outside) -> None:
        self._task = task
        self._call = call
        self._outside = outside
        self._state = State.read(call.earlier)
        self._is_refused = False
        """Whether the endpoint answered the last request with an error: nothing was spent."""
        self._tools = {tool.name: tool for tool in task.tools}
        self._time = asyncio.get_running_loop().time
        self._ends = self._time() + call.timeout_ms / 1000

    async def run(self) -> Outcome:
        """Go on until there is an outcome."""
        while True:
            last = self._state.turns[-1] if self._state.turns else None
            if last is None or last.who != "model":
                outcome = await self._ask()
            elif last.calls and self._tools:
                outcome = await self._use(last)
            else:
                outcome = await self._answer(last)
            if outcome is not None:
                return outcome

    # Asking.

    async def _ask(self) -> Outcome | None:
        """Ask the model and keep what it says; an outcome where there is nothing to keep."""
        task, memory = self._task, self._outside.memory
        if memory is None:
            return Never(error="there is no store here that could keep the budget")
        budget = Budget(memory)
        ask = task.request(self._state.turns, self._call.idempotency_key)
        body = msgspec.json.encode(wire.body(task.api, ask, host=task.permit.host))
        started = self._outside.clock()
        planned = self._plan(body)
        entered = await budget.enter(planned, task.limits, started)
        if isinstance(entered, Full):
            return self._wait_for_room(entered)
        tokens, cost = planned.tokens, planned.cost  # what no answer says was spent
        try:
            reply = await self._exchange(body)
            if isinstance(reply, Reply):
                tokens, cost = reply.input_tokens + reply.output_tokens, task.prices.of(reply)
            elif self._is_refused:
                tokens, cost = 0, 0.0
        finally:
            await asyncio.shield(budget.leave(entered, tokens=tokens, cost=cost))
        if not isinstance(reply, Reply):
            return reply
        return self._keep(reply, self._outside.clock() - started)

    def _plan(self, body: bytes) -> Use:
        task = self._task
        told = len(body) // BYTES_PER_TOKEN
        return Use(
            budget=task.budget or self._call.rule,
            call=self._call.idempotency_key,
            tokens=told + task.max_tokens,
            cost=task.prices.at_most(told, task.max_tokens),
            lasts_ms=self._call.timeout_ms,
        )

    def _wait_for_room(self, full: Full) -> Outcome:
        if self._task.when_full == "stop" and full.after_ms > self._call.timeout_ms:
            return Never(error=full.reason, output=self._so_far())
        return Later(after_ms=full.after_ms, reason=full.reason, output=self._so_far())

    async def _exchange(self, body: bytes) -> Reply | Outcome:
        """Make one exchange and read its answer."""
        task = self._task
        fields = {"Content-Type": "application/json"}
        fields |= wire.headers(task.api, task.hidden.secret)
        request = Request(
            method="POST",
            url=task.url + wire.path(task.api),
            headers=tuple(fields.items()),
            body=body,
            permit=task.permit,
        )
        self._is_refused = False
        outcome = await exchange(request, self._inner_call(), self._outside, self._sort)
        if isinstance(outcome, Done):
            try:
                return wire.read(task.api, outcome.output)
            except WrongReply as error:
                return Again(error=str(error), output=self._so_far())
        return msgspec.structs.replace(outcome, output=self._so_far())

    def _sort(self, answer: Answer, now: int) -> Outcome:
        """Sort an answer of the endpoint; a good one is handed on as bytes."""
        if answer.is_cut:
            return Never(error="the endpoint's answer is longer than 1 MiB")
        outcome = sort_answer(answer, now)
        if isinstance(outcome, Done):
            return Done(answer.body)
        self._is_refused = True
        if isinstance(outcome, Again) and b"insufficient_quota" in answer.body:
            return Never(error="the account has no credit left (insufficient_quota)")
        return outcome

    def _inner_call(self, suffix: str = "") -> Call:
        """Return the call of a part of this step, within what is left of its time."""
        left = max(round((self._ends - self._time()) * 1000), 1)
        key = self._call.idempotency_key + suffix
        return msgspec.structs.replace(
            self._call, timeout_ms=left, idempotency_key=key, earlier=None
        )

    def _keep(self, reply: Reply, ms: int) -> Outcome | None:
        state = self._state
        state.input_tokens += reply.input_tokens
        state.output_tokens += reply.output_tokens
        state.cost += self._task.prices.of(reply)
        state.ms += ms
        state.model = reply.model or self._task.model
        if reply.is_refusal:
            return Never(error="the model refused", output=self._so_far())
        calls = reply.calls if self._tools else ()
        state.refused += len(reply.calls) - len(calls)
        state.turns = (*state.turns, Turn(who="model", text=reply.text, calls=calls))
        return None

    # Tools.

    async def _use(self, last: Turn) -> Outcome | None:
        """Have done what the model wants and may have, once a person agrees where one must."""
        if sum(bool(turn.calls) for turn in self._state.turns) > TURNS_MAX:
            error = f"the model asked for tools more than {TURNS_MAX} times without an answer"
            return Never(error=error, output=self._so_far())
        judged = tools.judge(self._tools, last.calls)
        wanted = [
            {"tool": one.call.name, "arguments": one.call.arguments}
            for one in judged
            if not one.refusal
        ]
        if wanted and self._task.approve != "never":
            waiting = await self._approval({"calls": wanted})
            if waiting is not None:
                return waiting
        results = [await self._use_one(one, place) for place, one in enumerate(judged)]
        self._state.turns = (*self._state.turns, Turn(who="tools", results=tuple(results)))
        return None

    async def _use_one(self, one: tools.Judged, place: int) -> ToolResult:
        if one.refusal:
            self._state.refused += 1
            return ToolResult(id=one.call.id, text=f"refused: {one.refusal}", is_error=True)
        call = self._inner_call(f"-{len(self._state.turns)}-{place}")
        tool = self._tools[one.call.name]
        scope = self._task.hidden.scope
        result = await tools.use(tool, one.call, scope, call, self._outside)
        self._state.used.append(
            {"tool": tool.name, "arguments": one.call.arguments, "ok": not result.is_error}
        )
        return result

    # Answers.

    async def _answer(self, last: Turn) -> Outcome | None:
        """Judge the model's answer: done, one more try, or never."""
        answer, problems = self._judged(last.text)
        if problems:
            told = "; ".join(problems)
            if self._state.is_corrected:
                return Never(error=f"the model's answer was refused twice: {told}"[:500],
                             output=self._so_far())  # fmt: skip
            self._state.is_corrected = True
            text = f"That was not accepted: {told}. Answer again, with nothing but the JSON value."
            self._state.turns = (*self._state.turns, Turn(who="user", text=text))
            return None
        if self._task.approve == "always":
            waiting = await self._approval({"answer": answer})
            if waiting is not None:
                return waiting
        return Done({"answer": answer, "text": visible(last.text), **self._ledger()})

    def _judged(self, text: str) -> tuple[Any, list[str]]:
        """Return the answer as later steps get it, and what is wrong with it."""
        schema = self._task.schema
        if schema is None:
            return visible(text), [] if text.strip() else ["it is empty"]
        try:
            value = msgspec.json.decode(_bare(text))
        except (msgspec.DecodeError, RecursionError):
            return None, ["it is not JSON"]
        return value, shape.check(schema, value)

    # Approval.

    async def _approval(self, what: dict[str, Any]) -> Outcome | None:
        """Return None where a person agreed, else the outcome that waits or ends."""
        memory, now = self._outside.memory, self._outside.clock()
        if memory is None:
            return Never(error="there is nobody here who could approve", output=self._so_far())
        asked = approval.question(self._call.idempotency_key, what, now)
        before = approval.asked(self._call.earlier)
        said = await approval.decision(memory, asked.key)
        if said is not None:
            await approval.forget(memory, asked.key)
            if said == "no":
                return Never(error="a person said no", output=self._so_far())
            return None
        if before is not None and before.key == asked.key:
            asked = msgspec.structs.replace(asked, asked_at=before.asked_at)
        else:
            await self._tell(asked)
        output = {**self._so_far(), "approval": msgspec.to_builtins(asked)}
        wait = approval.wait_ms(asked.asked_at, now)
        return Later(after_ms=wait, reason=approval.ASKED, output=output)

    async def _tell(self, asked: approval.Question) -> None:
        """Say that somebody is asked, here and where the rule says."""
        self._outside.say(f"a model's proposal waits: hookagent approve {self._call.run_id}")
        if self._task.place is not None:
            await asking.post(self._task.place, asked, self._inner_call("-ask"), self._outside)

    # What is kept.

    def _ledger(self) -> dict[str, Any]:
        """Return what is worth knowing of the conversation afterwards."""
        state = self._state
        return {
            "model": state.model,
            "usage": {
                "input_tokens": state.input_tokens,
                "output_tokens": state.output_tokens,
                "cost_usd": round(state.cost, 6),
            },
            "ms": state.ms,
            "prompt_hash": self._task.hash,
            "calls": state.used,
            "refused_calls": state.refused,
            "transcript": transcript(state.turns),
        }

    def _so_far(self) -> dict[str, Any]:
        """Return the ledger and all that is needed to go on."""
        return {**self._ledger(), "session": msgspec.to_builtins(self._state)}


def _bare(text: str) -> str:
    """Take off the code fence many models put around JSON."""
    bare = text.strip()
    if bare.startswith("```"):
        bare = bare.partition("\n")[2].rstrip().removesuffix("```")
    return bare
