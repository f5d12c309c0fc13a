"""A signature scheme as data: one frozen value, read from TOML, obeyed by `verify` and `sign`.

The same reader serves `[scheme]` of a catalogue file and `scheme = { … }` in `hookagent.toml`; it
reports every problem through the table it reads. `README.md` beside this file is the reference of
the keys.
"""

from collections.abc import Collection, Mapping

import msgspec

from hookagent.located import Table
from hookagent.lookup import Path
from hookagent.providers import reading
from hookagent.providers.shape import (
    ALGORITHMS,
    ASYMMETRIC,
    Digest,
    Family,
    Framing,
    JwtRules,
    KeyRule,
    Location,
    MessageRules,
    SecretForm,
    Timestamp,
)
from hookagent.providers.signed import Template, parse_template
from hookagent.verdict import Integrity

FRAMINGS = ("plain", "pairs", "list", "timestamp-list")
SECRET_FORMS = ("utf-8", "base64", "base64url", "hex", "pem")
SECRET_HASHES = ("", "sha1", "sha256")
SECRET_NORMALIZE = ("", "NFKD", "html")
STRATEGIES: Mapping[str, Integrity] = {
    "adyen": Integrity.ORIGIN,
    "aws-sns": Integrity.BODY,
    "contentful": Integrity.BODY,
    "ebay": Integrity.BODY,
    "mercadopago": Integrity.ORIGIN,
    "paddle-classic": Integrity.BODY,
    "twilio": Integrity.BODY,
    "unisender": Integrity.BODY,
}
"""Shapes that data cannot say, each one file in `strategies/`, and what they cover."""
STRATEGY_FAMILIES: Mapping[str, Family] = {
    "aws-sns": Family.RSA,
    "ebay": Family.ECDSA,
    "paddle-classic": Family.RSA,
}
"""Strategies that are signed with a private key."""
PUBLISHING = frozenset({"aws-sns"})
"""Strategies whose requests name the address of the key themselves."""
MESSAGE_FAMILIES: Mapping[str, Family] = {
    "ed25519": Family.ED25519,
    "ecdsa-p256-sha256": Family.ECDSA,
    "rsa-pss-sha512": Family.RSA_PSS,
    "rsa-v1_5-sha256": Family.RSA,
}
_JWT_FAMILIES = {"RS": Family.RSA, "PS": Family.RSA_PSS, "ES": Family.ECDSA}
LEVELS = tuple(str(level) for level in Integrity)

