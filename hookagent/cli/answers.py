"""How the answers to a replay are said: one line each, targets side by side, chaos as a table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hookagent.cli import output
from hookagent.cli.sending import Answered, Plan
from hookagent.pipeline.chaos import WRONG, Effect, Expected, Kind

BODY_SHOWN_MAX = 200
NAMED = 3
"""Events named for each fault."""
REFUSED = 400
"""HTTP's errors begin here."""
WISHES = {
    Expected.ACCEPT: "taken",
    Expected.REFUSE: "refused",
    Expected.EITHER: "either",
}


def say_json(answered: Answered, plan: Plan) -> None:
    """Write one answer as a JSON line."""
    line: dict[str, Any] = {
        "event": name_of(answered),
        "url": answered.url,
        "status": answered.status,
        "ms": round(answered.ms, 1),
        "body": answered.body.decode("utf-8", "replace"),
    }
    if answered.error:
        line["error"] = answered.error
    if plan.chaos is not None:
        line |= {
            "kind": str(answered.letter.shot.kind),
            "expected": str(answered.expected),
            "sound": answered.is_sound,
        }
    if answered.effect is not None:
        line["effect"] = str(answered.effect)
    output.json_line(line)


def say_line(answered: Answered, plan: Plan) -> None:
    """Write one answer as a line."""
    text = answered.error or answered.body.decode("utf-8", "replace")
    kind = f"  {answered.letter.shot.kind}" if plan.chaos is not None else ""
    output.data(
        output.Ink(str(answered.status or "---"), _colour(answered, plan)),
        f"  {name_of(answered)}{kind}  → {answered.url}  {answered.ms:.0f} ms  ",
        output.safe_line(text, most=BODY_SHOWN_MAX),
    )


def _colour(answered: Answered, plan: Plan) -> str:
    if plan.chaos is not None:
        return "green" if answered.is_sound else "red"
    return "green" if 0 < answered.status < REFUSED else "red"


def name_of(answered: Answered) -> str:
    """Return what an answer is the answer to."""
    return answered.captured.id or answered.captured.source or "payload"


def side_by_side(found: Sequence[Answered], plan: Plan) -> None:
    """Write a table: a row for each request, a column for each target, and whether they agree."""
    rows: dict[tuple[int, int, Kind], dict[str, list[Answered]]] = {}
    for one in found:
        letter = one.letter
        row = rows.setdefault((letter.round, letter.place, letter.shot.kind), {})
        row.setdefault(letter.to, []).append(one)
    table = []
    for (_, _, kind), row in rows.items():
        cells = [", ".join(map(_cell, row.get(url, []))) for url in plan.to]
        answers = {(one.status, one.body) for answers in row.values() for one in answers}
        statuses = {status for status, _ in answers}
        same = "same" if len(answers) == 1 else ("body" if len(statuses) == 1 else "DIFFER")
        first = next(iter(row.values()))[0]
        name = name_of(first) + ("" if kind is Kind.PLAIN else f" {kind}")
        table.append((name, *cells, same))
    output.table(("event", *plan.to, "answers"), table)


def _cell(one: Answered) -> str:
    return f"{one.status} {one.ms:.0f} ms" if one.status else "no answer"


def chaos_table(found: Sequence[Answered]) -> None:
    """Write a table: how each kind of request was answered, and what is unsound about it."""
    rows = []
    firsts = {_which(one): one for one in found if one.letter.shot.kind is Kind.PLAIN}
    for kind in Kind:
        own = [one for one in found if one.letter.shot.kind is kind]
        if own:
            rows.append(
                (str(kind), str(len(own)), _wish(own), _statuses(own), _judged(own, firsts))
            )
    output.table(("kind", "sent", "should be", "answered", "judged"), rows)


def _wish(own: Sequence[Answered]) -> str:
    return "/".join(dict.fromkeys(WISHES[one.expected] for one in own))


def _statuses(own: Sequence[Answered]) -> str:
    counts: dict[int, int] = {}
    for one in own:
        counts[one.status] = counts.get(one.status, 0) + 1
    said = sorted(counts.items())
    return ", ".join(f"{count} x {status or 'no answer'}" for status, count in said)


def _judged(own: Sequence[Answered], firsts: Mapping[tuple[int, int, str], Answered]) -> str:
    bad = [one for one in own if not one.is_sound]
    if bad:
        return ", ".join(_named(word, bad) for word in dict.fromkeys(map(_fault, bad)))
    return _sound(own, firsts)


def _sound(own: Sequence[Answered], firsts: Mapping[tuple[int, int, str], Answered]) -> str:
    """Say of requests without a fault what can be said of them."""
    retried = sum(one.is_retried for one in own)
    if retried:
        return f"sound, {retried} sent again"
    if own[0].effect is not None:
        ran = sum(one.effect is Effect.ONCE for one in own)
        return f"sound, {ran} ran" if ran else "sound, nothing ran"
    if own[0].letter.shot.kind is Kind.DUPLICATE:
        told = all(one.body != firsts[_which(one)].body for one in own if _which(one) in firsts)
        if told:
            return "sound: told apart from the first"
        return "sound, if they ran once: only the application knows (--probe asks it)"
    is_slow = own[0].letter.shot.kind is Kind.SLOW  # either will do
    if not is_slow and any(one.expected is Expected.EITHER for one in own):
        return "nothing in the scheme lets it tell"
    return "sound"


def _which(one: Answered) -> tuple[int, int, str]:
    """Return what tells the event of a request apart from the others."""
    return one.letter.round, one.letter.place, one.letter.to


def _fault(one: Answered) -> str:
    if one.effect in WRONG:
        return str(one.effect).upper()
    return "ACCEPTED" if one.expected is Expected.REFUSE else "NOT TAKEN"


def _named(word: str, bad: Sequence[Answered]) -> str:
    """Say how many have a fault, and name the first of them."""
    own = [one for one in bad if _fault(one) == word]
    names = ", ".join(dict.fromkeys(name_of(one) for one in own[:NAMED]))
    return f"{len(own)} {word}: {names}" + (", …" if len(own) > NAMED else "")


def teller(plan: Plan, *, as_json: bool) -> Callable[[Answered], None]:
    """Return what says each answer as it comes."""
    if as_json:
        return lambda answered: say_json(answered, plan)
    if len(plan.to) > 1:
        return lambda _: None  # the table at the end says it
    return lambda answered: say_line(answered, plan)
