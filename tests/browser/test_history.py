"""Whole: the overview's history, as a person looks at it."""

import pytest

from tests.whole.shop import ORDER, REFUND

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


@pytest.fixture(scope="module")
def events(site):
    for number in range(5):
        site.settled({**ORDER, "id": 100 + number})
    site.settled(REFUND)
    site.served.post({"id": 5}, secret="not-the-secret-at-all-24")


def test_plots_latencies_and_causes_are_there_for_the_chosen_time(opened, events):
    page = opened("#/overview")
    history = page.locator("section[aria-labelledby=history]")

    expect(history.locator("figure").first).to_contain_text("6 events, 1 refused")
    expect(history.locator("svg").first).to_have_attribute(
        "aria-label", "deliveries: 6 events, 1 refused; one bar is 30 min, the highest 7"
    )
    expect(history.locator("tr", has=page.locator("text=shop/refund.made"))).to_contain_text(
        "not.there"
    )
    expect(history.locator("tr", has_text="big")).to_contain_text("5")
    expect(history).to_contain_text("wrong-signature")

    history.locator("select").first.select_option("1h")
    expect(history.locator("figcaption").first).to_contain_text("one bar is 1 min")
    history.locator("select").nth(1).select_option("github")
    expect(history).to_contain_text("Nothing was counted")


def test_any_stretch_can_be_chosen(opened, events):
    page = opened("#/overview")
    history = page.locator("section[aria-labelledby=history]")
    history.locator("select").first.select_option("")
    page.get_by_label("From", exact=True).fill("2020-01-01T00:00")
    page.get_by_label("Until", exact=True).fill("2020-02-01T00:00")
    expect(history).to_contain_text("Nothing was counted")
    page.get_by_label("Until", exact=True).fill("2019-02-01T00:00")
    expect(history.locator("[role=alert]")).to_contain_text("not after")


def test_the_history_fits_a_small_screen(opened, events):
    page = opened("#/overview", viewport={"width": 390, "height": 800})
    expect(page.locator("figure").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
