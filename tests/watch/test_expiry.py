"""What ends at a known time is told in time, once, and not before. Pure."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.watch.builtin import Measured, Watches
from hookagent.watch.expiry import CERTIFICATE, TOKEN, Ends, token_end
from hookagent.watch.settings import Thresholds

T0 = 1_800_000_000_000
DAY = 86_400_000
MINUTE = 60_000


def jwt(claims, signature="c2ln"):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256'})}.{part(claims)}.{signature}"


def said(watches, now, *ends):
    return [
        (alert.watch or alert.type, alert.is_recovery, alert.subject)
        for alert in watches.measured(Measured(ends=ends), now)
    ]


@pytest.mark.parametrize("kind", [CERTIFICATE, TOKEN])
def test_an_end_is_told_two_weeks_before_and_not_earlier(kind):
    watches = Watches(Thresholds(), [], T0)
    ends = Ends(kind=kind, subject="api.test", at=T0 + 14 * DAY + MINUTE)

    assert said(watches, T0, ends) == []
    assert said(watches, T0 + MINUTE, ends) == []
    assert said(watches, T0 + MINUTE + 1, ends) == [(kind, False, "api.test")]
    assert said(watches, T0 + 10 * DAY, ends) == []
    assert said(watches, T0 + 20 * DAY, ends) == []


def test_what_was_renewed_is_told_and_forgotten():
    watches = Watches(Thresholds(), [], T0)
    old = Ends(kind=CERTIFICATE, subject="api.test", at=T0 + DAY)
    new = Ends(kind=CERTIFICATE, subject="api.test", at=T0 + 90 * DAY)

    assert said(watches, T0, old) == [(CERTIFICATE, False, "api.test")]
    assert said(watches, T0 + MINUTE) == []
    assert said(watches, T0 + 2 * MINUTE, new) == [(CERTIFICATE, True, "api.test")]
    assert said(watches, T0 + 3 * MINUTE, new) == []


def test_how_early_is_a_setting_and_a_kind_may_have_its_own():
    watches = Watches(Thresholds(expires_ms=30 * DAY), [], T0)
    usual = Ends(kind=TOKEN, subject="a", at=T0 + 29 * DAY)
    own = Ends(kind=CERTIFICATE, subject="b", at=T0 + 29 * DAY, within_ms=2 * DAY)
    assert said(watches, T0, usual, own) == [(TOKEN, False, "a")]


def test_the_words_say_when_and_what_to_do():
    watches = Watches(Thresholds(), [], T0)
    ends = [
        Ends(kind=CERTIFICATE, subject="api.test", at=T0 + 3 * DAY),
        Ends(kind=TOKEN, subject="${SLACK}", at=T0 - 2 * DAY),
    ]
    first, second = watches.measured(Measured(ends=ends), T0)
    assert first.message == "`api.test`: its certificate ends in 3 d"
    assert second.message == "`${SLACK}`: its token ended 2 d ago"
    assert "renew" in first.hint


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (jwt({"exp": 1_800_000_000}), T0),
        ("Bearer " + jwt({"exp": 1_800_000_000.5}), T0 + 500),
        (jwt({"exp": 2_000_000_000}) + " " + jwt({"exp": 1_800_000_000}), T0),
        (jwt({"exp": 1_800_000_000}, signature=""), T0),
        (jwt({"sub": "ada"}), None),
        (jwt({"exp": "soon"}), None),
        (jwt({"exp": True}), None),
        (jwt({"exp": 10**15}), None),
        (jwt(["exp"]), None),
        ("whsec_an-honest-secret", None),
        ("", None),
    ],
)
def test_the_end_of_a_token_is_read_where_it_can_be(text, end):
    assert token_end(text) == end


@given(st.text() | st.from_regex(r"eyJ[A-Za-z0-9_-]{4,40}\.eyJ[A-Za-z0-9_-]{4,60}\.[a-z]{0,9}"))
def test_no_text_is_an_error(text):
    token_end(text)
