"""Answers a provider that asks whether the address is wanted, before it sends events.

Pure: a rule, a request and its verdict give an answer or None. What an answer cannot do by itself
it says: `key` is a key the provider handed over, `fetch` an address that must be asked for.

Two things keep handshakes from being turned against us. Text that is signed for the caller must
have the exact shape of that provider's challenge, which no signed delivery has, so that nobody can
have a forged delivery signed. Rules that hand over a key answer only while the source is armed,
else anyone could replace it. Whatever is given back is plain text or JSON, bounded, never HTML.
"""

from collections.abc import Callable, Mapping, Sequence

from hookagent.event import RawRequest
from hookagent.lookup import MISSING
from hookagent.payload import Parsed, read_json
from hookagent.providers.exchange import HandshakeRule
from hookagent.providers.exchanges import ANSWERS
from hookagent.providers.scheme import Scheme
from hookagent.providers.situation import HandshakeAnswer, Situation
from hookagent.verdict import Verdict

__all__ = ["HandshakeAnswer", "Handshakes", "Situation", "answer", "methods_of"]


class Handshakes:
    """The handshakes of one source, ready to be asked about every delivery.

    Asking costs next to nothing for ordinary deliveries: the body is read as JSON only when it
    holds the words a rule looks for.
    """

    def __init__(  # noqa: PLR0913 - each is one fact of a source
        self,
        rules: Sequence[HandshakeRule],
        scheme: Scheme,
        *,
        secrets: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
        base_url: str = "",
        is_armed: Callable[[], bool] = bool,
    ) -> None:
        self.rules = tuple(rules)
        self._plans = tuple((rule, methods_of(rule), _marks(rule)) for rule in self.rules)
        self._scheme = scheme
        self._secrets = tuple(secrets)
        self._settings = dict(settings or {})
        self._base_url = base_url
        self._is_armed = is_armed

    @property
    def methods(self) -> tuple[str, ...]:
        """Every method one of them comes by."""
        return tuple(sorted({method for _, methods, _ in self._plans for method in methods}))

    def answer(self, request: RawRequest, verdict: Verdict) -> HandshakeAnswer | None:
        """Return the first rule's answer, or None for an ordinary delivery."""
        for rule, methods, marks in self._plans:
            if request.method in methods and all(mark in request.body for mark in marks):
                found = answer(rule, self._situation(request, verdict))
                if found is not None:
                    return found
        return None

    def _situation(self, request: RawRequest, verdict: Verdict) -> Situation:
        parsed = read_json(request.body) if request.body else None
        return Situation(
            request=request,
            verdict=verdict,
            scheme=self._scheme,
            secrets=self._secrets,
            settings=self._settings,
            base_url=self._base_url,
            armed=self._is_armed(),
            payload=parsed.value if isinstance(parsed, Parsed) else MISSING,
        )


def methods_of(rule: HandshakeRule) -> frozenset[str]:
    """Return the methods a rule comes by."""
    return frozenset({rule.method or _METHODS.get(rule.kind, "POST")})


_METHODS = {
    "head": "HEAD",
    "webhook-origin": "OPTIONS",
    "braintree": "GET",
    "ebay": "GET",
    "fitbit": "GET",
    "linkedin": "GET",
}


def _marks(rule: HandshakeRule) -> tuple[bytes, ...]:
    """Return words the body must hold: plain strings the rule compares payload members with."""
    if methods_of(rule) != frozenset({"POST"}) or rule.parameter:
        return ()
    return tuple(
        value.encode()
        for name, value in rule.when
        if isinstance(value, str) and value.isalnum() and not name.startswith("@")
    )


def answer(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    """Answer by one rule; None where the request is not that exchange."""
    if situation.request.method not in methods_of(rule):
        return None
    respond = ANSWERS.get(rule.kind)
    return respond(rule, situation) if respond else None
