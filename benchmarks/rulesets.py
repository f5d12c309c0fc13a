"""Rule sets and events for `benchmarks match`, generated from a seed.

`mixed`       what people write: an event type, and two to five conditions on the payload
`broad`       adversarial: all share one weak equality and differ in a text, pattern or range
`detections`  as detection engineers write them: nested choices and exceptions, long lists, any case

Events are variations of recorded deliveries (an event file), or of made-up ones shaped like them.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from hookagent import eventfile
from hookagent.event import Event, Headers, RawRequest
from hookagent.rules.arguments import read
from hookagent.rules.model import Condition, Group, Pattern, Predicate, Rule, RuleSet
from hookagent.rules.operators import OPERATORS
from hookagent.rules.scope import ITSELF, read_reference
from hookagent.verdict import Code, Verdict

KINDS = ("push", "pull_request", "issues", "issue_comment", "release", "workflow_run", "star")
ACTIONS = ("opened", "closed", "edited", "labeled", "created", "deleted", "synchronize")
REPOSITORIES = [f"org{number % 20}/service-{number:03}" for number in range(300)]
SENDERS = [f"dev{number:02}" for number in range(60)] + ["renovate[bot]", "dependabot[bot]"]
LABELS = ("bug", "feature", "urgent", "docs", "backport", "good first issue", "security", "wontfix")
REFS = ("refs/heads/main", "refs/heads/dev", *(f"refs/heads/release/{n}" for n in range(40)))
NOUNS = ("parser", "cache", "login", "billing", "upload", "search", "webhook", "scheduler", "cli")
VERBS = ("Fix", "Add", "Remove", "Speed up", "Document", "Revert", "Rename", "Test")
ARRIVED = 1_769_860_800_000


def condition(path: str, op: str, argument: Any) -> Condition:
    """Make a condition from what TOML would hold; `not` takes a literal or (operator, argument)."""
    if op == "not":
        inner = argument if isinstance(argument, tuple) else ("eq", argument)
        clause = (Condition(ITSELF, _predicate(*inner)),)
        return Condition(read_reference(path), Predicate("not", clause))
    return Condition(read_reference(path), _predicate(op, argument))


def _predicate(op: str, argument: Any) -> Predicate:
    operator = OPERATORS[op]
    return Predicate(op, read(operator.kind, argument, is_folded=operator.folds))


def title(random: Random) -> str:
    """Make the title of an issue."""
    return (
        f"{random.choice(VERBS)} the {random.choice(NOUNS)} of "
        f"{random.choice(NOUNS)} {random.randrange(5000)}"
    )


# Events.


def events(count: int, seed: int, payloads: Path | None = None) -> list[Event]:
    """Make events: variations of recorded ones, or of made-up ones of the same size."""
    random = Random(seed)
    templates = _recorded(payloads) if payloads else [_made_up(random) for _ in range(60)]
    return [_varied(random, templates[number % len(templates)], number) for number in range(count)]


def _recorded(path: Path) -> list[tuple[str, Any]]:
    found = []
    for captured in eventfile.read(path.read_bytes()):
        kind = captured.request.headers.text("x-github-event") or ""
        found.append((kind, msgspec.json.decode(captured.request.body)))
    return found


def _made_up(random: Random) -> tuple[str, Any]:
    kind = random.choice(KINDS)
    subject = {"number": 1, "title": "", "state": "open", "labels": [], "user": _links("user", 18)}
    subject |= _links("subject", 30) | {"body": "words and words " * 40, "draft": False}
    document = {
        "action": "opened",
        "sender": _links("user", 18),
        "repository": _links("repository", 70) | {"owner": _links("user", 18)},
        "organization": _links("organization", 10),
    }
    if kind == "push":
        return kind, document | {"ref": "", "commits": [_links("commit", 12) for _ in range(4)]}
    name = {"pull_request": "pull_request", "issues": "issue", "issue_comment": "issue"}.get(kind)
    return kind, document | {name or kind: subject}


def _links(name: str, count: int) -> dict[str, Any]:
    made: dict[str, Any] = {"id": 1, "login": "dev", "full_name": ""}
    for number in range(count):
        made[f"{name}_{number}_url"] = f"https://api.example.test/{name}s/octo/{number}{{/more}}"
    return made


def _varied(random: Random, template: tuple[str, Any], number: int) -> Event:
    kind, document = template[0], deepcopy(template[1])
    for key, value in (("repository", "full_name"), ("sender", "login")):
        if isinstance(document.get(key), dict):
            pool = REPOSITORIES if key == "repository" else SENDERS
            document[key][value] = random.choice(pool)
    for key in ("issue", "pull_request"):
        if isinstance(document.get(key), dict):
            labels = [{"name": label} for label in random.sample(LABELS, random.randrange(4))]
            document[key] |= {"title": title(random), "number": random.randrange(1, 5000)}
            document[key] |= {"labels": labels, "draft": random.random() < 0.2}
    if "ref" in document:
        document["ref"] = random.choice(REFS)
    return event("github", kind, document, number)


def event(source: str, kind: str, document: Any, number: int) -> Event:
    """Make an event as the pipeline would."""
    body = msgspec.json.encode(document)
    return Event(
        id=f"evt_{number:024x}",
        source=source,
        type=kind,
        request=RawRequest(
            target=f"/hooks/{source}",
            headers=Headers.of({"Content-Type": "application/json", "X-GitHub-Event": kind}),
            body=body,
            received_at=ARRIVED + number,
        ),
        verdict=Verdict(valid=True, scheme="none", code=Code.OK),
        payload=msgspec.json.decode(body),
    )


# What people write.


def mixed(count: int, seed: int) -> RuleSet:
    """Make rules as people write them."""
    random = Random(seed)
    return _ruleset([_mixed(random, number) for number in range(count)])


def _mixed(random: Random, number: int) -> Rule:
    kind = random.choice(KINDS)
    name = {"pull_request": "pull_request"}.get(kind, "issue")
    choices: list[Callable[[], Condition]] = [
        lambda: condition(f"{name}.labels.name", "eq", random.choice(LABELS)),
        lambda: condition(f"{name}.title", "contains", f"{random.choice(NOUNS)} {number % 5000}"),
        lambda: condition(
            f"{name}.title", "glob", f"{random.choice(VERBS)}*{random.choice(NOUNS)}*"
        ),
        lambda: condition(f"{name}.title", "regex", f"{random.choice(NOUNS)} [0-9]*{number % 90}$"),
        lambda: condition(f"{name}.number", "between", [number % 5000, number % 5000 + 50]),
        lambda: condition(f"{name}.draft", "eq", argument=False),
        lambda: condition("sender.login", "eq", random.choice(SENDERS)),
        lambda: condition("sender.login", "not", ("suffix", "[bot]")),
        lambda: condition("ref", "in", random.sample(REFS, 3)),
    ]
    when = [_repository(random)]
    if random.random() < 0.8:
        when.append(condition("action", "in", random.sample(ACTIONS, random.choice((1, 2)))))
    when += [make() for make in random.sample(choices, random.choice((1, 2, 3)))]
    return Rule(name=f"rule-{number}", on=(Pattern("github", kind),), when=tuple(when))


def _repository(random: Random) -> Condition:
    name = random.choice(REPOSITORIES)
    chance = random.random()
    if chance < 0.8:
        return condition("repository.full_name", "eq", name)
    if chance < 0.9:
        return condition("repository.full_name", "prefix", name.split("/")[0] + "/")
    return condition("repository.full_name", "suffix", name[-3:])


# Adversarial.


def broad(count: int, seed: int) -> RuleSet:
    """Make rules that share one weak equality and differ in what cannot be hashed."""
    random = Random(seed)
    return _ruleset([_broad(random, number) for number in range(count)])


def _broad(random: Random, number: int) -> Rule:
    kind, name = (("issues", "issue"), ("pull_request", "pull_request"))[number % 2]
    noun, issue = random.choice(NOUNS), number % 5000
    when = random.choice(
        (
            condition(f"{name}.title", "contains", f"{noun} {issue}"),
            condition(f"{name}.title", "icontains", f"OF {noun} {number}"),
            condition(f"{name}.title", "regex", f"the [a-z]+ of \\w+ {issue}$"),
            condition(f"{name}.title", "glob", f"*{noun} of * {issue}"),
            condition(f"{name}.number", "between", [issue, issue + 5]),
            condition("repository.full_name", "prefix", REPOSITORIES[number % 300]),
        )
    )
    return Rule(name=f"rule-{number}", on=(Pattern("github", kind),), when=(when,))


# What every engine can say.

Test = tuple[str, str, Any]
"""A path, `eq`, `in` or `gte`, and what it is held against."""


def plain(count: int, seed: int) -> list[list[Test]]:
    """Make rules of equal values, lists and limits only, for engines that know no more."""
    random = Random(seed)
    rules: list[list[Test]] = []
    for _ in range(count):
        tests: list[Test] = [("repository.full_name", "eq", random.choice(REPOSITORIES))]
        tests.append(("action", "in", random.sample(ACTIONS, 2)))
        if random.random() < 0.5:
            tests.append(("sender.login", "eq", random.choice(SENDERS)))
        if random.random() < 0.3:
            tests.append(("repository.id", "gte", random.randrange(10)))
        rules.append(tests)
    return rules


def of_plain(rules: list[list[Test]]) -> RuleSet:
    """Make our rules of plain ones."""
    return _ruleset(
        [
            Rule(name=f"rule-{number}", when=tuple(condition(*test) for test in tests))
            for number, tests in enumerate(rules)
        ]
    )


# Detections.

PROGRAMS = [
    f"\\{name}{number or ''}.exe"
    for number in range(8)
    for name in ("cmd", "powershell", "rundll32", "certutil", "wscript", "mshta", "bitsadmin")
]
WORDS = [
    f"{left}{right}{number or ''}"
    for number in range(4)
    for left in (
        "-enc",
        "/c ",
        "http",
        "down",
        "invoke",
        "script",
        "temp\\",
        "user",
        "reg ",
        "-nop",
    )
    for right in ("oded", "load", "string", "obj", " add", "web", "shell", "dump", "key", "lsass")
]


def detections(count: int, seed: int) -> RuleSet:
    """Make rules as detection engineers write them, about ten conditions in each."""
    random = Random(seed)
    return _ruleset([_detection(random, number) for number in range(count)])


def _detection(random: Random, number: int) -> Rule:
    kind = random.choice(("process", "process", "process", "file", "registry", "network"))
    when = []
    if random.random() < 0.4:
        when.append(
            condition("Image", "isuffix", random.sample(PROGRAMS, random.choice((1, 2, 4))))
        )
    if random.random() < 0.2 or not when:
        when.append(condition("CommandLine", "icontains", _words(random, number, 3)))
    groups = [_choice(random, number) for _ in range(random.choice((0, 2, 3)))]
    unless = [
        (condition("ParentImage", "iprefix", f"c:\\program files\\vendor{number % 40}\\"),)
        for _ in range(random.choice((0, 1, 2)))
    ]
    return Rule(
        name=f"detection-{number}",
        on=(Pattern("sysmon", kind),),
        when=tuple(when),
        any=tuple(groups),
        unless=tuple(unless),
    )


def _choice(random: Random, number: int) -> Group:
    conditions = [condition("CommandLine", "icontains", _words(random, number, 2))]
    if random.random() < 0.5:
        conditions.append(condition("CommandLine", "icontains", _words(random, number, 4)))
    if random.random() < 0.3:
        conditions.append(condition("ParentImage", "isuffix", random.choice(PROGRAMS)))
    if random.random() < 0.2:
        conditions.append(condition("OriginalFileName", "ieq", random.choice(PROGRAMS)[1:]))
    if random.random() < 0.1:
        conditions.append(
            condition("CommandLine", "iregex", f"-{random.choice(NOUNS)}\\s+\\d{number}")
        )
    return tuple(conditions)


def _words(random: Random, number: int, most: int) -> list[str]:
    picked = random.sample(WORDS, random.randint(1, most))
    return [f"{word}{number % 700}" if random.random() < 0.7 else word for word in picked]


def machine_events(count: int, seed: int) -> list[Event]:
    """Make what a machine's monitor reports of processes, about 1.6 KB each."""
    random = Random(seed)
    made = []
    for number in range(count):
        program = "C:\\Windows\\System32" + random.choice(PROGRAMS)
        line = f"{program} " + " ".join(
            f"{random.choice(WORDS)}{random.randrange(700)}"
            for _ in range(random.choice((2, 6, 12)))
        )
        document = {
            "EventID": 1,
            "Image": program,
            "CommandLine": line,
            "OriginalFileName": program.rpartition("\\")[2],
            "ParentImage": random.choice(("C:\\Program Files\\vendor7", "C:\\Windows"))
            + random.choice(PROGRAMS),
            "ParentCommandLine": "C:\\Windows\\Explorer.EXE /factory",
            "User": f"CORP\\user{number % 90}",
            "Hashes": "SHA256=" + f"{random.getrandbits(256):064X}",
            "details": _links("detail", 14),
        }
        kind = random.choice(("process", "process", "file", "registry", "network"))
        made.append(event("sysmon", kind, document, number))
    return made


