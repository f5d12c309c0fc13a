"""ngrok's error codes as sentences with what to do. Pure.

The codes are those of https://ngrok.com/docs/errors. ngrok names its code inside longer texts: a
log line, the body of its local API, what the agent prints as it ends. A text may repeat the
authtoken (`ERR_NGROK_105` does), so every text is masked before it is used.
"""

import re
from dataclasses import dataclass

from hookagent.tunnel.base import Down

CODE = re.compile(r"ERR_NGROK_(\d+)")
TOKEN_ECHO = re.compile(r"(Your authtoken: )\S+?(?=\\r|\\n|[\s\"']|$)")
NO_NETWORK = re.compile(
    r"no such host|dial tcp|network is unreachable|connection refused|i/o timeout|TLS handshake"
)
OLD_CONFIG = re.compile(r"(?i)(unsupported|unknown|invalid)[^\n]{0,60}version[^\n]{0,20}3")
SENTENCE_LENGTH_MAX = 200

TOKEN_PAGE = "https://dashboard.ngrok.com/get-started/your-authtoken"  # noqa: S105 - a page
AGENTS_PAGE = "https://dashboard.ngrok.com/agents"
DOMAINS_PAGE = "https://dashboard.ngrok.com/domains"
GET_TOKEN = (
    f"copy it from {TOKEN_PAGE} and set it: NGROK_AUTHTOKEN in the environment or `.env`, or "
    "`ngrok config add-authtoken`"
)
UPDATE_AGENT = "run `ngrok update`, or get a new one from https://ngrok.com/download"


@dataclass(frozen=True, slots=True)
class _Known:
    message: str
    hint: str
    retryable: bool = False


_RATE = "wait a minute; https://dashboard.ngrok.com/usage shows what your plan allows"
_DOMAIN = f"set `domain` under `[tunnel]` to one of {DOMAINS_PAGE}, or leave it out"

KNOWN: dict[int, _Known] = {
    105: _Known("ngrok says the authtoken is not in the form of a token", GET_TOKEN),
    107: _Known("ngrok says the authtoken was revoked or reset", GET_TOKEN),
    108: _Known(
        "the ngrok account already runs as many agents as its plan allows",
        f"end another one ({AGENTS_PAGE} shows where they run), or use another tunnel",
    ),
    120: _Known("ngrok no longer accepts an agent this old", UPDATE_AGENT),
    121: _Known("ngrok no longer accepts an agent this old", UPDATE_AGENT),
    313: _Known("the ngrok account may not choose this domain", _DOMAIN),
    314: _Known("the ngrok account may not use a domain of its own", _DOMAIN),
    320: _Known("the domain belongs to another ngrok account", _DOMAIN),
    334: _Known(
        "the address is already online from another ngrok agent",
        "the free plan has one address: end the other hookagent or ngrok "
        f"({AGENTS_PAGE} shows where it runs), or set another `domain`",
    ),
    702: _Known("ngrok refuses more connections for now", _RATE, retryable=True),
    717: _Known("the ngrok account has used up its requests", _RATE, retryable=True),
    718: _Known("the ngrok account has used up its connections", _RATE, retryable=True),
    734: _Known("ngrok limits how fast requests may come", _RATE, retryable=True),
    1214: _Known("ngrok limits how often tunnels may be started", _RATE, retryable=True),
    3004: _Known(
        "ngrok could not read an answer of the listener",
        "see whether another program listens on that port",
        retryable=True,
    ),
    3200: _Known(
        "the address is offline at ngrok: nobody serves it",
        "the tunnel is being built anew; senders get an error until then",
        retryable=True,
    ),
    4018: _Known("ngrok needs an authtoken, and there is none", GET_TOKEN),
}


def mask(text: str, token: str) -> str:
    """Take the authtoken out of a text, whether we know it or ngrok quotes it."""
    masked = text.replace(token, "***") if token else text
    return TOKEN_ECHO.sub(r"\1***", masked)


def find_code(text: str) -> int | None:
    """Return the first code a text names."""
    found = CODE.search(text)
    return int(found.group(1)) if found else None


def explain_code(text: str) -> Down | None:
    """Turn a text that names a code into a sentence; None where it names none."""
    code = find_code(text)
    if code is None:
        return None
    name = f"err-ngrok-{code}"
    known = KNOWN.get(code)
    if known is None:
        said = CODE.sub("", text).strip(" .:\r\n")
        return Down(
            code=name,
            message=f"ngrok refuses: {one_line(said)} (`ERR_NGROK_{code}`)",
            hint=f"see https://ngrok.com/docs/errors/err_ngrok_{code}",
            retryable=True,
        )
    message = f"{known.message} (`ERR_NGROK_{code}`)"
    return Down(code=name, message=message, hint=known.hint, retryable=known.retryable)


def explain(text: str) -> Down:
    """Turn whatever ngrok said as it failed into a sentence with what to do."""
    by_code = explain_code(text)
    if by_code is not None:
        return by_code
    if OLD_CONFIG.search(text):
        return TOO_OLD
    if NO_NETWORK.search(text):
        return Down(
            code="no-network",
            message=f"ngrok cannot reach its servers: {one_line(text)}",
            hint="check the network, its proxy and its firewall (`connect.ngrok-agent.com:443`)",
            retryable=True,
        )
    return Down(
        code="agent-failed", message=f"ngrok did not start: {one_line(text)}", retryable=True
    )


TOO_OLD = Down(
    code="agent-too-old",
    message="this ngrok agent is too old: it lacks `/api/endpoints`",
    hint=UPDATE_AGENT,
)


def one_line(text: str) -> str:
    """Fold a text into one line of bounded length."""
    folded = " ".join(text.replace("\\r", " ").replace("\\n", " ").split())
    if len(folded) <= SENTENCE_LENGTH_MAX:
        return folded
    return folded[: SENTENCE_LENGTH_MAX - 1] + "…"
