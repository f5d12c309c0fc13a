"""Whole: whatever a sender writes, the page shows it as text and runs none of it (SECURITY T19)."""

import json
from urllib.parse import quote

import pytest

from tests.whole.served import signature

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
STRINGS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert&#40;1&#41;</script></svg>",
    '"><script>alert(1)</script>',
    "'-alert(1)-'",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>",
    "<iframe src=javascript:alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<template><img src=x onerror=alert(1)></template>",
    "<body onload=alert(1)>",
    "<form action=http://evil.test><input type=submit>",
    "<meta http-equiv=refresh content=0;url=http://evil.test>",
    "<link rel=stylesheet href=http://evil.test/x.css>",
    "<base href=http://evil.test/>",
    "<style>@import 'http://evil.test/x.css';</style>",
    "<object data=http://evil.test></object>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</title></style></pre><script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "#{7*7}",
    "\u202e<script>\u2066alert(1)",
    "\ufeff\u200b\u0000\u0007\u001b[31m",
    "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
    "Z̮̞̠͙͔ͅa͡l̶g̡o" * 20,
    "😍" * 200,
    "田中さんにあげて下さい",
    "ثم نفس سقطت وبالتحديد",
    "1;DROP TABLE events",
    "' OR 1=1 -- 1",
    "%s%s%s%n",
    "../../../../etc/passwd",
    "undefined", "null", "NaN", "__proto__", "constructor", "true",
    "=cmd|' /C calc'!A0",
    "x" * 5_000,
    "a\r\nb\tc",
]  # fmt: skip


def deliver(site, payload: object, number: int) -> str:
    """Send hostile text in body, header, query and type; return the event's id."""
    body = json.dumps(payload).encode()
    text = STRINGS[number % len(STRINGS)].encode("ascii", "ignore").decode()
    shown = "".join(character for character in text if character.isprintable())[:500]
    status, _, answer = site.served.request(
        "POST",
        f"/hooks/shop?q={quote(shown)}",
        body,
        {"X-Shop-Signature": signature(body), "X-Hostile": shown, "Content-Type": "text/html"},
    )
    assert status == 200, answer
    event_id: str = json.loads(answer)["id"]
    return event_id


def test_nothing_a_sender_writes_is_run(site, opened):
    hostile = {text[:100]: text for text in STRINGS}
    ids = [
        deliver(site, {"id": n, "type": text[:150], **hostile, "list": STRINGS}, n)
        for n, text in enumerate(STRINGS)
    ]
    site.served.post({"id": "<img src=x onerror=alert(1)>"}, secret="not-the-secret-at-all-24")
    page = opened()
    page.evaluate(
        "() => { window.reports = []; document.addEventListener('securitypolicyviolation',"
        " (event) => window.reports.push(event.violatedDirective)); }"
    )
    expect(page.locator(".row[id]").first).to_be_visible()

    for event_id in ids[::8]:
        for tab in ("Body", "Headers", "Verdict", "Rules", "Runs", "Related"):
            page.evaluate(
                "(hash) => { location.hash = hash; }", f"#/events?id={event_id}&tab={tab}"
            )
            expect(page.locator("[role=tab][aria-selected=true]")).to_contain_text(tab)
            expect(page.locator(".detail")).to_contain_text(event_id)
    for view in ("overview", "runs", "refused"):
        page.evaluate("(hash) => { location.hash = hash; }", f"#/{view}")
        expect(page.locator("nav a[aria-current=page]")).to_contain_text(view.capitalize())
    page.evaluate("(hash) => { location.hash = hash; }", f"#/events?id={ids[1]}")
    expect(page.locator(".tree")).to_contain_text("<img src=x onerror=alert(1)>")
    for key in "ecdm":
        page.keyboard.press(key)
        expect(page.locator("dialog[open]"), key).to_be_visible()
        page.keyboard.press("Escape")

    assert page.evaluate("() => window.reports") == []
    assert page.evaluate("() => document.querySelectorAll('.panel img, .panel script').length") == 0


def test_the_page_itself_cannot_write_markup(site, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.url)

    said = page.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; return 'written'; }"
        " catch (error) { return error.name; } }"
    )

    context.close()
    assert said == "TypeError"


def test_another_sites_page_reads_and_changes_nothing(site, browser):
    """From an origin of its own a page can send requests here; each is refused."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.url)  # the cookie is in this browser now
    page.route("http://evil.test/**", lambda route: route.fulfill(body="<p>evil</p>"))
    page.goto("http://evil.test/")

    said = page.evaluate(
        """async (base) => {
            const tries = [
                ['/api/events', {}], ['/api/events', {credentials: 'include'}],
                ['/api/overview', {mode: 'no-cors', credentials: 'include'}],
                ['/api/sources/shop/craft', {method: 'POST', credentials: 'include', body: '{}'}],
                ['/api/sources/shop/craft', {method: 'POST', credentials: 'include', body: '{}',
                    headers: {'Content-Type': 'application/json', 'X-Hookagent': '1'}}],
            ];
            const said = [];
            for (const [path, options] of tries) {
                try { said.push((await fetch(base + path, options)).type); }
                catch (error) { said.push('refused'); }
            }
            return said;
        }""",
        site.base,
    )
    context.close()

    assert set(said) == {"refused"}
