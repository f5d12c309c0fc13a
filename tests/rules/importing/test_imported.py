"""Notes of an import."""

from hookagent.rules.importing.imported import Notes, place_of


def test_a_note_says_where_what_and_why():
    notes = Notes()
    notes.kept(("a", 0, "b"), "x = 1")
    notes.lost((), "no place")

    assert [(it.place, it.became, it.is_lost) for it in notes.all] == [
        ("a[0].b", "x = 1", False),
        ("the document", "", True),
    ]
    assert place_of(("a.b",)) == "['a.b']"