# Rule files.

ACTION = '\n[[rule.{name}.do]]\naction = "log"\ntext = "{{{{ event.id }}}} came"\n\n'
OVER_TIME = {
    "window": 'window = { count = 20, within = "1m", by = ["host"] }',
    "throttle": 'throttle = { once = "10m", by = ["host"] }',
    "debounce": 'debounce = { quiet = "10s", by = ["host"] }',
    "sequence": 'sequence = { within = "1h", by = ["host"], then = { on = "shop/shipped" } }',
    "absence": 'absence = { after = "1h", by = ["host"] }',
}


def written(count: int, seed: int) -> str:
    """Write a file of rules as people write them."""
    random = Random(seed)
    rules = []
    for number in range(count):
        name = f"rule-{number}"
        rules.append(
            f'[rule.{name}]\nabout = "Rule number {number}"\non = "github/{random.choice(KINDS)}"\n'
            f'when = {{ "repository.full_name" = "{random.choice(REPOSITORIES)}",'
            f' action = ["opened", "closed"],'
            f' "issue.title" = {{ contains = "{random.choice(NOUNS)} {number % 5000}" }} }}\n'
            + ACTION.format(name=name)
        )
    return "".join(rules)


def over_time(condition: str) -> str:
    """Write a file of one rule with this condition over several events."""
    return f"[rule.it]\n{condition}\n" + ACTION.format(name="it")


def _ruleset(rules: list[Rule]) -> RuleSet:
    return RuleSet(rules=tuple(rules))


KINDS_OF_RULES: Mapping[str, Callable[[int, int], RuleSet]] = {
    "mixed": mixed,
    "broad": broad,
    "detections": detections,
}
