"""The short way through verification: one HMAC over the raw body in one header.

Half of the catalogue signs like this, and it runs once per request before anything is stored, so it
avoids every step the general way (`mac`) takes for schemes it does not have. It only ever says yes;
whatever is not in order goes the general way, which knows why.
"""

from collections.abc import Callable
from hmac import compare_digest

from hookagent.event import RawRequest
from hookagent.providers.check import Circumstances
from hookagent.providers.codec import DECODERS
from hookagent.providers.mac import hmac_maker
from hookagent.providers.scheme import Scheme
from hookagent.providers.secret import key_of
from hookagent.verdict import Code, Verdict


def is_quick(scheme: Scheme) -> bool:
    """Whether a scheme is that simple."""
    place, framing = scheme.place, scheme.framing
    one_header = place.kind == "header" and len(place.names) == 1 and "{n}" not in place.name
    plain = framing.kind == "plain" and not framing.groups and not framing.repeats
    extras = scheme.timestamp or scheme.id_header or scheme.require_headers or scheme.digest
    return one_header and plain and not extras and scheme.signed.is_body


def quick_check(circumstances: Circumstances) -> Callable[[RawRequest], Verdict | None]:
    """Build the check; None means that something is not in order, and the general way is to say."""
    scheme = circumstances.scheme
    keys = [key_of(secret, scheme.secret) for secret in circumstances.secrets]
    makers = [hmac_maker(key, scheme.hash) for key in keys]
    decode = DECODERS[scheme.framing.encoding]
    header = scheme.place.name
    prefix = scheme.framing.prefix.encode()
    prefix_size = len(prefix)
    valid = [
        Verdict(
            valid=True,
            scheme=scheme.name,
            code=Code.OK,
            integrity=scheme.integrity,
            secret_index=index,
        )
        for index in range(len(keys))
    ]

    def check(request: RawRequest) -> Verdict | None:
        values = request.headers.all(header)
        if len(values) != 1 or values[0][:prefix_size] != prefix:
            return None
        candidate = decode(values[0][prefix_size:])
        if candidate is None:
            return None
        body = request.body
        found = None
        for index, make in enumerate(makers):
            if compare_digest(candidate, make(body)) and found is None:
                found = index
        if found is None:
            return None
        return valid[found]

    return check
