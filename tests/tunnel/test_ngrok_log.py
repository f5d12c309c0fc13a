"""Pure: an agent's log as events."""

from hookagent.tunnel.base import Down, Level, Log, Reconnecting, Up, UrlChanged
from hookagent.tunnel.ngrok_log import Line, Opened, Refused, Story

URL = "https://a.ngrok-free.dev"


def line(message: str, *, level: str = "INFO", error: str = "", url: str = "") -> Line:
    return Line(text=f"lvl={level} {message}", level=level, message=message, error=error, url=url)


def opened() -> Story:
    story = Story()
    assert story.read(Opened(URL), 1.0) == [Up(url=URL)]
    return story


def test_attempts_are_counted_until_the_session_is_back():
    story = opened()
    lost = line("session closed, starting reconnect loop", level="ERROR", error="EOF")
    again = line("failed to reconnect session", level="ERROR", error="no such host")

    assert story.read(lost, 2.0) == [Reconnecting(reason="EOF", attempt=1)]
    assert story.read(again, 3.0) == [Reconnecting(reason="no such host", attempt=2)]
    assert story.read(line("client session established"), 4.0) == [Up(url=URL)]
    assert story.read(lost, 5.0) == [Reconnecting(reason="EOF", attempt=1)]


def test_the_first_session_is_no_event_but_its_time_is_kept():
    story = Story()

    assert story.read(line("client session established"), 4.0) == []
    assert story.session_at == 4.0


def test_an_endpoint_at_another_address_is_a_changed_url():
    story = opened()

    moved = story.read(line("started endpoint", url="https://b.ngrok-free.dev"), 2.0)

    assert moved == [UrlChanged(old=URL, new="https://b.ngrok-free.dev")]
    assert story.read(line("started endpoint", url="https://b.ngrok-free.dev"), 3.0) == []


def test_a_code_nobody_can_wait_out_ends_it_at_once():
    error = line("session closing", level="ERROR", error="revoked\r\n\r\nERR_NGROK_107")

    [down] = opened().read(error, 2.0)

    assert isinstance(down, Down)
    assert down.code == "err-ngrok-107"


def test_a_refusal_without_a_code_takes_it_from_the_log_before_it():
    story = Story()
    story.read(Line(text="ERROR:  too fast ERR_NGROK_734"), 1.0)

    [down] = story.read(Refused("The ngrok process was unable to start."), 2.0)

    assert isinstance(down, Down)
    assert down.code == "err-ngrok-734"


def test_warnings_are_kept_and_chatter_is_not():
    story = Story()

    assert story.read(line("update available"), 1.0) == []
    [log] = story.read(line("clock is off", level="WARNING"), 1.0)
    assert log == Log(level=Level.WARNING, line="lvl=WARNING clock is off")
    assert story.read(line("clock is off", level="WARNING"), 2.0) == []


def test_a_death_says_the_last_error():
    story = opened()
    story.read(line("oops", level="ERROR", error="disk full"), 2.0)

    assert story.died().message == "the ngrok agent ended: disk full"


def test_slowness_without_an_error_points_to_the_network():
    down = Story().too_slow(15)

    assert (down.code, down.retryable) == ("start-timeout", True)
