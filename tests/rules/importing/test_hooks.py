"""References of adnanh/webhook as paths."""

import pytest

from hookagent.rules.importing.hooks import reference


@pytest.mark.parametrize(
    ("parameter", "path"),
    [
        ({"source": "payload", "name": "a.0.b"}, "a[0].b"),
        ({"source": "header", "name": "X-Y"}, "@headers.x-y"),
        ({"source": "url", "name": "Q"}, "@query.Q"),
        ({"source": "request", "name": "method"}, "@method"),
        ({"source": "request", "name": "other"}, None),
        ({"source": "template", "name": "x"}, None),
        ({"source": "payload"}, None),
        ("x", None),
    ],
)
def test_a_reference_becomes_a_path_or_none(parameter, path):
    assert reference(parameter) == path
