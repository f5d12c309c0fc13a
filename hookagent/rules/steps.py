"""Reads `do`: the actions of a rule in their order, with how often and how long each may try.

The keys `action name retry timeout on_interrupt` are the step's; all others are its action's
options, which `check_step` judges.
"""

from collections.abc import Callable
from datetime import date, datetime, time
from sys import intern
from typing import Any

from hookagent.job import OnInterrupt, RetryPolicy
from hookagent.located import Table, parse_duration
from hookagent.rules.model import TIMEOUT_MS, StepSpec

CheckStep = Callable[[str, Table], None]
"""Given by the actions floor: reads an action's options from the step's table and finishes it."""

PATIENCE_KEYS = frozenset({"retry", "timeout", "on_interrupt"})
STEP_KEYS = frozenset({"action", "name"}) | PATIENCE_KEYS
ATTEMPTS_MAX = 100
STEPS_MAX = 50


class Patience:
    """How often and how long to try: a rule's, or a step's over its rule's."""

    def __init__(self, retry: RetryPolicy, timeout_ms: int) -> None:
        self.retry = retry
        self.timeout_ms = timeout_ms

    @classmethod
    def default(cls) -> "Patience":
        """Return what holds where nothing is said."""
        return cls(RetryPolicy(), TIMEOUT_MS)

    def read(self, table: Table) -> "Patience":
        """Return this with what a table says in `retry`, `timeout` and `on_interrupt`."""
        if table.data.keys().isdisjoint(PATIENCE_KEYS):
            table.know(PATIENCE_KEYS)
            return self
        timeout_ms = read_duration(table, "timeout", self.timeout_ms)
        wish = table.choice("on_interrupt", self.retry.on_interrupt, [str(w) for w in OnInterrupt])
        retry = self.retry
        inner = table.table("retry")
        if inner is not None:
            retry = RetryPolicy(
                attempts=inner.integer("attempts", retry.attempts, least=1, most=ATTEMPTS_MAX),
                first_delay_ms=read_duration(inner, "first_delay", retry.first_delay_ms),
                max_delay_ms=read_duration(inner, "max_delay", retry.max_delay_ms),
            )
            inner.finish()
        return Patience(
            RetryPolicy(
                attempts=retry.attempts,
                first_delay_ms=retry.first_delay_ms,
                max_delay_ms=retry.max_delay_ms,
                on_interrupt=OnInterrupt(wish),
            ),
            timeout_ms,
        )


def read_duration(table: Table, key: str, default: int, *, required: bool = False) -> int:
    """Read a duration such as `90s` or `1h30m` into milliseconds, more than none."""
    text = table.text(key, required=required)
    if not text:
        if key in table and table.data[key] == "":
            table.report("wrong-duration", f"`{key}` is empty", key=key, hint=DURATION_HINT)
        return default
    duration = parse_duration(text)
    if not duration:
        table.report(
            "wrong-duration",
            f"`{key}` must be a duration longer than none, not `{text}`",
            key=key,
            hint=DURATION_HINT,
        )
        return default
    return duration


DURATION_HINT = "such as 250ms, 90s, 10m, 1h30m or 7d"


def read_steps(
    table: Table, patience: Patience, check_step: CheckStep | None
) -> tuple[StepSpec, ...]:
    """Read the steps under a rule's `do`."""
    tables = table.tables("do")
    if len(tables) > STEPS_MAX:
        table.report("too-many-steps", f"a rule has at most {STEPS_MAX} steps", key="do")
    steps: list[StepSpec] = []
    for inner in tables:
        step = _read_step(inner, patience, [step.name for step in steps])
        if step is None:
            continue
        steps.append(step)
        if check_step is not None:
            check_step(step.action, inner)
    return tuple(steps)


def _read_step(table: Table, patience: Patience, taken: list[str]) -> StepSpec | None:
    action = table.text("action", required=True)
    name = table.text("name")
    own = patience.read(table)
    if not action:
        return None
    if name in taken:
        table.report("step-name-taken", f"another step of this rule is named `{name}`", key="name")
    line, _ = table.document.place_of_key(table.where)
    return StepSpec(
        name=intern(name or _free_name(action, taken)),
        action=intern(action),
        options={key: as_json(table.data[key]) for key in table.data if key not in STEP_KEYS},
        retry=own.retry,
        timeout_ms=own.timeout_ms,
        file=table.document.file,
        line=line,
    )


def _free_name(action: str, taken: list[str]) -> str:
    """Name a step after its action; the second becomes `http-2`."""
    name, number = action, 1
    while name in taken:
        number += 1
        name = f"{action}-{number}"
    return name


def as_json(value: Any) -> Any:
    """Turn a TOML value into a JSON value: dates become text."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    return value
