"""What captures become when rules are tried on them."""

from hookagent.cli.rules.events import event_of
from hookagent.cli.settings import load_config
from hookagent.event import Headers, RawRequest
from hookagent.eventfile import Captured


def test_what_a_capture_says_itself_goes_first(configured):
    config = load_config(None)
    request = RawRequest(
        headers=Headers.of({"X-GitHub-Event": "push"}), body=b'{"a":1}', received_at=5
    )

    bare = event_of(Captured(request=request), config, source="shop", type_="given")
    named = event_of(
        Captured(request=request, source="other", type="own"), config, source="shop", type_="given"
    )
    typed = event_of(Captured(request=request), config, source="shop", type_="")

    assert (bare.source, bare.type, bare.payload, bare.received_at) == (
        "shop",
        "given",
        {"a": 1},
        5,
    )
    assert (named.source, named.type) == ("other", "own")
    assert typed.type == "push", "the source's scheme is github's"
