"""Tells systemd how we are, where it asked to be told (`Type=notify`).

The protocol is one datagram to the socket that `NOTIFY_SOCKET` names, see sd_notify(3). Nothing is
sent, and nothing is needed, where the variable is not set.
"""

import socket
from collections.abc import Mapping

VARIABLE = "NOTIFY_SOCKET"
READY = "READY=1"
STOPPING = "STOPPING=1"


def tell(state: str, environ: Mapping[str, str]) -> bool:
    """Send a state; whether somebody was there to be told."""
    address = environ.get(VARIABLE, "")
    if not address.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]  # Linux's abstract namespace
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outside:
            outside.connect(address)
            outside.sendall(state.encode())
    except OSError:
        return False  # a manager that does not listen is not worth an end
    return True
