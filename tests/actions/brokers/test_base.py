"""Pure: what a broker's refusal carries."""

from hookagent.actions.brokers.base import Message, Unpublished


def test_a_refusal_says_whether_repeating_helps_and_whether_the_connection_is_gone():
    refusal = Unpublished("no", is_final=True)

    assert (str(refusal), refusal.is_final, refusal.is_broken) == ("no", True, False)


def test_a_message_needs_a_topic_a_body_and_a_key():
    message = Message(topic="t", body=b"b", key="k")

    assert (message.headers, message.exchange, message.jetstream) == ({}, "", False)
