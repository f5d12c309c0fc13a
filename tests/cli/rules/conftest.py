"""A project with rules in it."""

import pytest

RULES = """
[rule.big]
about = "A large order"
on = "shop/order.*"
when = { amount = { gte = 200 } }
do = [{ action = "log", text = "order {{ id }}" }]
test = [{ payload = { amount = 200, id = 1 }, sends = { log = { text = "order 1" } } }, { payload = { amount = 1 }, fires = false }]

[rule.any]
on = "shop"
priority = -1
do = [{ action = "log", text = "any" }]
"""


@pytest.fixture
def ruled(configured):
    (configured / "rules").mkdir()
    (configured / "rules" / "shop.toml").write_text(RULES)
    return configured


@pytest.fixture
def order(ruled):
    (ruled / "order.json").write_text(
        '{"id":"evt_a","source":"shop","type":"order.paid","body":"{\\"amount\\":300,\\"id\\":9}"}'
    )
    return "order.json"
