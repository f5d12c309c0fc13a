"""Pure: the breaker's life, step by step and by property."""

from hypothesis import given
from hypothesis import strategies as st

from hookagent.actions.circuit import Circuit, CircuitPolicy, Circuits, CircuitState, enter, failed

POLICY = CircuitPolicy(failures=3, pause_ms=100, pause_max_ms=350, probe_ms=50)


def tripped(now=0):
    circuit = Circuit()
    for _ in range(POLICY.failures):
        circuit = failed(circuit, POLICY, now)
    return circuit


def test_it_opens_after_failures_in_a_row():
    circuits = Circuits(POLICY)
    circuits.failed("t", 0)
    circuits.failed("t", 0)
    circuits.succeeded("t", 0)
    circuits.failed("t", 0)
    circuits.failed("t", 0)

    assert circuits.enter("t", 1) == 0
    circuits.failed("t", 1)

    assert circuits.enter("t", 2) == 99
    assert circuits.states["t"].state is CircuitState.OPEN


def test_one_probe_goes_through_when_the_pause_is_over():
    probing, wait = enter(tripped(), POLICY, 100)

    assert wait == 0
    assert probing.state is CircuitState.HALF_OPEN
    assert enter(probing, POLICY, 110) == (probing, 40)


def test_a_probe_that_never_ends_does_not_block_for_ever():
    probing, _ = enter(tripped(), POLICY, 100)

    assert enter(probing, POLICY, 150)[1] == 0


def test_a_failed_probe_doubles_the_pause_up_to_its_bound():
    circuit, now, pauses = tripped(), 0, []
    for _ in range(4):
        now = circuit.until
        circuit, _ = enter(circuit, POLICY, now)
        circuit = failed(circuit, POLICY, now)
        pauses.append(circuit.until - now)

    assert pauses == [200, 350, 350, 350]


def test_a_good_probe_closes_it_and_nothing_is_held_against_the_target():
    circuits = Circuits(POLICY)
    for _ in range(3):
        circuits.failed("t", 0)
    assert circuits.enter("t", 100) == 0

    circuits.succeeded("t", 0)

    assert circuits.enter("t", 101) == 0
    assert circuits.states == {}


def test_targets_do_not_pay_for_each_other():
    circuits = Circuits(POLICY)
    for _ in range(3):
        circuits.failed("a", 0)

    assert circuits.enter("b", 1) == 0


@given(st.lists(st.tuples(st.sampled_from("efs"), st.integers(0, 200)), max_size=60))
def test_it_never_keeps_anyone_away_for_longer_than_its_bound(moves):
    circuits, now = Circuits(POLICY), 0
    for move, passed in moves:
        now += passed
        if move == "e":
            assert 0 <= circuits.enter("t", now) <= POLICY.pause_max_ms
        elif move == "f":
            circuits.failed("t", now)
        else:
            circuits.succeeded("t", 0)
            assert circuits.enter("t", now) == 0
