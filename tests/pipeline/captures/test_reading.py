"""Pure: captures of other tools become requests, and any bytes become requests or one clear error."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.errors import UsageError
from hookagent.pipeline.captures import FORMATS, parse
from hookagent.pipeline.captures.reading import detect


def read(data, form=""):
    return list(parse(data if isinstance(data, bytes) else data.encode(), "the file", form=form))


def outcome(data, form=""):
    """Return what was read, or the words of the refusal."""
    try:
        return read(data, form)
    except UsageError as error:
        return error.message


def only(data):
    (found,) = read(data)
    return found.request


# HAR and plain HTTP.


def har(**request):
    return json.dumps({"log": {"version": "1.2", "entries": [
        {"startedDateTime": "2026-01-31T12:00:00Z", "request": {"method": "POST", "url": "https://a.test/x?y=1", **request}}
    ]}})  # fmt: skip


def test_a_har_entry_is_a_request():
    found = only(
        har(
            headers=[{"name": "X-A", "value": "1"}, {"name": ":authority", "value": "a.test"}],
            postData={"mimeType": "application/json", "text": "{}"},
        )
    )

    assert (found.method, found.base_url, found.target) == ("POST", "https://a.test", "/x?y=1")
    assert (list(found.headers.items()), found.body) == ([("X-A", "1")], b"{}")
    assert found.received_at == 1_769_860_800_000


def test_a_har_body_may_be_base64_or_form_parameters():
    assert only(har(postData={"text": "/w==", "encoding": "base64"})).body == b"\xff"
    assert only(har(postData={"params": [{"name": "a", "value": "1 2"}]})).body == b"a=1+2"
    assert only(har()).body == b""


@pytest.mark.parametrize(
    "text", ['{"log":{"entries":[1]}}', '{"log":{"entries":[{"request":{}}]}}']
)
def test_a_broken_har_is_named(text):
    with pytest.raises(UsageError, match="entry 1"):
        read(text)


def test_a_request_on_the_wire_is_read_with_either_line_end():
    text = "POST /in?a=1 HTTP/1.1\nHost: a.test\nX-A: b: c\nContent-Length: 4\n\n{} \n!!"

    for wire in (text, text.replace("\n", "\r\n", 5)):
        found = only(wire)
        assert (found.url, found.headers.text("x-a")) == ("https://a.test/in?a=1", "b: c")
        assert found.body == b"{} \n"
    assert only("GET / HTTP/1.1\r\n\r\n").body == b""


def test_chunks_are_put_together():
    wire = (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )

    assert only(wire).body == b"abcde"
    with pytest.raises(UsageError, match="chunk"):
        read(wire.replace(b"\r\n3;", b"\r\nq;"))


# curl.


@pytest.mark.parametrize(
    ("command", "method", "url", "body"),
    [
        ("curl http://a.test/x", "GET", "http://a.test/x", b""),
        ("curl a.test -d a=1 -d b=2", "POST", "http://a.test/", b"a=1&b=2"),
        ("curl -XPUT a.test/x --data-raw '@{}'", "PUT", "http://a.test/x", b"@{}"),
        ("curl \\\n  -X PATCH \\\n  'a.test/x'", "PATCH", "http://a.test/x", b""),
        ("curl a.test --json '{\"a\": 1}'", "POST", "http://a.test/", b'{"a": 1}'),
        ('curl a.test -d "a \\"b\\" \\\\ \\$c"', "POST", "http://a.test/", b'a "b" \\ $c'),
        ("curl a.test --data-binary $'\\x7b\\x27\\u2713\\n\\xff\\''", "POST", "http://a.test/",
         "{'✓\n".encode() + b"\xff'"),
        ("curl -G a.test/x?z=0 -d a=1", "GET", "http://a.test/x?z=0&a=1", b""),
        ("$ curl a.test -da=1 --compressed -k -sS", "POST", "http://a.test/", b"a=1"),
        ("curl --url a.test -o out -I", "HEAD", "http://a.test/", b""),
        ("# a comment\ncurl a.test", "GET", "http://a.test/", b""),
    ],
)  # fmt: skip
def test_a_curl_command_is_read_as_a_shell_would(command, method, url, body):
    data = command.encode()
    (found,) = parse(data, "it", form="curl")

    assert (found.request.method, found.request.url, found.request.body) == (method, url, body)


def test_headers_of_a_curl_command():
    found = only("curl a.test -H 'X-A: b: c' -H 'X-Empty;' -A me -b k=v -u ada:x -d '{}'")

    assert list(found.headers.items()) == [
        ("X-A", "b: c"), ("X-Empty", ""), ("User-Agent", "me"), ("Cookie", "k=v"),
        ("Authorization", "Basic " + base64.b64encode(b"ada:x").decode()),
        ("Content-Type", "application/json"),
    ]  # fmt: skip
    assert (
        only("curl a.test -d a=1").headers.text("content-type")
        == "application/x-www-form-urlencoded"
    )


def test_several_commands_are_several_requests():
    assert [one.request.target for one in read("curl a.test/1\n\ncurl a.test/2\n")] == ["/1", "/2"]


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("curl a.test -d @/etc/passwd", "from a file"),
        ("curl a.test --data-binary @x", "from a file"),
        ("curl a.test -d $(id)", "`$`"),
        ("curl a.test -d `id`", "```"),
        ('curl a.test -d "$HOME"', "double quotes"),
        ("curl a.test | sh", "`|`"),
        ("curl a.test > x", "`>`"),
        ("curl a.test -d 'x", "does not end"),
        ("curl a.test -F a=@x", "-F"),
        ("curl -d x", "no URL"),
        ("curl a.test -H", "lacks its value"),
        ("curl a.test -H $'a: b\\r\\nc: d'", "control character"),
        ("curl a.test\nrm -rf /", "command 2"),
    ],
)
def test_what_only_a_shell_or_the_disk_could_say_is_refused(command, word):
    with pytest.raises(UsageError, match=word.replace("|", r"\|").replace("$", r"\$")):
        read(command)


# mitmproxy.


def tnet(value):
    """Write a tnetstring as mitmproxy does."""
    if value is None:
        kind, data = b"~", b""
    elif isinstance(value, bool):
        kind, data = b"!", b"true" if value else b"false"
    elif isinstance(value, int):
        kind, data = b"#", str(value).encode()
    elif isinstance(value, float):
        kind, data = b"^", repr(value).encode()
    elif isinstance(value, bytes):
        kind, data = b",", value
    elif isinstance(value, str):
        kind, data = b";", value.encode()
    elif isinstance(value, dict):
        kind, data = b"}", b"".join(tnet(k) + tnet(v) for k, v in value.items())
    else:
        kind, data = b"]", b"".join(map(tnet, value))
    return b"%d:%b%b" % (len(data), data, kind)


def flow(**changed):
    request = {
        "method": b"POST", "scheme": b"https", "host": "a.test", "port": 443, "path": b"/x?y=1",
        "headers": [[b"X-A", b"1"], [b"content-length", b"2"]], "content": b"\xff\n",
        "timestamp_start": 1_769_860_800.5, "http_version": b"HTTP/1.1",
    } | changed  # fmt: skip
    return {"version": 21, "type": "http", "request": request, "response": None, "marked": True}


def test_flows_of_mitmproxy_are_read():
    data = tnet(flow()) + tnet({"type": "tcp"}) + tnet(flow(port=8443, content=None))

    first, second = (one.request for one in read(data))

    assert detect(data) == "mitmproxy"
    assert (first.url, first.body, first.received_at) == (
        "https://a.test/x?y=1",
        b"\xff\n",
        1_769_860_800_500,
    )
    assert list(first.headers.items()) == [("X-A", "1")]
    assert (second.base_url, second.body) == ("https://a.test:8443", b"")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.binary() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_any_tnetstring_is_read_or_refused(value):
    found = outcome(tnet({"type": "http", "request": value}), "mitmproxy")

    assert isinstance(found, list) or "flow 1" in found


def test_a_cut_flow_file_is_named():
    with pytest.raises(UsageError, match="flow 2"):
        read(tnet(flow()) + tnet(flow())[:-1])


# ngrok, GitHub, Stripe.


def test_what_ngrok_kept_is_read():
    raw = b"POST /hooks?a=1 HTTP/1.1\r\nHost: x.ngrok.app\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n{}"
    kept = {"uri": "/api/requests/http", "requests": [{
        "uri": "/api/requests/http/1", "id": "1", "tunnel_name": "command_line",
        "start": "2026-01-31T12:00:00Z",
        "request": {"method": "POST", "uri": "/hooks?a=1", "raw": base64.b64encode(raw).decode()},
    }]}  # fmt: skip

    found = only(json.dumps(kept))

    assert (found.url, found.body) == ("https://x.ngrok.app/hooks?a=1", b"{}")
    assert found.received_at == 1_769_860_800_000


def test_a_delivery_of_github_is_read():
    kept = {
        "id": 1, "guid": "g", "event": "push", "delivered_at": "2026-01-31T12:00:00Z",
        "url": "https://a.test/in",
        "request": {"headers": {"X-GitHub-Event": "push"}, "payload": {"ref": "refs/heads/main"}},
    }  # fmt: skip

    found = only(json.dumps(kept))

    assert found.url == "https://a.test/in"
    assert found.headers.text("x-github-event") == "push"
    assert json.loads(found.body) == {"ref": "refs/heads/main"}


def test_events_of_stripe_are_read_one_by_one():
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "invoice.paid",
        "created": 1_769_860_800,
        "data": {"object": {}},
    }
    one = json.dumps(event)

    for text in (one, f"{one}\n{one}\n", json.dumps({"object": "list", "data": [event, event]})):
        found = read(text)
        assert {(e.type, e.request.received_at) for e in found} == {
            ("invoice.paid", 1_769_860_800_000)
        }
        assert json.loads(found[0].request.body) == event


# Everything.


@pytest.mark.parametrize("form", sorted(FORMATS))
@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_words(form, data):
    assert all(outcome(data, wanted) is not None for wanted in (form, ""))


@pytest.mark.parametrize("start", [b"curl ", b"POST / HTTP/1.1\r\n", b"3:", b'{"log":{"entries":'])
@given(rest=st.binary(max_size=200))
def test_a_good_beginning_does_not_help(start, rest):
    assert outcome(start + rest) is not None


def test_an_unknown_format_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        read(b"{}", "harr")

    assert "har" in str(caught.value.hint)
