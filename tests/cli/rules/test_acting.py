"""What the actions of a rule would do."""

from hookagent.cli.rules.acting import would_of
from hookagent.environment import Environment
from hookagent.rules.parse import read_rules
from tests.rules.events import make_event


def test_a_step_says_what_it_would_do_or_needs():
    text = """
    [rule.r]
    do = [{ action = "log", text = "{{ a }} {{ window.count }}" }, { action = "log", text = "{{ missing }}" }, { action = "http", url = "${UNSET}" }]
    """
    rule = read_rules([("r.toml", text)]).rules[0]

    told = would_of(Environment({}))(rule, make_event({"a": 1}), {"window": {"count": 5}})

    assert told["log"]["text"] == "1 5"
    assert set(told) == {"log", "log-2", "http"}
    assert "UNSET" in told["http"]["needs"]
