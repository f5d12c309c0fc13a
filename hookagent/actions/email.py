"""`email`: a message through an SMTP server of the user's own.

The standard library's client on a thread, with a time limit on every read. The `Message-ID` is made
from the idempotency key, so receivers can tell a repetition. Replies of 4xx are tried again, 5xx
are for good (RFC 5321, 4.2.1).
"""

import asyncio
import smtplib
import ssl
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import formatdate
from typing import Annotated, Literal

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.values import HeaderText, Secret, Text
from hookagent.job import Again, Done, Never, Outcome
from hookagent.template import Scope, TemplateError

about = "Send an email through an SMTP server."
leaves = '`{"message_id", "refused"}`: addresses the server did not take.'
example = """\
action = "email"
host = "smtp.example.test"
username = "alerts"
password = "${SMTP_PASSWORD}"
sender = "Alerts <alerts@example.test>"
to = ["ada@example.test"]
subject = "Order {{ id }}"
text = "{{ customer.name }} ordered for {{ total }}."
"""

Security = Literal["starttls", "tls", "none"]
_PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Through which server, from whom, to whom, and what."""

    host: Annotated[str, msgspec.Meta(description="The SMTP server.")]
    sender: Annotated[
        str,
        msgspec.Meta(description="From whom.", examples=["Alerts <alerts@example.test>"]),
    ]
    to: Annotated[list[str], msgspec.Meta(description="To whom; literal addresses.")]
    subject: Annotated[HeaderText, msgspec.Meta(description="The subject.")]
    text: Annotated[Text, msgspec.Meta(description="The message as plain text.")]
    port: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=65535)] | None,
        msgspec.Meta(description="587 for `starttls`, 465 for `tls`, 25 for `none` if left out."),
    ] = None
    security: Annotated[
        Security,
        msgspec.Meta(description="How the connection is protected."),
    ] = "starttls"
    username: Annotated[str, msgspec.Meta(description="For the server, with `password`.")] = ""
    password: Annotated[
        Secret | None,
        msgspec.Meta(description="For the server.", examples=["${SMTP_PASSWORD}"]),
    ] = None

    def __post_init__(self) -> None:
        if not self.to:
            raise ValueError("`to` must name at least one address")
        if bool(self.username) != (self.password is not None):
            raise ValueError("`username` and `password` go together")
        if self.username and self.security == "none":
            raise ValueError("a password is not sent without `starttls` or `tls`")
        for address in (self.sender, *self.to):
            if "@" not in address or any(ord(character) < ord(" ") for character in address):
                raise ValueError(f"`{address}` is not an address")


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The message and the server."""

    host: str
    port: int
    security: Security
    username: str
    password: Secret | None
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill subject and text. Raises TemplateError."""
    return Prepared(
        host=options.host,
        port=options.port or _PORTS[options.security],
        security=options.security,
        username=options.username,
        password=options.password,
        sender=options.sender,
        to=tuple(options.to),
        subject=options.subject.fill(scope)[:SUBJECT_LENGTH_MAX],
        text=options.text.fill(scope),
    )


SUBJECT_LENGTH_MAX = 500


async def run(prepared: Prepared, call: Call, outside: Outside) -> Outcome:
    """Send it once."""
    try:
        message = _message(prepared, call, outside.clock())
    except (MessageError, ValueError, UnicodeError) as error:
        raise TemplateError(f"cannot be sent as an email: {error}") from None
    try:
        refused = await asyncio.to_thread(_send, prepared, message, call.timeout_ms / 1000)
    except (smtplib.SMTPException, OSError) as error:
        return _sorted(prepared, error)
    output = {"message_id": message["Message-ID"], "refused": sorted(refused)}
    return Done(output)


def _message(prepared: Prepared, call: Call, now: int) -> EmailMessage:
    message = EmailMessage()
    message["From"] = prepared.sender
    message["To"] = ", ".join(prepared.to)
    message["Subject"] = prepared.subject
    message["Date"] = formatdate(now / 1000)
    message["Message-ID"] = f"<{call.idempotency_key}@hookagent.invalid>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    message.set_content(prepared.text)
    return message


def _send(prepared: Prepared, message: EmailMessage, timeout: float) -> list[str]:
    """Deliver to the server; return the addresses it refused while taking others."""
    context = ssl.create_default_context()
    with _connect(prepared, context, timeout) as server:
        if prepared.security == "starttls":
            server.starttls(context=context)
        if prepared.password is not None:
            server.login(prepared.username, prepared.password.reveal())
        return list(server.send_message(message, prepared.sender, list(prepared.to)))


def _connect(prepared: Prepared, context: ssl.SSLContext, timeout: float) -> smtplib.SMTP:
    if prepared.security == "tls":
        return smtplib.SMTP_SSL(prepared.host, prepared.port, timeout=timeout, context=context)
    return smtplib.SMTP(prepared.host, prepared.port, timeout=timeout)


def _sorted(prepared: Prepared, error: Exception) -> Outcome:
    """Sort a failure by the server's code; without one it was the connection."""
    where = f"{prepared.host}:{prepared.port}"
    code, said = _code(error)
    if PERMANENT <= code < PERMANENT + 100:
        return Never(error=f"{where} answered {code}: {said}")
    if code > 0:
        return Again(error=f"{where} answered {code}: {said}")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Never(error=f"{where} does not offer what is asked for: {error}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Never(error=f"{where}: its certificate is not trusted: {error.verify_message}")
    return Again(error=f"{where} cannot be reached: {error}")


PERMANENT = 500


def _code(error: Exception) -> tuple[int, str]:
    """Return the server's code and text, of the first refused address where all were."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()), (0, b""))
        return code, _text(said)
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        return error.smtp_code, _text(answer)
    return 0, ""


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
