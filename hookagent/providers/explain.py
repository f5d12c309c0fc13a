"""The explanations behind `diagnose`: one function per kind of failure."""

from collections.abc import Iterator
from difflib import get_close_matches

import msgspec

from hookagent.errors import ConfigError, NotFound
from hookagent.lookup import first
from hookagent.payload import Parsed, read_json
from hookagent.providers import catalog, variants
from hookagent.providers.candidates import Group, find_groups
from hookagent.providers.codec import DECODERS
from hookagent.providers.diagnosis import Case, Cause, Diagnosis
from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import DIGEST_BYTES, Family
from hookagent.providers.stamp import parse_stamp
from hookagent.providers.view import View
from hookagent.verdict import Code, Verdict

HOUR_MS = 3_600_000
CLOCK_SLACK_MS = 120_000
"""A difference this near whole hours is a time zone, not a late delivery."""
SECRETS_TRIED_MAX = 16


def explain_headers(case: Case, verdict: Verdict) -> Diagnosis:
    """Explain something missing: look for it under another name or in another scheme's place."""
    found = _other_scheme(case, verdict)
    if found is not None:
        return found
    name = _missing_name(case)
    near = _near_header(case, name) if name else None
    if near:
        return Diagnosis(
            cause=Cause.HEADER_MISNAMED,
            evidence=f"header `{name}` is missing, but `{near}` is there",
            mend=f"choose the scheme whose header is `{near}`, or let the sender use `{name}`",
            verdict=verdict,
        )
    cause = Cause.HEADER_MISSING if verdict.code is Code.MISSING else Cause.PART_MISSING
    mend = "set the secret at the provider, so that it signs; and let no proxy drop the header"
    if "public URL" in verdict.detail:
        mend = "set `public_url` to the address the provider was given"
    elif "setting" in verdict.detail:
        mend = "add the setting to the source"
    return Diagnosis(cause=cause, evidence=verdict.detail, mend=mend, verdict=verdict)


def _missing_name(case: Case) -> str:
    """Return the first header of the scheme that the request lacks."""
    scheme = case.scheme
    names = list(scheme.place.names) if scheme.place.kind == "header" else []
    if scheme.timestamp and scheme.timestamp.place.kind == "header":
        names.append(scheme.timestamp.place.name)
    names += [scheme.id_header] if scheme.id_header else []
    return next((name for name in names if name not in case.request.headers), "")


def _near_header(case: Case, name: str) -> str | None:
    """Return a header of the request whose name is nearly the missing one."""
    present = {field.lower(): field for field, _ in case.request.headers.items()}
    stripped = name.lower().removeprefix("x-")
    near = get_close_matches(name.lower(), present, n=1, cutoff=0.75) or [
        field for field in present if field.removeprefix("x-") == stripped
    ]
    return present[near[0]] if near else None


def explain_shape(case: Case, verdict: Verdict) -> Diagnosis:
    """Explain a signature that is there but not written as it must be."""
    found = _other_scheme(case, verdict)
    if found is not None:
        return found
    group = _group(case)
    for encoding in ("hex", "base64", "base64url"):
        if (
            group
            and encoding != case.scheme.framing.encoding
            and _fits(case.scheme, group, encoding)
        ):
            return Diagnosis(
                cause=Cause.WRONG_ENCODING,
                evidence=f"the signature is in {encoding}, not {case.scheme.framing.encoding}",
                mend=f'choose the right scheme, or set encoding = "{encoding}"',
                verdict=verdict,
            )
    mend = "choose the scheme this provider signs with; the header is written for another one"
    return Diagnosis(cause=Cause.MALFORMED, evidence=verdict.detail, mend=mend, verdict=verdict)


def _group(case: Case) -> Group | None:
    view = View(case.request, case.settings, case.base_url, case.scheme.json_part)
    try:
        return find_groups(view, case.scheme)[0]
    except Refusal:
        return None


def _fits(scheme: Scheme, group: Group, encoding: str) -> bool:
    """Whether a signature has the right length when it is read in another encoding."""
    size = DIGEST_BYTES.get(scheme.hash, 0)
    values = [DECODERS[encoding](text) for text in group.signatures]
    return any(value is not None and len(value) == size for value in values)


