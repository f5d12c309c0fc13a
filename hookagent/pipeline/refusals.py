"""Refused deliveries as a list shows them: by the words of the filter for events.

They are no events: nothing of them was matched, so they have no type, run or origin, and a filter
on one of these finds none of them. A word of a verdict says which of the two is meant.
"""

from hookagent.errors import UsageError, did_you_mean
from hookagent.store.base import EventFilter, Rejected, Store
from hookagent.verdict import Code, Integrity

REFUSED = "refused"
"""Refused for whatever reason."""
BAD_BODY = "bad-body"
"""Genuine, yet not what the source says its bodies are."""
VERDICTS = (str(Code.OK), str(Code.UNCHECKED), *(str(one) for one in Integrity))
"""The words for events: the verdict's code, and how much it covers."""
REASONS = (
    *(str(code) for code in Code if code not in {Code.OK, Code.UNCHECKED}),
    BAD_BODY,
)
"""The words for refused deliveries: why each was refused."""
RING_MAX = 1_000
"""At least as many as any store keeps."""


def means_refused(verdict: str) -> bool:
    """Tell whether a word of a verdict means refused deliveries. Raises UsageError for no word."""
    if verdict in {REFUSED, *REASONS}:
        return True
    if verdict and verdict not in VERDICTS:
        near = did_you_mean(verdict, (REFUSED, *VERDICTS, *REASONS))
        known = ", ".join((*VERDICTS, REFUSED))
        raise UsageError(f"no verdict `{verdict}`", hint=near or f"known: {known}, or a reason")
    return False


def reason_of(rejected: Rejected) -> str:
    """Return why a delivery was refused, as one word of `REASONS`."""
    return rejected.error.partition(": ")[0]


async def refusals(store: Store, wanted: EventFilter) -> list[Rejected]:
    """Return the refused deliveries of a filter, newest first."""
    if wanted.type or wanted.status or wanted.rule or wanted.parent or wanted.origin:
        return []
    kept = await store.rejected(limit=RING_MAX, source=wanted.source)
    return [one for one in kept if _passes(one, wanted)][: wanted.limit]


def _passes(one: Rejected, wanted: EventFilter) -> bool:
    text = wanted.text.casefold()
    return (
        wanted.verdict in {"", REFUSED, reason_of(one)}
        and wanted.since <= one.request.received_at
        and (not wanted.until or one.request.received_at <= wanted.until)
        and (not text or text in one.request.body.decode(errors="replace").casefold())
    )
