"""Pure: runs that are done before they are recorded."""

from hookagent.event import Event, RawRequest
from hookagent.job import OnInterrupt, RetryPolicy, RunState
from hookagent.pipeline.atonce import AtOnce, are_over_at_once
from hookagent.rules.model import Rule, StepSpec
from hookagent.rules.parse import read_rules
from hookagent.store.base import Run
from hookagent.verdict import Code, Verdict

EVENT = Event(
    id="evt_1",
    source="shop",
    request=RawRequest(),
    verdict=Verdict(valid=True, scheme="none", code=Code.OK),
)


def step(action="log", **changes):
    return StepSpec(name="a", action=action, options={}, **changes)


def rule(*steps, **changes):
    return Rule(name="it", do=steps or (step(),), **changes)


class Doing:
    """Plays the execution."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.told: list[str] = []

    def run_at_once(self, run, _event):
        self.did.append(run.id)
        run.state = RunState.DONE
        return lambda: self.told.append(run.id)


def run(run_id, of="it"):
    return Run(id=run_id, event_id="evt_1", rule=of)


def test_a_single_step_that_waits_for_nothing_is_over_at_once():
    counted = '[rule.it]\nwindow = { count = 2, within = "1h" }\n[[rule.it.do]]\naction = "log"\n'
    held = step(retry=RetryPolicy(on_interrupt=OnInterrupt.HOLD))

    assert are_over_at_once(rule())
    assert not are_over_at_once(rule(step("http")))
    assert not are_over_at_once(rule(step(), step()))
    assert not are_over_at_once(rule(concurrency=1))
    assert not are_over_at_once(rule(held))
    assert not are_over_at_once(read_rules([("r.toml", counted)]).rules[0])


def test_a_run_is_done_once_however_often_its_commit_is_tried():
    doing = Doing()
    at_once = AtOnce(doing.run_at_once)

    first = at_once.done(run("a"), EVENT)
    again = at_once.done(run("b"), EVENT)
    other = at_once.done(run("c", "another"), EVENT)

    assert (again, other.id, doing.did) == (first, "c", ["a", "c"])
    assert first.state is RunState.DONE

    at_once.clear()
    assert at_once.done(run("d"), EVENT).id == "d"


def test_it_is_told_of_when_it_is_on_disk_and_only_then():
    doing = Doing()
    at_once = AtOnce(doing.run_at_once)
    done = at_once.done(run("a"), EVENT)
    assert doing.told == []

    at_once.tell(EVENT, run("pending"))
    at_once.tell(EVENT, run("z", "another"))
    assert doing.told == []

    at_once.tell(EVENT, done)
    assert doing.told == ["a"]
