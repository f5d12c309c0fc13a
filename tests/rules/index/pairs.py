"""Generated rule sets and events that look alike enough to match now and then, from a seed."""

from collections.abc import Callable
from random import Random
from typing import Any

from hookagent.event import Event, Headers, RawRequest
from hookagent.rules.arguments import read
from hookagent.rules.calendar import Calendar
from hookagent.rules.changed import Change, conventional
from hookagent.rules.expressions import parse_expression
from hookagent.rules.model import Condition, Field, Group, Pattern, Predicate, Rule, RuleSet
from hookagent.rules.operators import EXPR, OPERATORS
from hookagent.rules.overtime import Sequence
from hookagent.rules.scope import ITSELF, WHOLE, read_reference, relative
from hookagent.verdict import Code, Verdict

WORDS = (
    *("main", "mainly", "Main", "release/1", "release/2.0", "hot fix", "Fix the FIX", "straße"),
    *(
        "STRASSE",
        "a",
        "ab",
        "abc",
        "b*c",
        "[x]",
        "Kelvin \u212a",
        "\u017f",
        "x.y",
        "",
        "10",
        "true",
    ),
    *("192.0.2.7", "::ffff:192.0.2.9", "2001:db8::1", "2026-01-31T12:00:00Z", "docs/index.md"),
)
NUMBERS = (0, 1, 1.0, -1, 5, 5.5, 10, 404, 2**63, 2**64 + 1, 1e300, -0.0)
SCALARS = (*WORDS, *NUMBERS, True, False, None)
PATHS = ("a", "b", "a.b", "a.b.c", "tags", "items", "items.sku", "items.qty", "a.c", "o.tags[0]")
ENVELOPE = ("@source", "@type", "@headers.x-event", "@query.q", "@method", "@client_ip", "@body")
INNER = ("sku", "qty", "tags", "@item")
GLOBS = (
    "*",
    "m*",
    "*n",
    "*ai*",
    "main",
    "release/*",
    "r?lease/[12]*",
    "*fix*FIX",
    "a\\*b",
    "[!m]*",
)
REGEXES = ("^main$", "fix", "rel.*/[0-9]", "a+b", "^(a|b)", "x\\.y", "ma|re", "^a?b", "ab{2}|c", "")
NETWORKS = ("192.0.2.0/24", "192.0.2.7/32", "2001:db8::/32", "0.0.0.0/0")
EXPRESSIONS = (
    *("a > 1", "a + b > 3", 'b == "main"', "not (a == 1)", "len(tags) > 1", "a", "a == null"),
    *("a != 1", "0 < a.b", "a < b", "a == 1 and b == 1", "a == 1 or items.qty >= 5", "a == true"),
    *('not (a == 1 and b == "main")', 'b > "a" and not (a > 5)', "(a or b) == true", "a - a == 0"),
)
OF_TEXTS = ("prefix", "suffix", "contains", "word", "iprefix", "isuffix", "icontains", "iword")


def event(random: Random) -> Event:
    """Make an event with odd values in few places."""
    fields = [("x-event", random.choice(("push", "pull", "Push")))] if random.random() < 0.8 else []
    query = random.choice(("", "?q=main", "?q=1&q=abc"))
    return Event(
        id="evt_1",
        source=random.choice(("github", "gitlab", "shop")),
        type=random.choice(("", "push", "ticket.new", "ticket.open", "pull")),
        request=RawRequest(
            method=random.choice(("POST", "PUT")),
            target="/hooks/x" + query,
            headers=Headers.of(fields),
            received_at=random.choice((0, 1_769_860_800_000, 1_769_900_000_000)),
            client_ip=random.choice(("", "192.0.2.7", "2001:db8::1")),
        ),
        verdict=Verdict(valid=True, scheme="none", code=Code.OK),
        payload=document(random),
    )


def document(random: Random) -> Any:
    """Make a payload, mostly an object."""
    if random.random() < 0.03:
        return value(random, 2)
    made = {}
    for name in ("a", "b", "tags", "items", "o", "changes", "data"):
        if random.random() < 0.75:
            made[name] = _member(random, name)
    return made


def _member(random: Random, name: str) -> Any:
    if name == "items" and random.random() < 0.8:
        elements = [
            {key: value(random, 2) for key in ("sku", "qty", "tags") if random.random() < 0.8}
            for _ in range(random.randrange(4))
        ]
        return [elements] if random.random() < 0.1 else elements
    if name == "tags" and random.random() < 0.7:
        return [random.choice(SCALARS) for _ in range(random.choice((0, 1, 2, 5, 80)))]
    return value(random, 0)


def value(random: Random, depth: int) -> Any:
    """Make any JSON value, of few names."""
    kind = random.random()
    if depth < 3 and kind < 0.2:
        names = ("a", "b", "c", "tags", "sku", "object", "from")
        return {name: value(random, depth + 1) for name in names if random.random() < 0.5}
    if depth < 3 and kind < 0.35:
        return [value(random, depth + 1) for _ in range(random.randrange(4))]
    if kind < 0.6:
        return " ".join(random.choices(WORDS, k=random.choice((1, 1, 2, 3))))
    return random.choice(SCALARS)