def explain_time(case: Case, verdict: Verdict) -> Diagnosis:
    """Explain a timestamp that cannot be read or is too far from the clock."""
    if verdict.code is Code.MALFORMED_TIMESTAMP:
        return _explain_unit(case, verdict)
    is_right = case.passes()
    cause = Cause.STALE if verdict.code is Code.STALE else Cause.AHEAD
    if not is_right:
        again = case.verdict()
        if again is not None and not again.valid:
            inner = explain_mismatch(case, again)
            evidence = f"{verdict.detail}; and without regard to the time: {inner.evidence}"
            return msgspec.structs.replace(inner, evidence=evidence, verdict=verdict)
    right = case.verdict()
    off = abs(case.now - right.signed_at) if right and right.signed_at else 0
    return Diagnosis(
        cause=cause,
        evidence=f"the signature is right, but {verdict.detail}{_clock(off)}",
        mend=_time_mend(cause, off),
        verdict=verdict,
        secret_index=right.secret_index if right else None,
    )


def _clock(off: int) -> str:
    hours = round(off / HOUR_MS)
    if hours and abs(off - hours * HOUR_MS) <= CLOCK_SLACK_MS:
        return f", which is {hours} h to the minute: a clock in another time zone?"
    return ""


def _time_mend(cause: Cause, off: int) -> str:
    if _clock(off):
        return "set this machine's clock, or the sender's, to the right time zone"
    if cause is Cause.AHEAD:
        return "set this machine's clock: it is behind the sender's"
    return "replay it signed anew (`hookagent replay`); if live deliveries fail too, set the clock"


def _explain_unit(case: Case, verdict: Verdict) -> Diagnosis:
    """Try the other ways to write a time."""
    rule = case.scheme.timestamp
    text = b""
    if rule is not None:
        view = View(case.request, case.settings, case.base_url, case.scheme.json_part)
        group = _group(case)
        try:
            text = (group.timestamp or b"") if group and group.timestamp else view.at(rule.place)
        except Refusal:
            text = b""
    for form in ("unix", "unix-ms", "rfc3339", "iso-utc"):
        if rule is not None and form != rule.format and parse_stamp(text, form) is not None:
            return Diagnosis(
                cause=Cause.WRONG_UNIT,
                evidence=f"the timestamp is written as `{form}`, the scheme says `{rule.format}`",
                mend=f'set format = "{form}" in the scheme\'s timestamp',
                verdict=verdict,
            )
    return Diagnosis(
        cause=Cause.MALFORMED,
        evidence=verdict.detail,
        mend="choose the scheme this provider signs with",
        verdict=verdict,
    )


def explain_mismatch(case: Case, verdict: Verdict) -> Diagnosis:
    """Explain a signature or token that is another one: find out of what."""
    for found in _searches(case, verdict):
        if found is not None:
            return found
    if case.is_relayed:
        return Diagnosis(
            cause=Cause.RELAY,
            evidence="it came through a relay that writes bodies anew: the signed bytes are gone",
            mend="let the provider send to hookagent directly or through a tunnel that keeps bytes",
            verdict=msgspec.structs.replace(verdict, code=Code.UNVERIFIABLE),
        )
    if verdict.code is Code.WRONG_TOKEN:
        return Diagnosis(
            cause=Cause.WRONG_TOKEN,
            evidence=verdict.detail,
            mend="copy the token from the provider's settings into the source's secret again",
            verdict=verdict,
        )
    return _unknown(case, verdict)


def _searches(case: Case, verdict: Verdict) -> Iterator[Diagnosis | None]:
    """Yield what each search finds, the likeliest first."""
    yield _secret_form(case, verdict)
    yield _published_secret(case, verdict)
    yield _body_changed(case, verdict)
    yield _url_differs(case, verdict)
    yield _other_scheme(case, verdict)


def _secret_form(case: Case, verdict: Verdict) -> Diagnosis | None:
    """Try other readings of each secret."""
    for index, secret in enumerate(case.secrets[:SECRETS_TRIED_MAX]):
        for name, text, form in variants.secrets(secret, case.scheme.secret):
            scheme = msgspec.structs.replace(case.scheme, secret=form)
            if text and case.passes(scheme=scheme, secrets=(text,)):
                return Diagnosis(
                    cause=Cause.SECRET_FORM,
                    evidence=name,
                    mend="write the secret exactly as the provider uses it, or set `secret_form`",
                    verdict=verdict,
                    secret_index=index,
                )
    return None