BODY = parse_template("{body}")


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider signs."""

    name: str
    """`stripe`, `hubspot/v1`; for an inline one the name the reader was given."""
    algorithm: str = ""
    """A key of `shape.ALGORITHMS`; empty for a strategy that needs none."""
    place: Location = Location()
    """Where the signature or token stands."""
    framing: Framing = Framing()
    secret: SecretForm = SecretForm()
    signed: Template = BODY
    timestamp: Timestamp | None = None
    id_header: str = ""
    require_headers: tuple[tuple[str, str], ...] = ()
    digest: Digest | None = None
    each: Path = ()
    json_part: str = ""
    """The form field or multipart part that holds the JSON; empty where the body is it."""
    keys: KeyRule | None = None
    jwt: JwtRules | None = None
    message: MessageRules | None = None
    strategy: str = ""
    stated_integrity: str = ""

    @property
    def family(self) -> Family:
        """What kind of proof it asks for."""
        if self.strategy:
            return Family.STRATEGY
        return ALGORITHMS[self.algorithm][0]

    @property
    def hash(self) -> str:
        """The hash function's name, empty where the algorithm brings its own."""
        return ALGORITHMS[self.algorithm][1] if self.algorithm else ""

    @property
    def is_asymmetric(self) -> bool:
        """Whether the receiver holds a public key instead of a shared secret."""
        return self.family in ASYMMETRIC

    @property
    def key_family(self) -> Family | None:
        """The kind of key pair the provider signs with, or None where a secret is shared."""
        if self.is_asymmetric:
            return self.family
        if self.jwt is not None:
            return _JWT_FAMILIES.get(self.jwt.algorithms[0][:2])
        if self.message is not None:
            return MESSAGE_FAMILIES.get(self.message.algorithm)
        return STRATEGY_FAMILIES.get(self.strategy)

    @property
    def is_key_published(self) -> bool:
        """Whether the provider's key is fetched where none is configured."""
        return self.keys is not None or self.strategy in PUBLISHING

    @property
    def needs_secret(self) -> bool:
        """Whether a source must have a secret or a public key (one that is fetched counts not)."""
        return self.family is not Family.NONE and not self.is_key_published

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of the `{config:…}` values it uses."""
        return setting_names(self)

    @property
    def integrity(self) -> Integrity:
        """How much of a genuine delivery the check covers."""
        if self.stated_integrity:
            return Integrity(self.stated_integrity)
        if self.strategy:
            return STRATEGIES[self.strategy]
        return _INTEGRITY.get(self.family) or _covered(self)


_INTEGRITY = {
    Family.NONE: Integrity.NONE,
    Family.TOKEN: Integrity.TOKEN,
    Family.BASIC: Integrity.TOKEN,
}


def _covered(scheme: Scheme) -> Integrity:
    """Work out from what is signed whether the body is bound."""
    if scheme.jwt is not None:
        bound = bool(scheme.jwt.body_claim) or scheme.jwt.in_body
    elif scheme.message is not None:
        bound = scheme.message.covers_body
    else:
        bound = scheme.signed.covers_body or _digest_is_signed(scheme)
    return Integrity.BODY if bound else Integrity.ORIGIN


def _digest_is_signed(scheme: Scheme) -> bool:
    """Whether the header or parameter that holds the body's hash is itself signed."""
    if scheme.digest is None:
        return False
    place = scheme.digest.place
    if place.kind == "query" and any(scheme.signed.uses(k) for k in ("url", "target", "query")):
        return True
    names = [name.lower() for name in scheme.signed.names(place.kind)]
    return place.name.lower() in names


def setting_names(scheme: Scheme) -> tuple[str, ...]:
    """Return the names of every `{config:…}` in a scheme, in order, each once."""
    names = list(scheme.signed.names("config"))
    texts: list[str] = [scheme.framing.tag]
    if scheme.jwt is not None:
        rules = scheme.jwt
        texts += [*rules.issuer, *rules.audience, *rules.subject]
        texts += [value for _, value in rules.require if isinstance(value, str)]
    if scheme.message is not None:
        texts.append(scheme.message.label)
    if scheme.keys is not None:
        texts += scheme.keys.urls
    for text in texts:
        names += [part.partition("}")[0] for part in text.split("{config:")[1:]]
    return tuple(dict.fromkeys(names))


def read_scheme(table: Table, name: str, *, asks: Collection[str] = ()) -> Scheme | None:
    """Read a scheme and report every problem; None where there was one.

    `asks` are keys the source will give: a scheme that lacks one of them is incomplete (None), and
    that is no problem.
    """
    before = len(table.problems)
    strategy = table.choice("strategy", "", STRATEGIES)
    algorithm = table.choice("algorithm", "", ALGORITHMS)
    incomplete = not algorithm and not strategy
    if incomplete and "algorithm" not in table and "algorithm" not in asks:
        table.report("missing-key", "`algorithm` is missing", hint='add: algorithm = "hmac-sha256"')
    family = Family.STRATEGY if strategy else ALGORITHMS.get(algorithm, (Family.HMAC, ""))[0]
    place = _read_place(table, family, asks)
    incomplete = incomplete or (not place.kind and _needs_place(table, family))
    framing = _read_framing(table)
    scheme = Scheme(
        name=name,
        algorithm=algorithm,
        place=place,
        framing=framing,
        secret=_read_secret(table),
        signed=reading.read_template(table, "signed", "{body}"),
        timestamp=reading.read_timestamp(
            table.table("timestamp"),
            is_first=framing.kind == "timestamp-list",
        ),
        id_header=table.text("id_header"),
        require_headers=reading.read_headers(table.table("require_headers")),
        digest=reading.read_digest(table.table("digest")),
        each=reading.read_path(table, "each", table.text("each")) if "each" in table else (),
        json_part=table.text("json_part"),
        keys=reading.read_keys(table.table("keys")),
        jwt=reading.read_jwt(table.table("jwt")),
        message=reading.read_message(table.table("message")),
        strategy=strategy,
        stated_integrity=table.choice("integrity", "", LEVELS),
    )
    table.finish()
    _check(table, scheme, family)
    return scheme if len(table.problems) == before and not incomplete else None


