"""What a sender is told: the accepted form, and one constant face for every refusal.

A refusal says nothing that came from the request, and the same for whatever check of a signature
failed.
"""

import msgspec

RETRY_AFTER_S = 5
"""What a sender is asked to wait when the store cannot take more."""


class Answer(msgspec.Struct, frozen=True):
    """What the sender gets."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False
    """Whether the connection is not to be used again."""


def refusal(
    status: int,
    error: str,
    message: str,
    *,
    headers: tuple[tuple[str, str], ...] = (),
    close: bool = False,
) -> Answer:
    """Make an error answer; it says nothing that came from the request."""
    body = msgspec.json.encode({"error": error, "message": message})
    return Answer(status, body, headers=headers, close=close)


NOT_FOUND = refusal(404, "not-found", "There is no webhook at this path.")
UNAUTHORIZED = refusal(401, "unauthorized", "A signature or token is needed.")
FORBIDDEN = refusal(403, "forbidden", "The signature or token is not valid here.")
TOO_MANY = refusal(
    429,
    "too-many-failures",
    "Too many failed verifications.",
    headers=(("Retry-After", "60"),),
    close=True,
)
UNAVAILABLE = refusal(
    503,
    "unavailable",
    "The event cannot be stored now.",
    headers=(("Retry-After", str(RETRY_AFTER_S)),),
)
NOT_JSON = refusal(400, "bad-body", "The body is not what this webhook takes.")
TOO_LARGE = refusal(413, "too-large", "The body is larger than this webhook takes.", close=True)
BAD_ENCODING = refusal(
    415, "unsupported-encoding", "Send the body without a content encoding.", close=True
)
FAILED = refusal(500, "internal", "The request could not be handled.", close=True)
