"""Whole: the page as a person uses it, by mouse and by keyboard."""

import json
import re

import pytest

from tests.whole.shop import ORDER, REFUND, SMALL

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


@pytest.fixture(scope="module")
def events(site):
    """Deliver a small and a big order, and a refund whose rule fails."""
    return {
        "small": site.settled(SMALL),
        "refund": site.settled(REFUND),
        "big": site.settled(ORDER),
    }


def rows(page):
    return page.locator(".row[id]")


def test_the_first_event_appears_by_itself(site, opened):
    page = opened()
    expect(page.locator(".empty")).to_contain_text("hookagent sign --source shop")

    page.click("text=or send one from here")
    page.fill("dialog textarea", '{"id": 900, "type": "order.made"}')
    page.click("text=Sign and send")

    expect(page.locator("dialog [role=status]")).to_contain_text("✓ 200")
    page.keyboard.press("Escape")
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("order.made")


def test_the_list_is_walked_and_an_event_read_by_keyboard(opened, events):
    page = opened()
    expect(rows(page).first).to_contain_text("order.paid")

    page.keyboard.press("j")
    expect(page.locator(".detail")).to_contain_text(events["big"])
    page.keyboard.press("j")
    expect(page.locator(".detail")).to_contain_text(events["refund"])
    page.keyboard.press("k")
    for key, tab in enumerate(("Body", "Headers", "Verdict", "Rules", "Runs", "Related"), start=1):
        page.keyboard.press(str(key))
        expect(page.locator("[role=tab][aria-selected=true]")).to_contain_text(tab)
    page.locator("[role=tab][aria-selected=true]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[role=tab]:focus")).to_contain_text("Body")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[role=tab]:focus")).to_contain_text("Related")
    page.keyboard.press("G")
    expect(rows(page).last).to_have_class("row on")
    page.keyboard.press("Escape")
    expect(page.locator(".detail")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_contain_text("make a rule")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)


def test_filters_are_in_the_address_and_come_back_from_it(opened, events):
    page = opened()
    page.keyboard.press("/")
    page.keyboard.type('"total": 250')
    expect(rows(page)).to_have_count(1)
    page.fill("#search", "")
    page.click("text=Filter")
    page.select_option("label:has-text('State') select", "dead")
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("refund.made")
    assert "status=dead" in page.url

    again = opened("#/events?status=dead")
    expect(rows(again)).to_have_count(1)
    again.click("text=Clear")
    expect(rows(again)).not_to_have_count(1)
    page.select_option("label:has-text('State') select", "")
    page.select_option("label:has-text('Rule') select", "big")
    expect(rows(page)).to_have_count(1)
    page.select_option("label:has-text('Source') select", "github")
    expect(page.locator(".empty")).to_contain_text("No event passes the filter")


def test_paused_or_scrolled_the_readers_place_stays_and_new_ones_are_counted(site, opened):
    for number in range(60):
        site.settled({"id": 1000 + number, "type": "filler"})
    page = opened()
    first = rows(page).first
    expect(first).to_contain_text("filler")
    page.keyboard.press("p")
    held = first.get_attribute("id")

    site.settled({"id": 2000, "type": "news"})
    site.settled({"id": 2001, "type": "news"})

    expect(page.locator(".fresh")).to_contain_text("2 new")
    assert first.get_attribute("id") == held
    page.click(".fresh")
    expect(first).to_contain_text("news")
    expect(page.locator(".fresh")).to_have_count(0)
    page.locator(".grid").evaluate("(box) => { box.scrollTop = 600; }")
    page.wait_for_function("() => document.querySelector('.grid').scrollTop >= 599")
    before = page.locator(".grid").evaluate("(box) => box.scrollTop")
    site.settled({"id": 2002, "type": "news"})
    expect(page.locator(".fresh")).to_contain_text("1 new")
    assert page.locator(".grid").evaluate("(box) => box.scrollTop") == before


def test_a_body_is_shown_as_tree_raw_and_hex_without_losing_digits(opened, events):
    page = opened(f"#/events?id={events['big']}")
    tree = page.locator(".tree")
    expect(tree).to_contain_text("12345678901234567890")
    page.click(".tree button:has-text('customer')")
    expect(tree).not_to_contain_text("Ada")

    page.click("button:text-is('raw')")
    expect(page.locator(".raw")).to_contain_text('"name": "Ada"')
    page.click("button:text-is('hex')")
    expect(page.locator(".raw")).to_contain_text("00000000  7b 22 69 64")


def test_the_rules_tab_says_which_condition_failed_with_the_value(opened, events):
    page = opened(f"#/events?id={events['small']}&tab=Rules")

    nearest = page.locator(".rule").first
    expect(nearest).to_contain_text("big")
    expect(nearest.locator("li.bad")).to_contain_text("total gt 100")
    expect(nearest.locator("li.bad")).to_contain_text("was 50")


