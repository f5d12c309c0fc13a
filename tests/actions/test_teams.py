"""Adapter: an Adaptive Card to a Workflows webhook."""

import json

from hookagent.job import Done
from tests.actions.conftest import act


async def test_a_card_is_made_of_title_text_and_link(outside, echo):
    options = {
        "url": echo.url,
        "title": "{{ t }}",
        "text": "**{{ t }}**",
        "link": "https://a.test/{{ t }}",
    }
    outcome = await act("teams", options, outside, {"t": "a*b"})

    assert isinstance(outcome, Done)
    message = json.loads(echo.seen[0][1])
    assert message["type"] == "message"
    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert card["type"] == "AdaptiveCard"
    assert [block["text"] for block in card["body"]] == ["a*b", "**a\\*b**"]
    assert card["actions"][0]["url"] == "https://a.test/a%2Ab"


async def test_a_whole_card_may_be_given(outside, echo):
    card = {
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": [{"type": "TextBlock", "text": "{{ n }}"}],
    }

    await act("teams", {"url": echo.url, "text": "x", "card": card}, outside, {"n": 1})

    made = json.loads(echo.seen[0][1])["attachments"][0]["content"]
    assert made["version"] == "1.5"
    assert made["body"][0]["text"] == 1
