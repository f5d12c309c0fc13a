"""Other rule engines for Python, each given the same plain rules.

A peer is prepared with the rules and then counts how many of them a payload matches. Those that are
not installed are left out.
"""

import json
import operator
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import reduce
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.rulesets import Test
from hookagent.lookup import MISSING, first, parse_path

Rules = list[list[Test]]
Count = Callable[[Any], int]
Prepare = Callable[[Rules], Count]


def peers() -> Iterator[tuple[str, Prepare]]:
    """Return the engines that are installed."""
    for name, (module, prepare) in ENGINES.items():
        if find_spec(module) is not None:
            yield name, prepare


def _lambdas(rules: Rules) -> Count:
    """Prepare what a person would write by hand in Python: one function per rule."""
    made = [eval(f"lambda p: {_python(tests)}") for tests in rules]  # our own text

    def count(payload: Any) -> int:
        return sum(1 for rule in made if rule(payload))

    return count


def _python(tests: list[Test]) -> str:
    parts = []
    for path, op, argument in tests:
        names = path.split(".")
        inner = "p" + "".join(f".get({name!r}, {{}})" for name in names[:-1])
        value = f"{inner}.get({names[-1]!r})"
        parts.append(
            f"({value} or 0) >= {argument}" if op == "gte" else f"{value} {PYTHON[op]} {argument!r}"
        )
    return " and ".join(parts)


PYTHON = {"eq": "==", "in": "in"}


def _expression(tests: list[Test], joiner: str = "and") -> str:
    """Write a rule in the form that rule-engine, zen and CEL share."""
    operators = {"eq": "==", "in": "in", "gte": ">="}
    parts = (f"{path} {operators[op]} {json.dumps(argument)}" for path, op, argument in tests)
    return f" {joiner} ".join(parts)


def _rule_engine(rules: Rules) -> Count:
    """Prepare rule-engine; it converts whole objects, so it gets the values asked for only."""
    engine: Any = import_module("rule_engine")
    context = engine.Context(default_value=None)
    flat = [[(path.replace(".", "_"), op, part) for path, op, part in tests] for tests in rules]
    made = [engine.Rule(_expression(tests), context=context) for tests in flat]
    paths = {path for tests in rules for path, _, _ in tests}

    def count(payload: Any) -> int:
        reached = {path.replace(".", "_"): first(parse_path(path), payload) for path in paths}
        values = {name: value for name, value in reached.items() if value is not MISSING}
        return sum(1 for rule in made if _holds(rule.matches, values))

    return count


def _holds(ask: Callable[[Any], Any], payload: Any, yes: Any = True) -> bool:
    """Whether a rule holds; engines raise where a field is missing."""
    try:
        return bool(ask(payload) == yes)
    except Exception:  # noqa: BLE001 # each engine has errors of its own
        return False


def _json_logic(rules: Rules) -> Count:
    logic: Any = import_module("json_logic")
    operators = {"eq": "===", "in": "in", "gte": ">="}
    made = [
        {"and": [{operators[op]: [{"var": path}, argument]} for path, op, argument in tests]}
        for tests in rules
    ]
    return lambda payload: sum(1 for rule in made if logic.jsonLogic(rule, payload) is True)


def _cel(rules: Rules) -> Count:
    cel: Any = import_module("cel")
    made = [cel.compile(_expression(tests, "&&")) for tests in rules]

    def count(payload: Any) -> int:
        context = cel.Context(variables=payload)
        return sum(1 for rule in made if _holds(rule.execute, context))

    return count


def _celpy(rules: Rules) -> Count:
    celpy: Any = import_module("celpy")
    environment = celpy.Environment()
    made = [environment.program(environment.compile(_expression(tests, "&&"))) for tests in rules]
    yes = celpy.celtypes.BoolType(1)

    def count(payload: Any) -> int:
        activation = celpy.json_to_cel(payload)
        return sum(1 for rule in made if _holds(rule.evaluate, activation, yes))

    return count


def _zen(rules: Rules) -> Count:
    zen: Any = import_module("zen")
    made = [zen.compile_expression(_expression(tests)) for tests in rules]
    return lambda payload: sum(1 for rule in made if _holds(rule.evaluate, payload))


def _durable_rules(rules: Rules) -> Count:
    """Prepare durable_rules, which takes flat facts and calls back for each rule that holds."""
    lang: Any = import_module("durable.lang")
    asked = {path for tests in rules for path, _, _ in tests}
    called: list[int] = []

    def rule_of(tests: list[Test]) -> Any:
        parts = [
            _fact_test(getattr(lang.m, path.replace(".", "_")), op, it) for path, op, it in tests
        ]
        return reduce(operator.and_, parts)

    def note(number: int) -> Callable[[Any], None]:
        return lambda _context: called.append(number)

    name = f"rules{len(rules)}"
    with lang.ruleset(name):
        for number, tests in enumerate(rules):
            lang.when_all(rule_of(tests))(note(number))

    def count(payload: Any) -> int:
        reached = {path.replace(".", "_"): first(parse_path(path), payload) for path in asked}
        fact = {place: value for place, value in reached.items() if value is not MISSING}
        called.clear()
        if fact:
            with suppress(lang.engine.MessageNotHandledException):  # no rule asks for any of it
                lang.assert_fact(name, fact)
                lang.retract_fact(name, fact)
        return len(called)

    return count


def _fact_test(value: Any, op: str, argument: Any) -> Any:
    if op == "in":
        return reduce(operator.or_, [value == one for one in argument])
    return value >= argument if op == "gte" else value == argument


ENGINES: dict[str, tuple[str, Prepare]] = {
    "hand-written lambdas": ("json", _lambdas),
    "json-logic (panzi)": ("json_logic", _json_logic),
    "rule-engine": ("rule_engine", _rule_engine),
    "common-expression-language": ("cel", _cel),
    "zen-engine expressions": ("zen", _zen),
    "cel-python": ("celpy", _celpy),
    "durable_rules": ("durable", _durable_rules),
}
