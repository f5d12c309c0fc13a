"""Whole: many stored and many live events, with bounded nodes and memory.

The long form has 100,000 stored and 5,000 live events.
"""

import asyncio
import http.client
import json
import threading
import time
from hashlib import sha256

import pytest

from hookagent.event import Event, Headers, RawRequest, new_id
from hookagent.store.sqlite import SqliteStore
from hookagent.verdict import Code, Integrity, Verdict
from tests.browser.conftest import Site, make_site
from tests.whole.served import WAIT_S, signature

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
NODES_MAX = 1_500
HEAP_MAX = 48 * 1024 * 1024
T0 = 1_760_000_000_000
THREADS = 4


async def fill(path, count: int) -> None:
    """Put events into a store, as a listener would."""
    store = SqliteStore(path)
    await store.open()
    try:
        for first in range(0, count, 2_000):
            await asyncio.gather(
                *(store.accept(event(n)) for n in range(first, min(first + 2_000, count)))
            )
    finally:
        await store.close()


def event(n: int) -> Event:
    request = RawRequest(
        target="/hooks/shop",
        headers=Headers.of({"Content-Type": "application/json"}),
        body=b'{"id":%d}' % n,
        received_at=T0 + n,
    )
    key = sha256(b"%d" % n).digest()
    verdict = Verdict(
        valid=True, scheme="shop", code=Code.OK, integrity=Integrity.BODY, content_key=key
    )
    return Event(
        id=new_id("evt", T0 + n, n),
        source="shop",
        type=f"stored.{n}",
        key=key,
        request=request,
        verdict=verdict,
    )


@pytest.fixture(
    scope="module", params=[(2_000, 300), pytest.param((100_000, 5_000), marks=pytest.mark.long)]
)
def counts(request):
    return request.param


@pytest.fixture(scope="module")
def site(tmp_path_factory, counts):
    folder = tmp_path_factory.mktemp("many")
    (folder / ".hookagent").mkdir(mode=0o700)
    # A loop of its own: playwright's may be running in this thread.
    filling = threading.Thread(
        target=lambda: asyncio.run(fill(folder / ".hookagent" / "hookagent.db", counts[0]))
    )
    filling.start()
    filling.join()
    served = make_site(folder)
    try:
        yield Site(served)
    finally:
        served.close()


def nodes(page) -> int:
    return int(page.evaluate("() => document.querySelectorAll('*').length"))


def heap(page) -> int:
    return int(page.evaluate("() => performance.memory.usedJSHeapSize"))


def test_any_place_of_a_long_list_is_shown_at_once(opened, counts):
    page = opened()
    stored = counts[0]
    expect(page.locator(".row[id]").first).to_contain_text(f"stored.{stored - 1}")
    assert page.locator(".grid").get_attribute("aria-rowcount") == str(stored)

    for place in (stored // 2, stored // 3, 10):
        began = time.monotonic()
        page.locator(".grid").evaluate(
            "(box, part) => { box.scrollTop = box.scrollHeight * part; }", place / stored
        )
        expect(page.locator(f".row:has-text('stored.{stored - 1 - place}')").first).to_be_visible()
        assert time.monotonic() - began < 3
    page.locator(".grid").focus()
    page.keyboard.press("End")
    expect(page.locator(".detail h2")).to_contain_text("stored.0")
    for _ in range(50):
        page.keyboard.press("k")
    expect(page.locator(".detail h2")).to_contain_text("stored.50")

    assert nodes(page) < NODES_MAX
    assert heap(page) < HEAP_MAX


def send(site, first: int, count: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.served.port, timeout=WAIT_S)
    try:
        for number in range(first, first + count):
            body = json.dumps({"id": f"live-{number}", "type": "live"}).encode()
            connection.request("POST", "/hooks/shop", body, {"X-Shop-Signature": signature(body)})
            assert connection.getresponse().read()
    finally:
        connection.close()


def test_many_live_events_are_absorbed(site, opened, counts):
    page = opened()
    live = counts[1]
    expect(page.locator(".row[id]").first).to_be_visible()
    before = int(page.locator(".grid").get_attribute("aria-rowcount"))

    share = live // THREADS
    senders = [threading.Thread(target=send, args=(site, n * share, share)) for n in range(THREADS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    page.wait_for_function(
        "(count) => Number(document.querySelector('.grid').getAttribute('aria-rowcount')) >= count",
        arg=before + share * THREADS,
    )
    expect(page.locator(".row[id]").first).to_contain_text("live")
    assert nodes(page) < NODES_MAX
    assert heap(page) < HEAP_MAX
