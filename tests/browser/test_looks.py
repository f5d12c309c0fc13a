"""Whole: nothing for axe to say in any view, and nothing wider than a small screen."""

import pytest

from tests.browser.conftest import violations
from tests.whole.shop import ORDER, REFUND

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
VIEWS = {
    "list": ("#/events", ".row[id]"),
    "filtered": ("#/events?status=done", ".row[id]"),
    "nothing": ("#/events?text=nowhere-to-be-found", ".empty"),
    "body": ("#/events?id={big}", ".tree"),
    "headers": ("#/events?id={big}&tab=Headers", ".panel table"),
    "verdict": ("#/events?id={big}&tab=Verdict", ".panel dl"),
    "rules": ("#/events?id={big}&tab=Rules", ".rule"),
    "runs": ("#/events?id={refund}&tab=Runs", ".run"),
    "related": ("#/events?id={big}&tab=Related", ".panel h3"),
    "missing": ("#/events?id=evt_none", ".trouble"),
    "overview": ("#/overview", ".card"),
    "queue": ("#/runs", ".run"),
    "refused": ("#/refused", "td a"),
}
DIALOGS = {"edit": "e", "copy": "c", "diff": "d", "rule": "m", "craft": "n", "keys": "?"}


@pytest.fixture(scope="module")
def events(site):
    site.settled({**ORDER, "id": 8})
    site.served.post({"id": 5}, secret="not-the-secret-at-all-24")
    return {"big": site.settled(ORDER), "refund": site.settled(REFUND)}


def shown(page, site, events, view):
    place, there = VIEWS[view]
    page.goto(f"{site.base}/{place.format(**events)}")
    page.wait_for_selector(there)


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "light"),
        (390, "dark"),
        pytest.param(1280, "dark", marks=pytest.mark.long),
        pytest.param(390, "light", marks=pytest.mark.long),
    ],
)
def test_axe_finds_nothing_in_any_view(site, opened, events, axe, scheme, width):
    page = opened(color_scheme=scheme, viewport={"width": width, "height": 800})
    found = {}
    for view in VIEWS:
        shown(page, site, events, view)
        if wrong := violations(page, axe):
            found[view] = wrong
    for name, key in DIALOGS.items():
        shown(page, site, events, "body")
        page.keyboard.press(key)
        page.wait_for_selector("dialog[open]")
        if wrong := violations(page, axe):
            found[name] = wrong
        page.keyboard.press("Escape")

    assert found == {}


def test_a_small_screen_shows_list_or_event_and_is_never_too_wide(site, opened, events):
    page = opened(viewport={"width": 390, "height": 844}, has_touch=True)
    for view in VIEWS:
        shown(page, site, events, view)
        wide = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], view

    shown(page, site, events, "list")
    page.locator(".row[id]").first.tap()
    expect(page.locator(".detail")).to_be_visible()
    expect(page.locator(".grid")).not_to_be_visible()
    page.click("text=← list")
    expect(page.locator(".grid")).to_be_visible()


def test_the_theme_goes_round_and_is_remembered(site, opened):
    page = opened(color_scheme="light")
    paper = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = page.evaluate(paper)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    assert light != dark
    assert page.evaluate(paper) == dark


def test_the_focus_goes_into_a_dialog_and_back(site, opened, events):
    page = opened()
    shown(page, site, events, "body")
    button = page.locator("text=Copy as…")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_be_visible()
    assert page.evaluate("() => document.activeElement.closest('dialog') !== null")

    page.keyboard.press("Escape")

    expect(page.locator("dialog")).to_have_count(0)
    expect(button).to_be_focused()