def test_the_verdict_tab_names_scheme_secret_and_what_is_signed(opened, events):
    page = opened(f"#/events?id={events['big']}&tab=Verdict")

    panel = page.locator(".panel")
    expect(panel).to_contain_text("✓ genuine")
    for text in ("hmac-sha256", "X-Shop-Signature", "{body}", "number 1 of 1"):
        expect(panel).to_contain_text(text)


def test_a_dead_run_is_retried_and_discarded(opened, events):
    page = opened(f"#/events?id={events['refund']}&tab=Runs")
    expect(page.locator(".run")).to_contain_text("not.there")

    page.click("button:text-is('Retry')")
    expect(page.locator(".run").first).to_contain_text("dead")
    page.click("button:text-is('Discard')")

    expect(page.locator(".run h3 .state")).to_contain_text("discarded")


def test_a_replay_is_edited_signed_and_linked(opened, events):
    page = opened(f"#/events?id={events['big']}")
    expect(page.locator(".tree")).to_be_visible()
    page.keyboard.press("e")
    body = json.dumps({**ORDER, "total": 7})
    page.fill("dialog label:has-text('Body') textarea", body)
    page.click("dialog button:text-is('Send')")
    page.click("dialog [role=status] a")

    expect(page.locator(".panel")).to_contain_text("7")
    page.keyboard.press("6")
    expect(page.locator(".panel")).to_contain_text(events["big"])
    expect(page.locator(".panel")).to_contain_text("replay")


def test_an_event_is_copied_in_every_form(opened, events):
    page = opened(f"#/events?id={events['big']}")
    expect(page.locator(".tree")).to_be_visible()
    page.keyboard.press("c")
    text = page.locator("dialog textarea")
    for form, part in (
        ("curl", "curl --request POST"),
        ("httpie", "http --ignore-stdin"),
        ("python", "urllib.request"),
        ("replay", f"hookagent replay {events['big']}"),
        ("har", '"version": "1.2"'),
        ("pytest", "def test_shop_order_paid"),
        ("json", '"body"'),
    ):
        page.click(f"dialog button:text-is('{form}')")
        page.wait_for_function(
            "(part) => document.querySelector('dialog textarea').value.includes(part)", arg=part
        )
    assert events["big"] in text.input_value()


def test_two_events_are_compared(opened, events):
    page = opened(f"#/events?id={events['big']}")
    expect(page.locator(".tree")).to_be_visible()
    page.keyboard.press("d")

    row = page.locator(".diff tr:has-text('total')")
    expect(row).to_contain_text("50")
    expect(row).to_contain_text("250")
    aside = page.locator(".diff tr:has(th:text-is('id'))")
    expect(aside).to_have_count(0)
    page.check("text=Also what differs every time")
    expect(aside).to_have_count(1)


def test_a_rule_is_made_by_choosing_values_tried_and_saved(site, opened, events):
    page = opened(f"#/events?id={events['big']}")
    expect(page.locator(".tree")).to_be_visible()
    page.keyboard.press("m")
    page.check("dialog label:has-text('status')")
    text = page.locator("dialog textarea")
    page.wait_for_function(
        "() => document.querySelector('dialog textarea').value.includes('status = \"paid\"')"
    )
    save = page.locator("dialog button:text-is('Save')")
    expect(save).to_be_disabled()
    page.click("text=Try on stored events")
    expect(page.locator("dialog")).to_contain_text("would have fired")
    expect(save).to_be_enabled()
    expect(page.locator("dialog")).to_contain_text("its test passes")
    page.click("dialog button:text-is('Save')")

    expect(page.locator("dialog")).to_contain_text("Saved as rules/shop-order.paid.toml")
    saved = site.served.folder / "rules" / "shop-order.paid.toml"
    assert saved.read_text() == text.input_value()


def test_a_wrong_rule_is_shown_with_its_place(opened):
    page = opened("#/overview")
    page.click("text=Try a rule")
    page.fill("dialog textarea", '[rule.x]\nwhne = 1\n[[rule.x.do]]\naction = "log"\ntext = "x"\n')
    page.click("text=Try on stored events")

    expect(page.locator("dialog .trouble")).to_contain_text("line 2")


def test_the_overview_has_the_public_address_as_a_code(opened, events):
    page = opened("#/overview")
    card = page.locator(".card").first
    expect(card).to_contain_text("https://demo.example.test/hooks/shop")

    card.locator("text=QR").click()

    expect(card.locator("svg.qr")).to_be_visible()
    expect(page.locator(".tiles")).to_contain_text("events")


def test_a_refused_delivery_is_explained(site, opened):
    site.served.post({"id": 5}, secret="not-the-secret-at-all-24")
    page = opened("#/refused")
    page.locator("td a").first.click()

    expect(page.locator(".detail")).to_contain_text("✗ not genuine")
    expect(page.locator(".detail")).to_contain_text("To mend it")


