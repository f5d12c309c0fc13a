"""Results for build servers."""

from xml.etree import ElementTree as ET

from hookagent.rules.junit import junit_xml
from hookagent.rules.testing import CaseResult

BAD = CaseResult(
    rule="a<b",
    file="rules/x.toml",
    line=3,
    about='he said "no"\x00\x1b',
    passed=False,
    fires=True,
    problems=["it was to not fire, and did", "two & more"],
)
GOOD = CaseResult(rule="r", file="f", line=1, about="", passed=True, fires=True, problems=[])


def test_it_is_xml_whatever_the_names_hold():
    suite = ET.fromstring(junit_xml([BAD, GOOD]))

    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    bad, good = suite
    assert (bad.get("classname"), bad.get("name")) == ("a<b", 'he said "no"??')
    assert bad[0].get("message") == "it was to not fire, and did; two & more"
    assert (good.get("name"), list(good)) == ("line 1", [])
