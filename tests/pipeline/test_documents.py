"""Pure: the JSON forms that commands and the inspector share."""

from hookagent.event import RawRequest
from hookagent.eventfile import Captured
from hookagent.job import Attempt, RunState, Step, StepState
from hookagent.pipeline.documents import rejection_document, rejection_row, run_document
from hookagent.store.base import Rejected, Run
from hookagent.verdict import Code, Verdict

T0 = 1_769_860_800_000


def test_a_run_is_shown_with_its_steps_and_tries():
    tried = Attempt(started_at=T0, ms=12, outcome="again", error="refused")
    step = Step(name="call", action="http", state=StepState.WAITING, attempts=[tried])
    run = Run(
        id="run_1", event_id="evt_1", rule="r", state=RunState.WAITING, steps=[step],
        created_at=T0, due_at=T0 + 1_000,
    )  # fmt: skip

    assert run_document(run) == {
        "id": "run_1",
        "event": "evt_1",
        "rule": "r",
        "state": "waiting",
        "created_at": "2026-01-31T12:00:00.000Z",
        "due_at": "2026-01-31T12:00:01.000Z",
        "ended_at": None,
        "reason": None,
        "steps": [
            {
                "name": "call",
                "action": "http",
                "state": "waiting",
                "attempts": [
                    {
                        "started_at": "2026-01-31T12:00:00.000Z",
                        "ms": 12,
                        "outcome": "again",
                        "error": "refused",
                    }
                ],
                "forgiven": 0,
                "output": None,
            }
        ],
    }


def test_a_refusal_is_a_row_without_and_a_document_with_its_headers():
    verdict = Verdict(valid=False, scheme="github", code=Code.MISMATCH, detail="not this")
    one = Rejected(
        id="rej_1", source="gh", request=RawRequest(body=b"{}", received_at=T0), verdict=verdict,
        status=403, error="wrong-signature",
    )  # fmt: skip

    row = rejection_row(one)
    document = rejection_document(Captured(request=one.request, id=one.id, source=one.source), one)

    assert (row["id"], row["status"], row["detail"], row["size"]) == ("rej_1", 403, "not this", 2)
    assert "headers" not in row
    assert document["headers"] == []
    assert document["verdict"]["reason"] == "wrong-signature"
