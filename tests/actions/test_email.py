"""Adapter: SMTP against a server of our own that speaks just enough of it."""

import asyncio
from email import message_from_bytes
from email.policy import default

import pytest

from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.job import Again, Done, Never
from tests.actions.conftest import act, call_of


class FakeSmtp:
    """Takes mail, or answers a command with what the test says."""

    def __init__(self):
        self.answers = {}
        self.mail = []
        self.recipients = []
        self.refused = ""
        self.port = 0

    async def serve(self, reader, writer):
        writer.write(b"220 fake\r\n")
        while line := await reader.readline():
            command = line.decode().strip()
            verb = command.partition(" ")[0].upper()
            if verb == "RCPT":
                self.recipients.append(command)
            if verb == "RCPT" and self.refused and self.refused in command:
                writer.write(b"550 no such user\r\n")
            elif verb in self.answers:
                writer.write(self.answers[verb])
            elif verb == "EHLO":
                writer.write(b"250-fake\r\n250 8BITMIME\r\n")
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                data = await reader.readuntil(b"\r\n.\r\n")
                self.mail.append(data.removesuffix(b".\r\n"))
                writer.write(self.answers.get(".", b"250 taken\r\n"))
            else:
                writer.write(b"250 ok\r\n" if verb != "QUIT" else b"221 bye\r\n")
            await writer.drain()
            if verb == "QUIT":
                break
        writer.close()


@pytest.fixture
async def smtp():
    fake = FakeSmtp()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    yield fake
    server.close()
    await server.wait_closed()


def options_of(smtp, **more):
    return {
        "host": "127.0.0.1",
        "port": smtp.port,
        "security": "none",
        "sender": "Hook <hook@a.test>",
        "to": ["ada@b.test", "Grace <grace@b.test>"],
        "subject": "{{ s }}",
        "text": "Dear all,\n{{ s }}\n.\nend",
        **more,
    }


async def test_a_message_arrives_whole_and_named_by_the_steps_key(outside, smtp):
    outcome = await act("email", options_of(smtp), outside, {"s": "Ünïcode 日本"})

    assert isinstance(outcome, Done)
    message = message_from_bytes(smtp.mail[0], policy=default)
    assert message["Subject"] == "Ünïcode 日本"
    assert message["Message-ID"] == "<run_1-0@hookagent.invalid>" == outcome.output["message_id"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert "ada@b.test" in message["To"]
    assert "Ünïcode 日本" in message.get_content()
    assert len(smtp.recipients) == 2


@pytest.mark.parametrize("value", ["a\r\nBcc: evil@x.test", "a\nb", "a\0b"])
async def test_a_value_cannot_add_a_header(outside, smtp, value):
    outcome = await act("email", options_of(smtp), outside, {"s": value})

    assert isinstance(outcome, Never)
    assert smtp.mail == []


@pytest.mark.parametrize(
    ("verb", "answer", "kind"),
    [
        ("MAIL", b"451 greylisted\r\n", Again),
        ("MAIL", b"550 no such sender\r\n", Never),
        ("RCPT", b"450 busy\r\n", Again),
        ("RCPT", b"550 no such user\r\n", Never),
        (".", b"452 full\r\n", Again),
        (".", b"554 spam\r\n", Never),
        ("EHLO", b"421 closing\r\n", Again),
    ],
)
async def test_the_servers_codes_are_sorted(outside, smtp, verb, answer, kind):
    smtp.answers[verb] = answer
    if verb == "EHLO":
        smtp.answers["HELO"] = answer

    outcome = await act("email", options_of(smtp), outside, {"s": "x"})

    assert isinstance(outcome, kind)
    assert answer[:3].decode() in outcome.error


async def test_one_refused_address_of_several_is_told(outside, smtp):
    smtp.refused = "grace@b.test"

    outcome = await act("email", options_of(smtp), outside, {"s": "x"})

    assert isinstance(outcome, Done)
    assert outcome.output["refused"] == ["Grace <grace@b.test>"]
    assert len(smtp.mail) == 1


async def test_a_server_without_starttls_is_for_good(outside, smtp):
    outcome = await act("email", options_of(smtp, security="starttls"), outside, {"s": "x"})

    assert isinstance(outcome, Never)
    assert "STARTTLS" in outcome.error
    assert smtp.mail == []


async def test_a_server_that_is_silent_or_gone_is_tried_again(outside, smtp):
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        hung = await act(
            "email", options_of(smtp, port=port), outside, {"s": "x"}, call=call_of(timeout_ms=200)
        )
    finally:
        server.close()
        await server.wait_closed()
    gone = await act("email", options_of(smtp, port=port), outside, {"s": "x"})

    assert isinstance(hung, Again)
    assert isinstance(gone, Again)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"to": []}, "at least one"),
        ({"sender": "nobody"}, "not an address"),
        ({"to": ["a@b.test\r\nBcc: x@y.test"]}, "not an address"),
        ({"username": "u"}, "go together"),
        ({"username": "u", "password": "p" * 8}, "not sent without"),
        ({"port": 0}, "port"),
    ],
)
def test_options_that_cannot_be_are_problems(change, message):
    options = {
        "host": "h",
        "security": "none",
        "sender": "a@b.test",
        "to": ["a@b.test"],
        "subject": "x",
        "text": "x",
    }

    with pytest.raises(ConfigError, match=message):
        bind("email", {**options, **change}, Environment({}))