def _published_secret(case: Case, verdict: Verdict) -> Diagnosis | None:
    """Try the secrets the provider has published for its test deliveries."""
    try:
        published = catalog.provider_of(case.scheme.name).test_secrets
    except (NotFound, ConfigError):
        return None  # a scheme of the user's own
    if not published or not case.passes(secrets=published):
        return None
    return Diagnosis(
        cause=Cause.TEST_SECRET,
        evidence="it is signed with the secret this provider has published for test deliveries",
        mend="save the webhook at the provider and send a real event: that has your secret",
        verdict=verdict,
    )


def _body_changed(case: Case, verdict: Verdict) -> Diagnosis | None:
    """Try bodies that were signed before something changed them."""
    for name, body in variants.bodies(case.request):
        request = msgspec.structs.replace(case.request, body=body)
        again = case.verdict(request=request)
        if again is not None and again.valid:
            return Diagnosis(
                cause=Cause.BODY_CHANGED,
                evidence=f"the secret is right, but the body is not what was signed: {name}",
                mend="pass the body on byte for byte; no parser, proxy or editor may write it anew",
                verdict=verdict,
                secret_index=again.secret_index,
            )
    return None


def _url_differs(case: Case, verdict: Verdict) -> Diagnosis | None:
    """Try other URLs, for schemes that sign one."""
    if not signs_url(case.scheme):
        return None
    base = case.base_url or case.request.base_url
    for name, request, base_url in variants.urls(case.request, base):
        if case.passes(request=request, base_url=base_url):
            return Diagnosis(
                cause=Cause.URL_DIFFERS,
                evidence=f"the secret is right, but the URL is not what was signed: {name}",
                mend="set `public_url` to the address the provider was given, to the letter",
                verdict=verdict,
            )
    return None


def signs_url(scheme: Scheme) -> bool:
    """Whether the signature covers the URL."""
    if any(scheme.signed.uses(kind) for kind in ("url", "host", "target", "path", "query")):
        return True
    if scheme.jwt is not None:
        return bool(scheme.jwt.url_claim or scheme.jwt.qsh or "{url}" in scheme.jwt.subject)
    return scheme.strategy in {"twilio", "contentful"} or scheme.family is Family.MESSAGE


def _other_scheme(case: Case, verdict: Verdict) -> Diagnosis | None:
    """Try the other schemes and secrets that are at hand."""
    for other in case.others:
        secrets = other.secrets or case.secrets
        again = case.verdict(scheme=other.scheme, secrets=secrets)
        if again is None or not again.valid or other.scheme.family is Family.NONE:
            continue
        is_same = other.scheme == case.scheme
        whose = f"source `{other.source}`" if other.source else "this source"
        what = "its secret" if is_same else f"scheme `{other.scheme.name}`"
        return Diagnosis(
            cause=Cause.OTHER_SECRET if is_same else Cause.OTHER_SCHEME,
            evidence=f"it is right for {what} of {whose}",
            mend=_other_mend(other.scheme.name, other.source, is_same=is_same),
            verdict=verdict,
            secret_index=again.secret_index,
            scheme=other.scheme.name,
            source=other.source,
        )
    return None


def _other_mend(scheme: str, source: str, *, is_same: bool) -> str:
    if source:
        return f"let the provider send to the path of source `{source}`, or swap the secrets"
    return "use that secret" if is_same else f'set scheme = "{scheme}"'


def _unknown(case: Case, verdict: Verdict) -> Diagnosis:
    """Nothing that was tried fits: another secret, or a forgery."""
    parsed = read_json(case.request.body)
    document = parsed.value if isinstance(parsed, Parsed) else None
    count = len(case.secrets)
    tried = "the secret" if count == 1 else f"any of the {count} secrets"
    if first(("livemode",), document) is False:
        return Diagnosis(
            cause=Cause.TEST_SECRET,
            evidence=f"`livemode` is false in the payload, and the signature is not of {tried}",
            mend="use the secret of the test mode's endpoint; it differs from the live one's",
            verdict=verdict,
        )
    return Diagnosis(
        cause=Cause.WRONG_SECRET,
        evidence=f"the signature is not of {tried}, for none of the usual changes of the body",
        mend="copy the secret of exactly this endpoint from the provider; or it is forged",
        verdict=verdict,
    )