def condition(random: Random, *, inner: bool = False, depth: int = 0) -> Condition:
    """Make one condition with a valid argument."""
    if not inner and random.random() < 0.03:
        return Condition(WHOLE, Predicate(EXPR, parse_expression(random.choice(EXPRESSIONS))))
    if inner:
        text = random.choice(INNER)
        reference = ITSELF if text == "@item" else relative(text)
    else:
        reference = read_reference(random.choice(PATHS if random.random() < 0.85 else ENVELOPE))
    return Condition(reference, _predicate(random, reference.path, depth))


def _predicate(random: Random, path: Any, depth: int) -> Predicate:
    op = random.choice(list(OPERATORS)) if random.random() < 0.6 else random.choice(OFTEN)
    if depth >= 2 and op in {"not", "inot", "all", "item", "len"}:
        op = "eq"
    if op == "changed":
        return Predicate(op, Change(random.random() < 0.5, conventional(path)))
    if op in {"not", "all", "item", "inot", "len"}:
        return Predicate(op, _clause(random, op, depth))
    operator = OPERATORS[op]
    if op in TAKES_FIELD and random.random() < 0.1:
        here = ("@item", "@item.sku", "@item.qty") if depth else ()
        return Predicate(op, Field(read_reference(random.choice((*PATHS, *here)))))
    return Predicate(op, read(operator.kind, _argument(random, op), is_folded=operator.folds))


OFTEN = ("eq", "eq", "eq", "in", "prefix", "contains", "glob", "gte", "lt", "regex", "suffix")
TAKES_FIELD = frozenset({"eq", "in", "prefix", "contains", "gt", "lte", "before"})


def _clause(random: Random, op: str, depth: int) -> Group:
    if op == "len":
        limits = random.sample(("eq", "gte", "lt", "gt"), random.choice((1, 1, 2)))
        return tuple(Condition(ITSELF, Predicate(it, random.randrange(5))) for it in limits)
    if op == "inot":
        return (Condition(ITSELF, Predicate("ieq", "main")),)
    size = random.choice((1, 1, 2))
    return tuple(condition(random, inner=True, depth=depth + 1) for _ in range(size))


def _argument(random: Random, op: str) -> Any:
    plain = "in" if op == "iin" else op if op == "in" else op.removeprefix("i")
    if op in OF_TEXTS or plain in {"glob", "regex"}:
        choices = {"glob": GLOBS, "regex": REGEXES}.get(plain, WORDS)
        count = random.choice((1, 2))
        return [random.choice([text for text in choices if text]) for _ in range(count)]
    make = ARGUMENTS.get(plain)
    return make(random) if make else random.choice((*NUMBERS, *WORDS))


def _span(random: Random) -> list[Any]:
    return sorted(random.sample(random.choice((NUMBERS, WORDS)), 2))


def _flag(random: Random) -> bool:
    return random.random() < 0.7


def _moment(random: Random) -> str:
    return random.choice(("now", "now+3d", "2026-01-31T12:00:00Z", "1970-01-01", "now-1h"))


ARGUMENTS: dict[str, Callable[[Random], Any]] = {
    "eq": lambda random: random.choice(SCALARS),
    "in": lambda random: random.choices(SCALARS, k=random.choice((1, 2, 3, 70))),
    "cidr": lambda random: random.sample(NETWORKS, random.choice((1, 2))),
    "between": _span,
    "before": _moment,
    "after": _moment,
    "exists": _flag,
    "null": _flag,
    "empty": _flag,
    "type": lambda random: random.choice(("string", "number", "array", "object", "null")),
}


def rule(random: Random, name: str) -> Rule:
    """Make one rule."""
    follow = None
    if random.random() < 0.05:
        follow = Rule(name=name, when=group(random, 2), on=_on(random))
    return Rule(
        name=name,
        enabled=random.random() < 0.95,
        on=_on(random),
        when=group(random, 3),
        any=tuple(group(random, 2, least=1) for _ in range(random.choice((0, 0, 0, 1, 2, 40)))),
        unless=tuple(group(random, 2, least=1) for _ in range(random.choice((0, 0, 0, 1, 2)))),
        during=Calendar(name="day", hours=((480, 1080),)) if random.random() < 0.05 else None,
        stop=random.random() < 0.05,
        fallback=random.random() < 0.08,
        sequence=Sequence(within_ms=1000) if follow else None,
        follow=follow,
    )


def _on(random: Random) -> tuple[Pattern, ...]:
    patterns = ("github", "git*", "*", "shop"), ("*", "push", "ticket.*", "*.new", "p*")
    count = random.choice((0, 1, 1, 2, 3, 40) if random.random() < 0.2 else (0, 1, 1, 2))
    return tuple(
        Pattern(random.choice(patterns[0]), random.choice(patterns[1])) for _ in range(count)
    )


def group(random: Random, most: int, *, least: int = 0) -> Group:
    """Make some conditions that must all hold."""
    return tuple(condition(random) for _ in range(random.randint(least, most)))


def ruleset(random: Random, size: int) -> RuleSet:
    """Make a rule set; some share most of their conditions, as real ones do."""
    rules: list[Rule] = []
    for number in range(size):
        made = rule(random, f"r{number}")
        if rules and random.random() < 0.3:
            made = _alike(made, random.choice(rules))
        rules.append(made)
    return RuleSet(rules=tuple(rules))


def _alike(made: Rule, other: Rule) -> Rule:
    from dataclasses import replace

    return replace(made, on=other.on, when=(*other.when[:1], *made.when[1:]), any=other.any)
