"""What the tests of the inspector have in common: two rules, and three events of a shop."""

RULES = """
[rule.big]
about = "Say that a big order came"
on = "shop/order.*"
[rule.big.when]
total = { gt = 100 }
status = "paid"
[[rule.big.do]]
action = "log"
text = "big order {{ id }}"

[rule.refund]
on = "shop/refund.*"
[[rule.refund.do]]
action = "log"
text = "{{ not.there }}"
"""
ORDER = {
    "id": 1, "type": "order.paid", "total": 250, "status": "paid", "note": "<b>hello</b>",
    "customer": {"name": "Ada", "number": 12345678901234567890}, "items": [{"sku": "A-1"}],
}  # fmt: skip
"""`big` fires for it."""
SMALL = {"id": 2, "type": "order.paid", "total": 50, "status": "paid"}
"""No rule fires for it."""
REFUND = {"id": 3, "type": "refund.made"}
"""The run of `refund` dies."""
