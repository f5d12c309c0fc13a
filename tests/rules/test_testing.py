"""Rules' own test cases."""

from hookagent.errors import NotFound
from hookagent.rules.testing import RECEIVED_AT, differences, event_of, run_case, run_tests
from tests.rules.events import make_event, rule_of, rules_of

URGENT = """
on = "support/ticket.*"
when = { priority = "urgent" }
"""


def case(text, rule=URGENT):
    made = rule_of(f"{rule}\ntest = [{text}]")
    return made, made.tests[0]


def test_a_case_passes_when_the_rule_does_as_it_says():
    assert run_case(*case('{ payload = { priority = "urgent" } }')).passed
    assert run_case(*case('{ payload = { priority = "low" }, fires = false }')).passed


def test_a_failed_case_says_what_was_wanted_and_why_it_is_not_so():
    result = run_case(*case('{ payload = { priority = "Urgent" }, about = "shouting" }'))

    assert (result.passed, result.fires, result.about) == (False, False, "shouting")
    assert result.problems == ["it was to fire, and did not"]
    assert result.explanation is not None
    assert result.explanation.when[0].note == "differs only in case"


def test_a_case_for_another_source_is_not_taken():
    assert run_case(
        *case('{ payload = { priority = "urgent" }, source = "x", fires = false }')
    ).passed


def test_a_disabled_rule_is_tested_all_the_same():
    assert run_case(
        *case('{ payload = { priority = "urgent" } }', URGENT + "enabled = false")
    ).passed


def test_headers_query_and_time_can_be_given():
    rule = """
    [rule.r.when]
    "@headers.x-a" = "1"
    "@query.q" = "a b"
    "@client_ip" = { cidr = "192.0.2.0/24" }
    "@received_at" = { after = "2026-05-01" }
    """
    text = (
        '[[rule.r.test]]\npayload = {}\nheaders = { X-A = "1" }\nquery = { q = "a b" }\n'
        'client_ip = "192.0.2.1"\nreceived_at = "2026-05-02T00:00:00Z"'
    )
    made = rule_of(f"{rule}\n{text}")

    assert run_case(made, made.tests[0]).passed


def test_what_actions_send_is_compared_in_part():
    rule, one = case(
        '{ payload = { priority = "urgent" }, sends = { log = { message = "x", a = { b = 1 } } } }'
    )

    def would(*_):
        return {"log": {"message": "x", "a": {"b": True, "c": 2}, "level": "info"}}

    assert run_case(rule, one, would=would).problems == ["step `log`: `a.b` is true, not 1"]
    assert run_case(rule, one, would=lambda *_: {}).problems == ["there is no step `log`"]
    assert differences({"a": 1}, {}) == ["`a` is not sent"]
    assert differences([1], [1.0]) == []
    assert differences({"a": {"b": 1}}, {"a": '{"b":1,"c":2}'}) == []
    assert differences({"a": 1}, "{") == ['`` is "{", not {"a":1}']


def test_a_step_that_lacks_a_field_says_which():
    rule, one = case('{ payload = { priority = "urgent" }, sends = { log = { text = "x" } } }')

    def would(*_):
        return {"log": {"action": "log", "needs": "there is no `a`"}}

    assert run_case(rule, one, would=would).problems == [
        "step `log` sends nothing: there is no `a`"
    ]


def test_an_event_of_a_file_is_read_by_the_caller():
    rule, one = case('{ event = "e.json" }')

    assert run_case(
        rule, one, lambda *_: make_event({"priority": "urgent"}, source="support", type="ticket.x")
    ).passed

    def missing(*_):
        raise NotFound("no file `e.json`")

    assert run_case(rule, one, missing).problems == ["no file `e.json`"]
    assert not run_case(rule, one).passed


def test_rules_over_time_are_judged_by_their_last_event():
    window = 'window = { count = 3, within = "1m" }'
    throttle = 'throttle = { once = "1m" }'
    rules = rules_of(
        f"""
        [rule.w]
        {window}
        test = [{{ payload = 1, repeat = 3 }}, {{ payload = 1, repeat = 2, fires = false }}, {{ payload = 1, repeat = 3, every = "40s", fires = false }}]
        do = [{{ action = "log" }}]
        [rule.t]
        {throttle}
        test = [{{ payload = 1 }}, {{ payload = 1, repeat = 2, fires = false }}]
        do = [{{ action = "log" }}]
        [rule.d]
        debounce = {{ quiet = "1m" }}
        test = [{{ payload = 1, repeat = 3 }}]
        do = [{{ action = "log" }}]
        [rule.a]
        absence = {{ after = "1h" }}
        test = [{{ payload = 1 }}]
        do = [{{ action = "log" }}]
        [rule.s]
        on = "shop/paid"
        sequence = {{ within = "1h", without = {{ on = "shop/shipped" }} }}
        test = [{{ payload = 1 }}, {{ payload = 1, then = {{ payload = 2 }}, fires = false }}, {{ payload = 1, then = {{ payload = 2 }}, after = "2h", fires = false }}]
        do = [{{ action = "log" }}]
        [rule.q]
        on = "shop/paid"
        sequence = {{ within = "1h", then = {{ on = "shop/shipped" }} }}
        test = [{{ payload = 1, fires = false }}, {{ payload = 1, then = {{ payload = 2 }} }}]
        do = [{{ action = "log" }}]
        """,
    )

    results = run_tests(rules)

    assert [result.problems for result in results if not result.passed] == []
    assert len(results) == 12


def test_the_event_of_a_case_is_a_whole_one():
    event = event_of(case('{ payload = { a = "é" } }')[1])

    assert event.request.body == '{"a":"é"}'.encode()
    assert (event.source, event.type, event.received_at) == (
        "support",
        "ticket.example",
        RECEIVED_AT,
    )
