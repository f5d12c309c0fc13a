"""Pure: what a template error carries."""

from hookagent.template import TemplateError


def test_an_error_knows_its_place_and_what_to_do():
    error = TemplateError("no such thing", 4, hint="leave it out")

    assert (str(error), error.message, error.offset) == ("no such thing", "no such thing", 4)
    assert error.hint == "leave it out"
