"""Signatures are cut out of what stands there, and no more than sixteen."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.event import Headers, RawRequest
from hookagent.providers.candidates import Group, find_groups
from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import Framing, Location, Timestamp
from hookagent.providers.view import View
from hookagent.verdict import Code

PLAIN = Scheme(name="s", algorithm="hmac-sha256", place=Location("header", ("X-Sig",)))
PAIRS = msgspec.structs.replace(
    PLAIN,
    framing=Framing(kind="pairs", tag="v1"),
    timestamp=Timestamp(place=Location("tag", ("t",))),
)


def framed(**parts: object) -> Scheme:
    return msgspec.structs.replace(PLAIN, framing=Framing(**parts))  # type: ignore[arg-type]


def groups(scheme: Scheme, *values: bytes, settings: dict[str, str] | None = None) -> list[Group]:
    headers = Headers([(b"X-Sig", value) for value in values])
    return find_groups(View(RawRequest(headers=headers), settings or {}), scheme)


def code_of(scheme: Scheme, *values: bytes) -> Code:
    with pytest.raises(Refusal) as caught:
        groups(scheme, *values)
    return caught.value.code


def test_a_plain_signature_is_the_whole_value_without_its_prefix() -> None:
    assert groups(framed(prefix="sha256="), b" sha256=ab ")[0].signatures == [b"ab"]
    assert code_of(framed(prefix="sha256="), b"sha1=ab") is Code.MALFORMED
    assert code_of(framed(prefix="sha256="), b"SHA256=ab") is Code.MALFORMED
    assert code_of(PLAIN, b"") is Code.MALFORMED


def test_the_name_of_an_authentication_scheme_may_be_of_any_case() -> None:
    assert groups(framed(prefix="Bearer "), b"bearer  abc")[0].signatures == [b"abc"]


def test_pairs_give_the_timestamp_and_every_signature_of_the_tag() -> None:
    assert groups(PAIRS, b"t=12, v1=ab,v0=zz ,v1=cd,junk,=,v1=") == [Group(b"12", [b"ab", b"cd"])]
    assert code_of(PAIRS, b"t=1,t=2,v1=ab") is Code.DOUBLED
    assert code_of(PAIRS, b"t=1,v0=ab") is Code.MALFORMED


def test_the_first_assign_counts_so_that_base64_keeps_its_padding() -> None:
    tagged = framed(kind="pairs", separator=" ", assign=",", tag="v1")
    assert groups(tagged, b"v1,QQ== v1a,QUI= v1,Qg==")[0].signatures == [b"QQ==", b"Qg=="]
    assert groups(framed(kind="pairs", tag="s"), b"s=QQ==")[0].signatures == [b"QQ=="]


def test_any_tag_a_tag_from_a_setting_and_quoted_values() -> None:
    anything = framed(kind="pairs", separator="&", assign="|", tag="*")
    assert groups(anything, b"k1|ab&k2|cd")[0].signatures == [b"ab", b"cd"]
    setting = framed(kind="pairs", tag="{config:key}")
    assert groups(setting, b"a=1,b=2", settings={"key": "b"})[0].signatures == [b"2"]
    quoted = framed(kind="pairs", tag="signature", quoted=True)
    assert groups(quoted, b'keyid="k", signature="ab"')[0].signatures == [b"ab"]


def test_lists_with_and_without_a_timestamp() -> None:
    assert groups(framed(kind="list"), b"ab, cd,")[0].signatures == [b"ab", b"cd"]
    assert groups(framed(kind="timestamp-list"), b"12,ab,cd") == [Group(b"12", [b"ab", b"cd"])]


def test_groups_have_a_timestamp_each() -> None:
    grouped = msgspec.structs.replace(PAIRS, framing=Framing(kind="pairs", tag="v1", groups=" "))
    assert groups(grouped, b"t=1,v1=ab t=2,v1=cd") == [Group(b"1", [b"ab"]), Group(b"2", [b"cd"])]


def test_any_of_several_headers_and_numbered_ones() -> None:
    both = msgspec.structs.replace(PLAIN, place=Location("header", ("X-A", "X-B")))
    request = RawRequest(headers=Headers.of({"X-B": "2"}))
    assert find_groups(View(request, {}), both) == [Group(None, [b"2"], 1)]
    numbered = msgspec.structs.replace(PLAIN, place=Location("header", ("X-S-{n}",)))
    request = RawRequest(headers=Headers.of({"X-S-2": "two", "X-S-16": "last", "X-S-17": "beyond"}))
    found = find_groups(View(request, {}), numbered)
    assert [group.signatures for group in found] == [[b"two"], [b"last"]]


def test_a_header_may_repeat_only_where_the_scheme_says_so() -> None:
    assert code_of(PLAIN, b"ab", b"cd") is Code.DOUBLED
    found = groups(framed(repeats=True), b"ab", b"cd")
    assert [group.signatures for group in found] == [[b"ab"], [b"cd"]]


@pytest.mark.parametrize("value", [b"v1=ab," * 17, b"," * 1_000, b"t=1," * 70])
def test_too_many_items_are_refused(value: bytes) -> None:
    assert code_of(PAIRS, value) is Code.TOO_MANY


@given(st.binary(max_size=120), st.sampled_from(["plain", "pairs", "list", "timestamp-list"]))
def test_any_value_has_signatures_or_is_refused(value: bytes, kind: str) -> None:
    scheme = framed(kind=kind, tag="v1", groups=" ", prefix="x")
    try:
        found = groups(scheme, value)
    except Refusal:
        return
    assert 0 < sum(len(group.signatures) for group in found) <= 16
