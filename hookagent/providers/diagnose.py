"""Says why a delivery is not genuine, with the evidence and what mends it.

Pure, and for people: it runs when somebody asks, tries what commonly goes wrong, and reports the
first change that makes the signature right. It never accepts anything, and neither a secret nor an
expected signature is in what it says. The causes are documented in `docs/verification.md`.
"""

from collections.abc import Callable, Mapping

from hookagent.providers.diagnosis import Case, Cause, Diagnosis, Other
from hookagent.providers.explain import (
    explain_headers,
    explain_mismatch,
    explain_shape,
    explain_time,
)
from hookagent.redact import MASK
from hookagent.verdict import Code, Verdict

__all__ = ["Case", "Cause", "Diagnosis", "Other", "diagnose"]


def diagnose(case: Case) -> Diagnosis:
    """Explain one delivery; a genuine one is said to be."""
    verdict = case.verdict(tolerance_ms=case.tolerance_ms)
    if verdict is None:
        return _of(
            Cause.KEY,
            "the configured secret or key cannot be one of this scheme",
            "copy it again from the provider, whole and without spaces",
        )(case, case.unusable())
    if verdict.valid:
        return _of(Cause.GENUINE, "everything matches", "nothing to mend")(case, verdict)
    hidden = _masked_header(case)
    if hidden:
        return _of(
            Cause.MASKED,
            f"header `{hidden}` was masked when the delivery was exported",
            "verify the stored delivery by its id, which has what was sent",
        )(case, verdict)
    return _EXPLAIN[verdict.code](case, verdict)


def _masked_header(case: Case) -> str:
    """Return the first header of the request whose value an export took out, or nothing."""
    return next((name for name, value in case.request.headers.items() if value == MASK), "")


Explain = Callable[[Case, Verdict], Diagnosis]


def _of(cause: Cause, evidence: str, mend: str) -> Explain:
    """Return an explanation that is always the same; empty evidence takes the verdict's."""

    def explain(_case: Case, verdict: Verdict) -> Diagnosis:
        return Diagnosis(
            cause=cause,
            evidence=evidence or verdict.detail,
            mend=mend,
            verdict=verdict,
        )

    return explain


_KEY = _of(Cause.KEY, "", "configure the provider's public key, or let it be fetched")

_EXPLAIN: Mapping[Code, Explain] = {
    Code.MISSING: explain_headers,
    Code.DOUBLED: _of(
        Cause.HEADER_DOUBLED,
        "",
        "something before hookagent adds the header once more: let it pass the sender's only",
    ),
    Code.MALFORMED: explain_shape,
    Code.MISMATCH: explain_mismatch,
    Code.DIGEST: explain_mismatch,
    Code.WRONG_TOKEN: explain_mismatch,
    Code.MISSING_TIMESTAMP: explain_headers,
    Code.MALFORMED_TIMESTAMP: explain_time,
    Code.STALE: explain_time,
    Code.AHEAD: explain_time,
    Code.TOO_MANY: _of(Cause.MALFORMED, "", "no provider sends that many: it is not genuine"),
    Code.MISSING_PART: explain_headers,
    Code.UNTRUSTED_KEY: _KEY,
    Code.KEY_UNAVAILABLE: _KEY,
    Code.CLAIM: _of(
        Cause.CLAIM,
        "",
        "compare the source's settings (issuer, audience, public URL) with the provider's",
    ),
    Code.ADDRESS: _of(Cause.ADDRESS, "", "add the address to `allow_ips`, if it is the provider's"),
    Code.UNVERIFIABLE: _of(Cause.RELAY, "", "let the provider send to hookagent directly"),
    Code.OK: _of(Cause.GENUINE, "everything matches", "nothing to mend"),
    Code.UNCHECKED: _of(Cause.GENUINE, "nothing is checked", "nothing to mend"),
}
"""How each code is explained; a test holds that every code is here."""
