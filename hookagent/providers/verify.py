"""Judges whether a delivery is genuine: `Verifier(scheme, secrets).verify(request, now)`.

Total: any bytes give a `Verdict`, never an exception. Whatever does not depend on the request is
worked out once, when the verifier is made; a verifier is kept for the life of its source. It opens
no socket: public keys that must be fetched are asked of a `KeySource`.
"""

from collections.abc import Callable, Mapping, Sequence

from hookagent.event import RawRequest
from hookagent.providers.check import Check, Circumstances, KeySource
from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import Family
from hookagent.providers.view import View
from hookagent.verdict import Code, Integrity, Verdict

__all__ = ["KeySource", "Verifier"]


class Verifier:
    """Checks deliveries of one source against one scheme.

    `secrets` are the shared secrets, or for asymmetric schemes the public keys; any may match.
    `tolerance_ms` replaces the scheme's own window, 0 switches it off. `settings` are the values of
    `{config:…}`. `base_url` is the public scheme and host as configured. Raises ConfigError for a
    secret or key that cannot be one.
    """

    def __init__(  # noqa: PLR0913 - each is one fact of a source
        self,
        scheme: Scheme,
        secrets: Sequence[str],
        *,
        tolerance_ms: int | None = None,
        settings: Mapping[str, str] | None = None,
        base_url: str = "",
        public_keys: Sequence[str] = (),
        keys: KeySource | None = None,
    ) -> None:
        self.scheme = scheme
        self.settings = dict(settings or {})
        self.base_url = base_url
        self._name = scheme.name
        self._integrity = scheme.integrity
        circumstances = Circumstances(
            scheme=scheme,
            secrets=tuple(secrets),
            public_keys=tuple(public_keys),
            tolerance_ms=tolerance_ms,
            settings=self.settings,
            keys=keys,
        )
        self._check = _check_of(circumstances)
        self._quick = _quick_of(circumstances)

    def verify(self, request: RawRequest, now: int) -> Verdict:
        """Judge one request; `now` is Unix milliseconds."""
        if self._quick is not None:
            verdict = self._quick(request)
            if verdict is not None:
                return verdict
        view = View(request, self.settings, self.base_url, self.scheme.json_part)
        try:
            proof = self._check(view, now)
        except Refusal as refusal:
            return self.refused(refusal)
        return Verdict(
            valid=True,
            scheme=self._name,
            code=Code.UNCHECKED if self._integrity is Integrity.NONE else Code.OK,
            integrity=self._integrity,
            secret_index=proof.secret_index,
            signed_at=proof.signed_at,
            content_key=proof.content_key,
        )

    def refused(self, refusal: Refusal) -> Verdict:
        """Make the verdict of a failed check."""
        return Verdict(
            valid=False,
            scheme=self._name,
            code=refusal.code,
            integrity=self._integrity,
            detail=refusal.detail,
        )

    def __repr__(self) -> str:
        return f"Verifier({self._name})"  # the secrets stay out of tracebacks


def _check_of(circumstances: Circumstances) -> Check:
    """Build the check of a scheme's family; heavy libraries are imported only here."""
    match circumstances.scheme.family:
        case Family.HMAC | Family.HASH:
            from hookagent.providers.mac import mac_check

            return mac_check(circumstances)
        case Family.TOKEN | Family.BASIC | Family.NONE:
            from hookagent.providers.static import static_check

            return static_check(circumstances)
        case Family.JWT:
            from hookagent.providers.jwt import jwt_check

            return jwt_check(circumstances)
        case Family.MESSAGE:
            from hookagent.providers.message import message_check

            return message_check(circumstances)
        case Family.STRATEGY:
            from hookagent.providers.strategies import strategy_check

            return strategy_check(circumstances)
        case Family.ED25519 | Family.ECDSA | Family.RSA | Family.RSA_PSS:
            from hookagent.providers.asymmetric import asymmetric_check

            return asymmetric_check(circumstances)


def _quick_of(circumstances: Circumstances) -> Callable[[RawRequest], Verdict | None] | None:
    """Build the short way for an HMAC over the body in one header, the commonest scheme."""
    if circumstances.scheme.family is not Family.HMAC or not circumstances.secrets:
        return None
    from hookagent.providers.quick import is_quick, quick_check

    return quick_check(circumstances) if is_quick(circumstances.scheme) else None
