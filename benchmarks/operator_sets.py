"""For each operator, ten thousand rules that share one weak equality and differ in it alone.

The worst case of an index: nothing tells the rules apart but the operator itself. Where the
operator's rules differ in the field they ask for, each has one of its own.
"""

from collections.abc import Callable, Mapping
from random import Random

from benchmarks.rulesets import event
from hookagent.event import Event
from hookagent.rules.model import RuleSet
from hookagent.rules.parse import read_rules

Line = Callable[[int], str]
"""From a rule's number to what stands in its `when`."""
PARTS = ("ka", "lo", "mi", "re", "su", "ta", "vo", "ze", "ni", "po")
ENDS = ("ran", "bel", "tis", "mor", "dun", "gal", "hes", "wik", "pol", "rud")
WORDS = [start + end for start in PARTS for end in ENDS]


def word(number: int) -> str:
    """Return one of ten thousand words."""
    return WORDS[number % 100] + WORDS[number // 100 % 100]


def hour(number: int) -> str:
    """Return one of ten thousand hours from 2010 on."""
    return f"20{10 + number % 15}-01-{1 + number // 360 % 28:02}T{number // 15 % 24:02}:00:00Z"


OPERATORS: Mapping[str, Line] = {
    "eq": lambda n: f'title = "{word(n)}"',
    "ieq": lambda n: f'title = {{ ieq = "{word(n)}" }}',
    "in": lambda n: f'title = ["{word(n)}", "x{n}"]',
    "iin": lambda n: f'title = {{ iin = ["{word(n)}", "x{n}"] }}',
    "prefix": lambda n: f'title = {{ prefix = "{word(n)}" }}',
    "iprefix": lambda n: f'title = {{ iprefix = "{word(n)}" }}',
    "suffix": lambda n: f'title = {{ suffix = "{word(n)}" }}',
    "isuffix": lambda n: f'title = {{ isuffix = "{word(n)}" }}',
    "contains": lambda n: f'title = {{ contains = "{word(n)}" }}',
    "icontains": lambda n: f'title = {{ icontains = "{word(n)}" }}',
    "word": lambda n: f'title = {{ word = "{word(n)}" }}',
    "iword": lambda n: f'title = {{ iword = "{word(n)}" }}',
    "glob": lambda n: f'title = {{ glob = "*{word(n)}?*" }}',
    "iglob": lambda n: f'title = {{ iglob = "*{word(n)}?*" }}',
    "regex, a run of letters": lambda n: f"title = {{ regex = '{word(n)}\\d*' }}",
    "iregex, a run of letters": lambda n: f"title = {{ iregex = '{word(n)}\\d*' }}",
    "regex, alternatives": lambda n: f"title = {{ regex = '{word(n)}|{word(n + 1)}x' }}",
    "iregex, alternatives": lambda n: f"title = {{ iregex = '{word(n)}|{word(n + 1)}x' }}",
    "cidr, IPv4": lambda n: f'ip = {{ cidr = "10.{n // 200}.{n % 200}.0/24" }}',
    "cidr, IPv6": lambda n: f'ip6 = {{ cidr = "2001:db8:{n:x}::/48" }}',
    "gt": lambda n: f"number = {{ gt = {n + 3_000} }}",
    "gte": lambda n: f"number = {{ gte = {n + 3_000} }}",
    "lt": lambda n: f"number = {{ lt = {-n} }}",
    "lte": lambda n: f"number = {{ lte = {-n - 1} }}",
    "between": lambda n: f"number = {{ between = [{n * 3}, {n * 3 + 6}] }}",
    "gt, texts": lambda n: f'title = {{ gt = "zz{n:05}" }}',
    "between, texts": lambda n: f'title = {{ between = ["{word(n)}", "{word(n)}~"] }}',
    "before": lambda n: f'at = {{ before = "{hour(n)}" }}',
    "after": lambda n: f'at = {{ after = "now+{n + 1}h" }}',
    "len": lambda n: f"title = {{ len = {n + 100} }}",
    "len, a range": lambda n: f"title = {{ len = {{ gte = {n + 100} }} }}",
    "item, two fields": lambda n: (
        f'items = {{ item = {{ sku = "{word(n)}", n = {{ gt = {n} }} }} }}'
    ),
    "all": lambda n: f'tags = {{ all = {{ prefix = "{word(n)}" }} }}',
    "exists, a field each": lambda n: f'"f{n}" = {{ exists = true }}',
    "null, a field each": lambda n: f'"f{n}" = {{ null = true }}',
    "empty, a field each": lambda n: f'"f{n}" = {{ empty = true }}',
    "type, a field each": lambda n: f'"f{n}" = {{ type = "string" }}',
    "changed, a field each": lambda n: f'"f{n}" = {{ changed = true }}',
    "not, a field each": lambda n: f'"f{n}" = {{ not = "{word(n)}" }}',
    "field, another each": lambda n: f'title = {{ field = "f{n}" }}',
    "lt, another field each": lambda n: f'number = {{ lt = {{ field = "f{n}" }} }}',
    "expr, a difference": lambda n: f"EXPR number - least > {n + 5_000}",
    "expr, and": lambda n: f'EXPR number == {n} and title == "{word(n)}"',
    "not, one field": lambda n: f'title = {{ not = "{word(n)}" }}',
    "exists = false": lambda n: f'"f{n}" = {{ exists = false }}',
}


def rules(line: Line, count: int) -> RuleSet:
    """Make rules that differ in one line."""
    return read_rules([("rules.toml", "\n".join(_rule(line(n), n) for n in range(count)))])


def _rule(line: str, number: int) -> str:
    expression = f"expr = ['{line.removeprefix('EXPR ')}']\n" if line.startswith("EXPR ") else ""
    other = "" if expression else f", {line}"
    when = f'when = {{ state = "open"{other} }}\n'
    return f'[rule.r{number}]\n{expression}{when}do = [{{ action = "log" }}]\n'


def events(count: int, seed: int) -> list[Event]:
    """Make events, each of which some of these rules come close to."""
    random = Random(seed)
    return [_event(random, number) for number in range(count)]


def _event(random: Random, number: int) -> Event:
    def any_word() -> str:
        return word(random.randrange(10_000))

    document = {
        "state": "open",
        "title": f"{random.choice(WORDS)} {any_word()}7 {random.choice(WORDS)} {number}",
        "number": random.randrange(3_000),
        "least": 5,
        "ip": f"10.{random.randrange(50)}.{random.randrange(200)}.5",
        "ip6": f"2001:db8:{random.randrange(10_000):x}::1",
        "at": "2026-01-31T11:00:00Z",
        "tags": [any_word() for _ in range(5)],
        "items": [{"sku": any_word(), "n": random.randrange(20_000)} for _ in range(5)],
        "changes": {"f1": {"from": 1}},
        "f1": "x",
        "f2": None,
        "f3": 3,
    }
    return event("shop", "order", document, number)
