"""The values of a diagnosis: the case that is looked at, and the cause that was found."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from hookagent.errors import ConfigError
from hookagent.event import RawRequest
from hookagent.providers.check import KeySource
from hookagent.providers.scheme import Scheme
from hookagent.providers.verify import Verifier
from hookagent.verdict import Code, Verdict


class Cause(StrEnum):
    """Why a delivery fails, more exactly than its verdict's code."""

    GENUINE = "genuine"
    HEADER_MISSING = "header-missing"
    HEADER_MISNAMED = "header-misnamed"
    HEADER_DOUBLED = "header-doubled"
    WRONG_ENCODING = "wrong-encoding"
    MALFORMED = "malformed"
    STALE = "stale"
    AHEAD = "ahead"
    WRONG_UNIT = "wrong-time-unit"
    BODY_CHANGED = "body-changed"
    SECRET_FORM = "secret-form"  # noqa: S105 - a cause's name
    OTHER_SECRET = "other-secret"  # noqa: S105 - a cause's name
    OTHER_SCHEME = "other-scheme"
    TEST_SECRET = "test-secret"  # noqa: S105 - a cause's name
    URL_DIFFERS = "url-differs"
    WRONG_SECRET = "wrong-secret"  # noqa: S105 - a cause's name
    WRONG_TOKEN = "wrong-token"  # noqa: S105 - a cause's name
    PART_MISSING = "part-missing"
    KEY = "key"
    CLAIM = "claim"
    ADDRESS = "address"
    RELAY = "relay"
    MASKED = "masked"


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """Why, how that is known, and what mends it."""

    cause: Cause
    evidence: str
    mend: str
    verdict: Verdict
    secret_index: int | None = None
    """Which secret the signature is of, where one was found."""
    scheme: str = ""
    """Which other scheme it is right for, where one was found."""
    source: str = ""
    """Whose secret or scheme that is, where it is another source's."""


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """Another scheme with its secrets that may be the one that was used."""

    scheme: Scheme
    secrets: tuple[str, ...] = ()
    source: str = ""
    """The source they are configured for; empty for a scheme tried with this source's secrets."""

    def __repr__(self) -> str:
        return f"Other({self.scheme.name})"  # the secrets stay out of tracebacks


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery to explain, with everything its source is configured with."""

    scheme: Scheme
    request: RawRequest
    secrets: tuple[str, ...] = ()
    now: int
    """Unix milliseconds at which it is judged: when it arrived, for a stored one."""
    tolerance_ms: int | None = None
    settings: Mapping[str, str] = {}
    base_url: str = ""
    public_keys: tuple[str, ...] = ()
    keys: KeySource | None = None
    others: tuple[Other, ...] = ()
    is_relayed: bool = False
    """Whether it came through a relay that is known to alter bytes."""

    def __repr__(self) -> str:
        return f"Case({self.scheme.name})"  # the secrets stay out of tracebacks

    def verdict(
        self,
        *,
        scheme: Scheme | None = None,
        request: RawRequest | None = None,
        secrets: Sequence[str] | None = None,
        base_url: str | None = None,
        tolerance_ms: int | None = 0,
    ) -> Verdict | None:
        """Judge it with something changed, the clock left out; None for an unusable secret."""
        try:
            verifier = Verifier(
                scheme or self.scheme,
                self.secrets if secrets is None else secrets,
                tolerance_ms=tolerance_ms,
                settings=self.settings,
                base_url=self.base_url if base_url is None else base_url,
                public_keys=self.public_keys,
                keys=self.keys,
            )
        except ConfigError:
            return None
        return verifier.verify(request or self.request, self.now)

    def unusable(self) -> Verdict:
        """Return the verdict of a case whose secret or key cannot be used."""
        return Verdict(
            valid=False,
            scheme=self.scheme.name,
            code=Code.KEY_UNAVAILABLE,
            integrity=self.scheme.integrity,
            detail="the secret or key cannot be one of this scheme",
        )

    def passes(self, **changed: object) -> bool:
        """Whether something changed makes it genuine."""
        verdict = self.verdict(**changed)  # type: ignore[arg-type]  # the same keywords
        return verdict is not None and verdict.valid
