"""The signature base of RFC 9421 section 2.5: which text of a request a signature covers.

Scheme, authority and target URI are those of the configured public URL, never of the request's own
Host header.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote, urlsplit

from hookagent.event import encode_header
from hookagent.payload import FORM_FIELDS_MAX
from hookagent.providers.codec import encode_base64
from hookagent.providers.refusal import Refusal
from hookagent.providers.structured import (
    Component,
    Parameters,
    parse_dictionary,
    serialize_parameters,
)
from hookagent.providers.view import View
from hookagent.verdict import Code

DIGESTS: Mapping[str, str] = {"sha-256": "sha256", "sha-512": "sha512"}
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def signature_base(view: View, components: tuple[Component, ...], parameters: Parameters) -> bytes:
    """Write the signature base. Raises Refusal for a component the request lacks."""
    lines: list[str] = []
    seen: set[str] = set()
    for component in components:
        identifier = str(component)
        if identifier in seen:
            raise Refusal(Code.MALFORMED, f"component {identifier} is covered twice")
        seen.add(identifier)
        lines.append(f"{identifier}: {component_value(view, component)}")
    covered = " ".join(str(component) for component in components)
    lines.append(f'"@signature-params": ({covered}){serialize_parameters(parameters)}')
    return encode_header("\n".join(lines))


def component_value(view: View, component: Component) -> str:
    """Return the value of one component."""
    name = component.name
    if name == "@query-param":
        return _query_param(view, dict(component.parameters))
    if component.parameters:
        raise Refusal(Code.MISSING_PART, f"parameters of component `{name}` are not supported")
    if name.startswith("@"):
        derive = DERIVED.get(name)
        if derive is None:
            raise Refusal(Code.MISSING_PART, f"component `{name}` is not supported")
        return derive(view)
    if name != name.lower():
        raise Refusal(Code.MALFORMED, f"component `{name}` is not in lower case")
    return view.header(name).decode("latin-1").strip()


def _query_param(view: View, parameters: Mapping[str, object]) -> str:
    wanted = parameters.get("name")
    pairs = parse_qsl(
        view.request.query,
        keep_blank_values=True,
        errors="replace",
        max_num_fields=None,
    )
    values = [value for name, value in pairs[:FORM_FIELDS_MAX] if quote(name, safe="") == wanted]
    if len(values) != 1 or len(parameters) != 1:
        raise Refusal(Code.MISSING_PART, "a covered query parameter is missing or doubled")
    return quote(values[0], safe="")


def _base(view: View) -> tuple[str, str]:
    """Scheme and authority of the public URL, the default port left out."""
    try:
        parts = urlsplit(view.public_base.decode("utf-8", "surrogateescape"))
    except ValueError as error:
        raise Refusal(Code.MISSING_PART, "the configured public URL cannot be read") from error
    scheme = parts.scheme.lower()
    authority = parts.netloc.rpartition("@")[2].lower()
    return scheme, authority.removesuffix(DEFAULT_PORTS.get(scheme, ""))


def _target_uri(view: View) -> str:
    scheme, authority = _base(view)
    return f"{scheme}://{authority}{view.request.target}"


DERIVED: Mapping[str, Callable[[View], str]] = {
    "@method": lambda view: view.request.method,
    "@target-uri": _target_uri,
    "@authority": lambda view: _base(view)[1],
    "@scheme": lambda view: _base(view)[0],
    "@request-target": lambda view: view.request.target,
    "@path": lambda view: view.request.path or "/",
    "@query": lambda view: "?" + view.request.query,
}


def check_content_digest(view: View) -> None:
    """Refuse a body that its Content-Digest (RFC 9530) is not of."""
    members = parse_dictionary(view.header("content-digest").decode("latin-1"))
    known = [(name, member.value) for name, member in (members or {}).items() if name in DIGESTS]
    if not known:
        raise Refusal(Code.DIGEST, "header `Content-Digest` holds no digest of a known kind")
    for name, value in known:
        actual = hashlib.new(DIGESTS[name], view.request.body).digest()
        if not isinstance(value, bytes) or not hmac.compare_digest(value, actual):
            raise Refusal(Code.DIGEST, "header `Content-Digest` is the digest of another body")


def content_digest(body: bytes) -> str:
    """Write a Content-Digest header's value."""
    return f"sha-256=:{encode_base64(hashlib.sha256(body).digest()).decode()}:"
