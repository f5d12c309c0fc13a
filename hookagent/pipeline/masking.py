"""What leaves in an export: secrets masked, signatures kept only where they give nothing away."""

from typing import TYPE_CHECKING

import msgspec

from hookagent.event import Headers

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.eventfile import Captured


def masked(captured: "Captured", config: "Config") -> "Captured":
    """Return the capture with tokens, cookies and known secrets masked in headers and query.

    A signature over the body proves nothing to others and stays, so that the export can be
    verified; a token that is its own proof does not.
    """
    from hookagent.redact import Redactor
    from hookagent.verdict import Integrity

    source = config.sources.get(captured.source)
    secrets = set(config.environment.secrets)
    secrets.update(secret for one in config.sources.values() for secret in one.secrets)
    redactor = Redactor(secrets)
    keep = source is not None and source.scheme.integrity in {Integrity.BODY, Integrity.ORIGIN}
    fields = []
    for name, value in captured.request.headers.items():
        is_proof = keep and "signature" in name.lower()
        fields.append((name, redactor.text(value) if is_proof else redactor.field(name, value)))
    target = captured.request.target
    target = redactor.known(target) if keep else redactor.text(target)
    request = msgspec.structs.replace(captured.request, headers=Headers.of(fields), target=target)
    return msgspec.structs.replace(captured, request=request)
