"""Pure: what becomes of what an interface says about headers and names."""

from hypothesis import given
from hypothesis import strategies as st

from hookagent.event import Headers
from hookagent.pipeline.catchup.api import fields, part


@given(st.lists(st.tuples(st.text(), st.text())))
def test_no_header_that_could_not_have_been_sent_gets_in(pairs):
    made = fields(pairs)

    packed = made.pack()
    assert b"\r" not in packed
    assert all(b"\n" not in name + value for name, value in made.pairs)
    assert isinstance(Headers.unpack(packed), Headers)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_name_stays_one_part_of_a_path(text):
    assert not set("/?#") & set(part(text))
