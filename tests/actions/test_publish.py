"""Pure: what is published, before any broker is asked."""

import pytest

from hookagent.actions.publish import BROKERS
from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from tests.actions.conftest import scope_of


def prepared(options, payload=None, **of_event):
    step = bind("publish", {"url": "nats://n.test", "topic": "t", **options}, Environment({}))
    return step.prepare(scope_of(payload, **of_event)).message  # type: ignore[attr-defined]  # its Prepared


def test_without_data_it_is_the_body_as_it_came():
    message = prepared({}, body=b"\xff\x00", headers={"Content-Type": "x/y"})

    assert (message.body, message.content_type) == (b"\xff\x00", "x/y")


def test_data_and_text_are_filled():
    assert prepared({"data": {"n": "{{ n }}"}}, {"n": 1}).body == b'{"n":1}'
    assert prepared({"text": "n={{ n }}"}, {"n": 1}).body == b"n=1"


def test_a_value_is_one_level_of_the_topic():
    message = prepared({"topic": "a.{{ v }}.b"}, {"v": "x.y/z * > #"})

    assert message.topic == "a.x_y_z___ ___.b".replace(" ", "")


@pytest.mark.parametrize("url", ["http://a.test", "nats", "mysql://x", ""])
def test_an_address_no_broker_has_is_a_problem(url):
    with pytest.raises(ConfigError):
        bind("publish", {"url": url, "topic": "t"}, Environment({}))


def test_data_and_text_do_not_go_together():
    with pytest.raises(ConfigError, match="do not go together"):
        prepared({"data": {}, "text": "x"})


def test_every_broker_has_its_module():
    import importlib

    for module, _ in BROKERS.values():
        assert callable(importlib.import_module(f"hookagent.actions.brokers.{module}").connect)