def test_the_verdict_is_a_filter_and_refused_deliveries_answer_to_it(site, opened, events):
    site.served.post({"id": 6}, secret="not-the-secret-at-all-24")
    page = opened()
    page.click("text=Filter")
    verdict = page.locator("label:has-text('Verdict') select")
    verdict.select_option("none")
    expect(page.locator(".empty")).to_contain_text("No event passes the filter")
    verdict.select_option("body-signed")
    expect(rows(page).first).to_be_visible()
    verdict.select_option("wrong-signature")
    expect(page.locator(".click td").nth(3)).to_contain_text("wrong-signature")
    assert "verdict=wrong-signature" in page.url
    verdict.select_option("bad-body")
    expect(page.locator(".list")).to_contain_text("No refused delivery passes the filter")

    again = opened("#/events?verdict=refused&source=shop")
    expect(again.locator("nav a[aria-current=page]")).to_contain_text("Refused")
    expect(again.locator(".click td a").first).to_be_visible()
    again.keyboard.press("j")
    expect(again.locator(".detail")).to_contain_text("✗ not genuine")
    again.keyboard.press("Escape")
    expect(again.locator(".detail")).to_have_count(0)
    again.keyboard.press("l")
    expect(rows(again).first).to_be_visible()


def test_a_body_that_is_not_json_is_shown_with_the_place_of_the_error(site, opened):
    status, _ = site.served.post(b'{"a": 1,\n "b": }')
    assert status == 400
    page = opened("#/refused")
    page.locator("tr:has-text('400') a").first.click()

    expect(page.locator(".detail")).to_contain_text("line 2, column 7")
    expect(page.locator(".raw mark")).to_have_text("}")


def test_a_providers_sample_is_edited_and_sent_with_the_headers_that_go_with_it(opened):
    page = opened("#/overview")
    page.click("text=Send a signed event")
    page.select_option("dialog label:has-text('Source') select", "github")
    page.select_option("dialog label:has-text('Sample') select", "push")
    body = page.locator("dialog textarea")
    expect(body).to_have_value(re.compile("refs/heads/main"))
    body.fill(body.input_value().replace("refs/heads/main", "refs/heads/mended"))
    page.click("text=Sign and send")
    expect(page.locator("dialog [role=status]")).to_contain_text("✓ 200")
    page.click("dialog [role=status] a")

    expect(page.locator(".detail h2")).to_contain_text("github push")
    expect(page.locator(".tree")).to_contain_text("refs/heads/mended")


def test_what_would_lie_to_the_eye_is_written_out(site, opened):
    text = "abc\u202edcba\u200b\U000e0041"
    event_id = site.settled({"id": "bidi", "type": "eye", text: f"\x1b[31m{text}", "one": 1.0})
    page = opened(f"#/events?id={event_id}")

    tree = page.locator(".tree")
    for shown in (r"abc\u202edcba\u200b\u{e0041}", r"\u001b[31mabc", "one: 1.0"):
        expect(tree).to_contain_text(shown)
    assert "\u202e" not in page.inner_text("body")


def test_a_linked_event_is_brought_into_view_and_the_keys_go_on_from_it(site, opened):
    linked = site.settled({"id": 3000, "type": "linked.old"})
    for number in range(40):
        site.settled({"id": 3100 + number, "type": "linked.new"})
    page = opened(f"#/events?id={linked}", viewport={"width": 1280, "height": 600})

    row = page.locator(".row.on")
    expect(row).to_contain_text("linked.old")
    expect(row).to_be_in_viewport()
    page.keyboard.press("k")
    expect(page.locator(".detail h2")).to_contain_text("linked.new")


def test_what_was_turned_away_at_the_door_is_listed_with_the_likely_path(site, opened):
    assert site.served.request("POST", "/hooks/shopp", b"{}")[0] == 404
    page = opened("#/refused")

    row = page.locator(".click tr:has-text('unknown-path')").first
    expect(row).to_contain_text("did you mean `/hooks/shop`")
    expect(row.locator("a")).to_have_count(0)
    expect(page.locator("nav a:has-text('Refused') .badge")).to_be_visible()


def test_a_refused_delivery_is_mended_by_hand_and_sent_again(site, opened):
    site.served.post({"id": 4000, "type": "mended"}, secret="not-the-secret-at-all-24")
    page = opened("#/refused")
    page.locator("td a").first.click()
    expect(page.locator(".detail .trouble")).to_contain_text("To mend it")
    page.keyboard.press("r")
    expect(page.locator("dialog")).to_contain_text("It was refused")
    page.click("dialog button:text-is('Send')")
    page.click("dialog [role=status] a")

    expect(page.locator(".detail h2")).to_contain_text("mended")
    page.keyboard.press("6")
    expect(page.locator(".panel")).to_contain_text("rej_")


def test_single_letter_keys_can_be_turned_off(opened, events):
    page = opened()
    expect(rows(page).first).to_be_visible()
    page.keyboard.press("?")
    page.uncheck("text=Single-letter keys")
    page.keyboard.press("Escape")

    page.keyboard.press("j")
    page.keyboard.press("o")

    expect(page.locator("nav a[aria-current=page]")).to_contain_text("Events")
    page.keyboard.press("?")
    page.check("text=Single-letter keys")
