"""What goes wrong has a status, a code and what mends it."""

import pytest

from hookagent.errors import AnswerNo, ConfigError, NotFound, OutsideError, Problem, UsageError
from hookagent.server.inspector.answers import download, failed
from hookagent.store.base import StoreFull


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("no event `x`"), 404, "not-found"),
        (UsageError("wrong"), 422, "wrong-request"),
        (ConfigError([Problem(code="c", message="m", line=3)]), 422, "wrong-rules"),
        (StoreFull("full"), 503, "store-unavailable"),
        (OutsideError("unreachable"), 502, "outside"),
        (AnswerNo("not dead"), 409, "no"),
    ],
)
def test_every_kind_of_error_has_its_status_and_code(error, status, code):
    answer = failed(error)

    assert answer.status == status
    assert f'"error":"{code}"' in (answer.text or "")


@pytest.mark.parametrize("name", ["../../etc/passwd", 'x"; y=z', "a\r\nB: c", "😍", ""])
def test_a_downloads_name_cannot_leave_its_quotes(name):
    said = download(b"x", name).headers["Content-Disposition"]

    assert said.startswith('attachment; filename="')
    assert said.count('"') == 2
    assert not {"/", "\r", "\n", ";"} & set(said.removeprefix("attachment; "))
