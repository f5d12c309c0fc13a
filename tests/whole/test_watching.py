"""Whole: silence at a running agent becomes an event, a rule's run, and a recovery."""

from tests.whole.served import serving, write_project

EXPECT = """
[[expect]]
name = "orders"
match = "shop/order"
every = "6s"
"""
RULE = """
[rule.tell]
on = "hookagent/watch.*"
[[rule.tell.do]]
action = "log"
text = "{{ @type }} {{ subject }}"
"""


def test_silence_runs_a_rule_once_and_so_does_the_recovery(tmp_path):
    folder = write_project(tmp_path / "p", rules=RULE, more=EXPECT)
    with serving(folder) as agent:
        assert agent.post({"id": "1", "type": "order"})[0] == 200

        agent.wait_for("logged", line="info: watch.silence orders")
        assert agent.post({"id": "2", "type": "order"})[0] == 200
        agent.wait_for("logged", line="info: watch.recovered orders")
        told = [one for one in agent.seen if one["event"] == "trouble"]
        assert len(told) == 1
        assert told[0]["message"].startswith("watch.silence: `orders`")
