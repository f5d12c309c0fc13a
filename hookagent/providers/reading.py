"""Readers of the parts of a scheme: each takes a table, reports what is wrong and goes on."""

from collections.abc import Iterable

from hookagent.located import Table, describe
from hookagent.lookup import Path, PathError, parse_path
from hookagent.providers.shape import (
    DIGEST_BYTES,
    TOLERANCE_SECONDS,
    Digest,
    JwtRules,
    KeyRule,
    Location,
    MessageRules,
    Text,
    Timestamp,
)
from hookagent.providers.signed import Template, TemplateError, parse_template

PLACES = ("header", "query", "form", "json")
ENCODINGS = ("hex", "hex-upper", "base64", "base64url", "base64url-padded")
TIMESTAMP_FORMATS = ("unix", "unix-ms", "rfc3339", "iso-utc")
JWT_ALGORITHMS = (
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS512", "ES256",
)  # fmt: skip
MESSAGE_ALGORITHMS = (
    "hmac-sha256", "ed25519", "ecdsa-p256-sha256", "rsa-pss-sha512", "rsa-v1_5-sha256",
)  # fmt: skip
KEY_KINDS = ("jwks", "pem", "certificate", "json", "github")
DAY_SECONDS = 86_400


def read_place(table: Table, kinds: Iterable[str] = PLACES, *, required: bool = True) -> Location:
    """Read the one of `header`, `query` … that a table has; two of them are a problem."""
    kinds = tuple(kinds)
    given = [kind for kind in kinds if kind in table]
    for kind in kinds:
        table.raw(kind)  # so that a second one is not called unknown
    if not given:
        if required:
            known = ", ".join(f"`{kind}`" for kind in kinds)
            table.report("missing-key", f"one of {known} is missing", hint='add: header = "…"')
        return Location()
    if len(given) > 1:
        message = f"`{given[1]}` and `{given[0]}` exclude each other"
        table.report("two-places", message, key=given[1], on_key=True)
    kind = given[0]
    if kind == "json":
        text = table.text("json")
        return Location("json", (text,), read_path(table, "json", text))
    names: Text = table.texts(kind) if kind == "header" else (table.text(kind),)
    if not names or not all(names):
        table.report("blank", f"`{kind}` is blank", key=kind)
    return Location(kind, names)


def read_path(table: Table, key: str, text: str) -> Path:
    """Read a path into the payload."""
    try:
        return parse_path(text)
    except PathError as error:
        table.report("wrong-path", f"`{key}`: {error}", key=key)
        return ()


def read_template(table: Table, key: str, default: str) -> Template:
    """Read a signed template."""
    text = table.text(key, default)
    try:
        return parse_template(text)
    except TemplateError as error:
        table.report("wrong-template", f"`{key}`: {error.message}", key=key, hint=error.hint)
        return parse_template(default)


def read_timestamp(table: Table | None, *, is_first: bool) -> Timestamp | None:
    """Read `timestamp = { … }`; in a `timestamp-list` its place is known."""
    if table is None:
        return Timestamp(place=Location("first")) if is_first else None
    kinds = (*PLACES, "tag")
    place = Location("first") if is_first else read_place(table, kinds)
    timestamp = Timestamp(
        place=place,
        format=table.choice("format", "unix", TIMESTAMP_FORMATS),
        tolerance_ms=1000
        * table.integer("tolerance_seconds", TOLERANCE_SECONDS, most=365 * DAY_SECONDS),
    )
    table.finish()
    return timestamp


def read_digest(table: Table | None) -> Digest | None:
    """Read `digest = { … }`."""
    if table is None:
        return None
    digest = Digest(
        place=read_place(table, ("header", "query")),
        prefix=table.text("prefix"),
        hash=table.choice("hash", "sha256", DIGEST_BYTES),
        encoding=table.choice("encoding", "base64", ENCODINGS),
    )
    table.finish()
    return digest


def read_keys(table: Table | None) -> KeyRule | None:
    """Read `keys = { … }`: an address is only taken with the hosts that pin it."""
    if table is None:
        return None
    rule = KeyRule(
        urls=table.texts("url"),
        hosts=table.texts("hosts"),
        kind=table.choice("kind", "pem", KEY_KINDS),
        json=table.text("json"),
        post=read_headers(table.table("post")),
    )
    if not rule.urls:
        table.report("missing-key", "`url` is missing", hint='add: url = "https://…"')
    if not rule.hosts:
        table.report("missing-key", "`hosts` is missing", hint='add: hosts = ["keys.example.com"]')
    table.finish()
    return rule


def read_jwt(table: Table | None) -> JwtRules | None:
    """Read `[scheme.jwt]`."""
    if table is None:
        return None
    rules = JwtRules(
        algorithms=_known(table, "algorithms", JWT_ALGORITHMS),
        issuer=table.texts("issuer"),
        audience=table.texts("audience"),
        subject=table.texts("subject"),
        body_claim=table.text("body_claim"),
        body_hash=table.choice("body_hash", "sha256", DIGEST_BYTES),
        body_encoding=table.choice("body_encoding", "hex", ENCODINGS),
        body_required=table.boolean("body_required", default=True),
        url_claim=table.text("url_claim"),
        url_hash=table.choice("url_hash", "", DIGEST_BYTES),
        url_encoding=table.choice("url_encoding", "hex", ENCODINGS),
        qsh=table.boolean("qsh"),
        require=_require(table.table("require")),
        max_age_seconds=table.integer("max_age_seconds", 0, most=DAY_SECONDS),
        leeway_seconds=table.integer("leeway_seconds", 60, most=3600),
        in_body=table.boolean("in_body"),
        expiry=table.boolean("expiry", default=True),
    )
    table.finish()
    return rules


def _require(table: Table | None) -> tuple[tuple[str, str | int | bool], ...]:
    """Read the claims that must have one exact value."""
    if table is None:
        return ()
    pairs: list[tuple[str, str | int | bool]] = []
    for name in table.data:
        value = table.raw(name)
        if isinstance(value, str | int):
            pairs.append((name, value))
        else:
            message = f"`{name}` must be a string, a number or a boolean, not {describe(value)}"
            table.report("wrong-type", message, key=name)
    return tuple(pairs)


def read_message(table: Table | None) -> MessageRules | None:
    """Read `[scheme.message]`."""
    if table is None:
        return None
    rules = MessageRules(
        algorithm=table.choice("algorithm", "", MESSAGE_ALGORITHMS),
        label=table.text("label"),
        components=table.texts("components"),
        covers_body=table.boolean("covers_body", default=True),
        max_age_seconds=table.integer("max_age_seconds", TOLERANCE_SECONDS, most=365 * DAY_SECONDS),
    )
    if not rules.algorithm:
        known = ", ".join(MESSAGE_ALGORITHMS)
        table.report("missing-key", "`algorithm` is missing", hint=f"known: {known}")
    table.finish()
    return rules


def read_headers(table: Table | None) -> tuple[tuple[str, str], ...]:
    """Read `require_headers`: header names and the one value each must have."""
    if table is None:
        return ()
    return tuple((name, table.text(name)) for name in table.data)


def _known(table: Table, key: str, known: Iterable[str]) -> Text:
    """Return a list of known words, at least one."""
    known = tuple(known)
    values = table.texts(key)
    if key not in table:
        table.report("missing-key", f"`{key}` is missing", hint="known: " + ", ".join(known))
    for value in values:
        if value not in known:
            hint = "known: " + ", ".join(known)
            table.report("unknown-value", f"`{key}` cannot hold `{value}`", key=key, hint=hint)
    return tuple(value for value in values if value in known)
