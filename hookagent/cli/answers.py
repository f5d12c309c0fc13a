"""How the answers to a replay are said: one line each, targets side by side, chaos as a table."""

from collections.abc import Callable, Sequence
from typing import Any

from hookagent.cli import output
from hookagent.cli.sending import Answered, Plan
from hookagent.pipeline.chaos import Expected, Kind

BODY_SHOWN_MAX = 200
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
    for kind in Kind:
        own = [one for one in found if one.letter.shot.kind is kind]
        if own:
            rows.append((str(kind), str(len(own)), _wish(own), _statuses(own), _judged(kind, own)))
    output.table(("kind", "sent", "should be", "answered", "judged"), rows)


def _wish(own: Sequence[Answered]) -> str:
    return "/".join(dict.fromkeys(WISHES[one.expected] for one in own))


def _statuses(own: Sequence[Answered]) -> str:
    counts: dict[int, int] = {}
    for one in own:
        counts[one.status] = counts.get(one.status, 0) + 1
    said = sorted(counts.items())
    return ", ".join(f"{count} x {status or 'no answer'}" for status, count in said)


def _judged(kind: Kind, own: Sequence[Answered]) -> str:
    bad = [one for one in own if not one.is_sound]
    if bad:
        word = "ACCEPTED" if own[0].expected is Expected.REFUSE else "NOT TAKEN"
        names = ", ".join(dict.fromkeys(name_of(one) for one in bad[:3]))
        return f"{len(bad)} {word}: {names}" + (", …" if len(bad) > 3 else "")  # noqa: PLR2004 - three are named
    if kind is Kind.DUPLICATE:
        return "sound, if they ran once: only the application knows"
    if any(one.expected is Expected.EITHER for one in own):
        return "nothing in the scheme lets it tell"
    return "sound"


def teller(plan: Plan, *, as_json: bool) -> Callable[[Answered], None]:
    """Return what says each answer as it comes."""
    if as_json:
        return lambda answered: say_json(answered, plan)
    if len(plan.to) > 1:
        return lambda _: None  # the table at the end says it
    return lambda answered: say_line(answered, plan)