def _needs_place(table: Table, family: Family) -> bool:
    if family in {Family.NONE, Family.BASIC, Family.MESSAGE, Family.STRATEGY}:
        return False
    inner = table.data.get("jwt")
    return not (isinstance(inner, dict) and inner.get("in_body"))


def _read_place(table: Table, family: Family, asks: Collection[str]) -> Location:
    """Read where the signature stands; what the source will give is not missing here."""
    required = _needs_place(table, family) and not set(asks) & set(reading.PLACES)
    return reading.read_place(table, required=required)


def _read_framing(table: Table) -> Framing:
    framing = Framing(
        kind=table.choice("framing", "plain", FRAMINGS),
        separator=table.text("separator", ","),
        assign=table.text("assign", "="),
        tag=table.text("tag"),
        quoted=table.boolean("quoted"),
        groups=table.text("groups"),
        prefix=table.text("prefix"),
        encoding=table.choice("encoding", "hex", reading.ENCODINGS),
        repeats=table.boolean("repeats"),
    )
    if framing.kind == "pairs" and not framing.tag:
        hint = 'add: tag = "v1"'
        table.report("missing-key", "framing `pairs` needs `tag`", key="framing", hint=hint)
    if not framing.separator or not framing.assign:
        key = "assign" if framing.separator else "separator"
        table.report("blank", f"`{key}` is blank", key=key)
    return framing


def _read_secret(table: Table) -> SecretForm:
    return SecretForm(
        form=table.choice("secret_form", "utf-8", SECRET_FORMS),
        strip=table.texts("secret_strip"),
        append=table.text("secret_append"),
        hash=table.choice("secret_hash", "", SECRET_HASHES),
        normalize=table.choice("secret_normalize", "", SECRET_NORMALIZE),
    )


def _check(table: Table, scheme: Scheme, family: Family) -> None:
    """Report what single keys cannot show: parts that do not fit together."""
    if family is Family.JWT and scheme.jwt is None:
        table.report("missing-key", "algorithm `jwt` needs a table `jwt`", key="algorithm")
    if family is Family.MESSAGE and scheme.message is None:
        table.report("missing-key", "algorithm `rfc9421` needs a table `message`", key="algorithm")
    if family is Family.HASH and not scheme.signed.uses("secret"):
        message = "a plain hash without `{secret}` in `signed` can be made by anyone"
        table.report("no-secret-signed", message, key="signed")
    if family is not Family.HASH and scheme.signed.uses("secret"):
        table.report("secret-signed", "`{secret}` belongs in plain hashes only", key="signed")
    if scheme.signed.uses("id") and not scheme.id_header:
        hint = 'add: id_header = "webhook-id"'
        table.report("missing-key", "`{id}` needs `id_header`", key="signed", hint=hint)
    if scheme.signed.uses("timestamp") and scheme.timestamp is None:
        hint = 'add: timestamp = { header = "…" }'
        table.report("missing-key", "`{timestamp}` needs `timestamp`", key="signed", hint=hint)
    if not scheme.signed.parts:
        table.report("blank", "`signed` is blank: it would sign nothing", key="signed")
    _check_lists(table, scheme)


def _check_lists(table: Table, scheme: Scheme) -> None:
    if scheme.each and scheme.family is not Family.TOKEN:
        table.report("wrong-key", "`each` goes with algorithm `token`", key="each")
    place = scheme.timestamp.place.kind if scheme.timestamp else ""
    if place == "tag" and scheme.framing.kind != "pairs":
        message = "a timestamp beside the signature needs framing `pairs`"
        table.report("wrong-key", message, key="timestamp")
