"""Generated rules and events that have a fair chance of meeting: few paths, few values."""

from typing import Any

from hypothesis import strategies as st

from hookagent.rules.inline import inline, key
from hookagent.rules.model import RuleSet
from hookagent.rules.parse import read_rules

NAMES = ["a", "b", "c"]
SCALARS: list[Any] = ["x", "X", "xy", "", 0, 1, 1.0, 2, True, False, "1"]
LITERALS: list[Any] = [value for value in SCALARS if value != ""]

scalars = st.sampled_from([*SCALARS, None])
payloads = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    ),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from(NAMES), payloads, max_size=3)

paths = st.one_of(
    st.sampled_from(NAMES),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).map(".".join),
    st.sampled_from(["a[0]", "b[-1].c", "@type", "@source", "@headers.x-test"]),
)
texts = st.sampled_from(["x", "X", "xy", "y", "1"])
numbers = st.sampled_from([0, 1, 1.5, 2])
fields = paths.map(lambda path: {"field": path})


def _table(name: str, argument: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return argument.map(lambda value: {name: value})


_literals = st.sampled_from(LITERALS)
_simple = st.one_of(
    _table("eq", st.one_of(_literals, fields)),
    _table("ieq", st.one_of(texts, fields)),
    _table("in", st.lists(_literals, min_size=1, max_size=3)),
    _table("iin", st.lists(texts, min_size=1, max_size=3)),
    *(
        _table(name, st.one_of(texts, st.lists(texts, min_size=1, max_size=2), fields))
        for name in (
            "prefix",
            "iprefix",
            "suffix",
            "isuffix",
            "contains",
            "icontains",
            "word",
            "iword",
        )
    ),
    _table("glob", st.sampled_from(["x*", "?", "*y", "[xX]*", "*"])),
    _table("iglob", st.sampled_from(["X*", "?Y"])),
    _table("regex", st.sampled_from(["^x", "y$", "\\d"])),
    _table("iregex", st.sampled_from(["^X", "Y$"])),
    *(_table(name, st.one_of(numbers, texts, fields)) for name in ("gt", "gte", "lt", "lte")),
    _table("between", st.sampled_from([[0, 1], [1, 1.5], ["X", "x"]])),
    *(_table(name, st.booleans()) for name in ("exists", "null", "empty")),
    _table(
        "type",
        st.sampled_from(["string", "number", "integer", "boolean", "null", "array", "object"]),
    ),
    _table("len", st.sampled_from([0, 1, {"gte": 1}, {"not": 2}])),
    _table("inot", texts),
)
_element = st.one_of(_literals, st.lists(_literals, min_size=1, max_size=2), _simple)
_per_path = st.dictionaries(st.sampled_from(["a", "b"]), _element, min_size=1, max_size=2)
_nested = st.one_of(
    _table("not", st.one_of(_element, fields)),
    _table("item", st.one_of(_element, _per_path)),
    _table("all", st.one_of(_element, _per_path)),
    _table("not", _table("item", _per_path)),
)
requirements = st.one_of(
    _element,
    _nested,
    st.tuples(_simple, _nested).map(lambda two: two[0] | two[1]),
)
groups = st.dictionaries(paths, requirements, min_size=1, max_size=3)
_patterns = st.sampled_from(["github/push", "github", "*/p*", "gitlab/push", "git*/[a-q]ush"])
_expressions = st.sampled_from(["a + b > 1", "a == b", "not a == 1", "len(a) > 0 or b == 'x'"])
rule_tables = st.fixed_dictionaries(
    {"do": st.just([{"action": "log"}])},
    optional={
        "on": st.one_of(_patterns, st.lists(_patterns, min_size=1, max_size=2)),
        "when": groups,
        "any": st.lists(groups, min_size=1, max_size=3),
        "unless": st.lists(groups, min_size=1, max_size=2),
        "expr": _expressions,
        "priority": st.integers(-2, 2),
        "stop": st.booleans(),
        "fallback": st.booleans(),
        "enabled": st.sampled_from([True, True, True, False]),
    },
)


def ruleset_of(tables: list[dict[str, Any]]) -> RuleSet:
    """Read generated rules by way of TOML, as a person's are."""
    lines = []
    for place, table in enumerate(tables):
        lines.append(f"[rule.r{place}]")
        lines.extend(f"{key(name)} = {inline(value)}" for name, value in table.items())
    return read_rules([("rules/generated.toml", "\n".join(lines))])


rulesets = st.deferred(lambda: st.lists(rule_tables, min_size=1, max_size=5).map(ruleset_of))
