"""The signatures a request carries, cut out of their header, parameter or field.

    plain            sha256=ab12…
    pairs            t=1700000000,v1=ab12…,v1=cd34…      v1,qrv… v1,+sd…
    list             ab12…,cd34…
    timestamp-list   1700000000,ab12…,cd34…

Total, and bounded: at most 16 signatures, unknown names skipped.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import SIGNATURES_MAX, Framing, Location
from hookagent.providers.view import View
from hookagent.verdict import Code

ITEMS_MAX = 4 * SIGNATURES_MAX
"""Items of a list, known or not."""


class Group(NamedTuple):
    """Signatures that belong to one timestamp."""

    timestamp: bytes | None
    """As written beside the signature; None when it stands elsewhere or is missing."""
    signatures: list[bytes]
    """Still encoded, prefix taken off."""
    source: int = 0
    """Which of the scheme's headers they came from, from 0."""


def find_groups(view: View, scheme: Scheme) -> list[Group]:
    """Return the signatures of a request in groups. Raises Refusal where there are none."""
    groups: list[Group] = []
    stamp = scheme.timestamp.place.name if scheme.timestamp else ""
    for source, value in raw_values(view, scheme.place, scheme.framing):
        for text in _split_groups(value, scheme.framing.groups):
            group = _group(text, scheme.framing, stamp, view.settings)
            groups.append(group._replace(source=source))
    count = sum(len(group.signatures) for group in groups)
    if not count:
        raise Refusal(Code.MALFORMED, f"{scheme.place} holds no {_wanted(scheme.framing)}")
    if count > SIGNATURES_MAX:
        raise Refusal(Code.TOO_MANY, f"{count} signatures, at most {SIGNATURES_MAX} are looked at")
    return groups


def _wanted(framing: Framing) -> str:
    if framing.tag and framing.tag != "*":
        return f"signature named `{framing.tag}`"
    return f"signature that begins with `{framing.prefix}`" if framing.prefix else "signature"


def raw_values(view: View, place: Location, framing: Framing) -> list[tuple[int, bytes]]:
    """Return the values at the signature's place with the index of their header."""
    if place.kind != "header":
        return [(0, view.at(place, Code.MISSING))]
    found: list[tuple[int, bytes]] = []
    for index, name in enumerate(header_names(place)):
        values = view.request.headers.all(name)
        if len(values) > 1 and not framing.repeats:
            raise Refusal(Code.DOUBLED, f"header `{name}` is there {len(values)} times")
        found += [(index, value) for value in values]
    if not found:
        raise Refusal(Code.MISSING, f"{place} is missing")
    if len(found) > SIGNATURES_MAX:
        raise Refusal(Code.TOO_MANY, f"{len(found)} signature headers")
    return found


def header_names(place: Location) -> Iterator[str]:
    """Yield the names to look at; `{n}` stands for 1 to 16."""
    for name in place.names:
        if "{n}" not in name:
            yield name
            continue
        for number in range(1, SIGNATURES_MAX + 1):
            yield name.replace("{n}", str(number))


def _split_groups(value: bytes, separator: str) -> list[bytes]:
    if not separator:
        return [value]
    groups = [group for group in value.split(separator.encode(), SIGNATURES_MAX + 1) if group]
    if len(groups) > SIGNATURES_MAX:
        raise Refusal(Code.TOO_MANY, f"more than {SIGNATURES_MAX} groups of signatures")
    return groups


def _group(value: bytes, framing: Framing, stamp: str, settings: Mapping[str, str]) -> Group:
    """Cut one value by the scheme's framing."""
    if framing.kind == "plain":
        return Group(None, _bare([value.strip()], framing.prefix))
    separator = (framing.separator.strip() or framing.separator).encode()
    items = [item.strip() for item in value.split(separator, ITEMS_MAX)]
    if len(items) > ITEMS_MAX:
        raise Refusal(Code.TOO_MANY, f"more than {ITEMS_MAX} items in the signature header")
    if framing.kind == "pairs":
        return _pairs(items, framing, stamp, settings)
    if framing.kind == "timestamp-list":
        return Group(items[0], _bare(items[1:], framing.prefix))
    return Group(None, _bare(items, framing.prefix))


def _pairs(
    items: list[bytes],
    framing: Framing,
    stamp: str,
    settings: Mapping[str, str],
) -> Group:
    """Read `name=value` items: the signatures' tag and the timestamp's; others are skipped."""
    tag = _filled(framing.tag, settings).encode()
    assign = framing.assign.encode()
    signatures: list[bytes] = []
    timestamps: list[bytes] = []
    for item in items:
        name, found, value = item.partition(assign)
        name, value = name.strip(), value.strip()
        if framing.quoted and len(value) > 1 and value[:1] == value[-1:] == b'"':
            value = value[1:-1]
        if not found:
            continue
        if stamp and name == stamp.encode():
            timestamps.append(value)
        elif tag in (name, b"*"):
            signatures.append(value)
    if len(timestamps) > 1:
        raise Refusal(Code.DOUBLED, f"part `{stamp}` is there {len(timestamps)} times")
    return Group(timestamps[0] if timestamps else None, _bare(signatures, framing.prefix))


def _filled(tag: str, settings: Mapping[str, str]) -> str:
    """Put a setting in for a tag of the form `{config:name}`."""
    if tag.startswith("{config:"):
        return settings.get(tag[8:-1], "")
    return tag


def _bare(values: list[bytes], prefix: str) -> list[bytes]:
    """Take the prefix off; values without it are no signatures of this scheme."""
    if not prefix:
        return [value for value in values if value]
    wanted = prefix.encode()
    size = len(wanted)
    if prefix.endswith(" "):  # an authentication scheme's name, of any case (RFC 9110 section 11.1)
        wanted = wanted.lower()
        return [value[size:].strip() for value in values if value[:size].lower() == wanted]
    return [value[size:] for value in values if value.startswith(wanted)]
