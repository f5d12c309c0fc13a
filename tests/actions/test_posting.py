"""Pure: what messages to services share."""

from hookagent.actions.posting import Posting, cut, posting
from hookagent.actions.reading import Reader
from hookagent.actions.values import Url
from hookagent.environment import Environment
from tests.actions.conftest import scope_of


def test_a_message_is_a_json_request():
    request = Posting(url="https://a.test/", headers={"A": "b"}, body={"x": "ü"}).request()

    assert request.method == "POST"
    assert request.headers == (("Content-Type", "application/json"), ("A", "b"))
    assert request.body == '{"x":"ü"}'.encode()
    assert Posting(method="GET", url="https://a.test/", body=None).request().body == b""


def test_a_message_goes_where_the_author_wrote():
    url = Url.read("http://127.0.0.1:9/{{ a }}", ("url",), Reader(Environment({})))
    assert url is not None

    message = posting(url, scope_of({"a": "x/y"}), {}, Authorization="t")

    assert message.url == "http://127.0.0.1:9/x%2Fy"
    assert message.permit.host == "127.0.0.1"
    assert message.headers == {"Authorization": "t"}


def test_a_text_is_cut_with_a_sign():
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abcde…"
