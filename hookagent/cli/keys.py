"""Key pairs for signing test requests where only the provider holds the private key.

A pair of one's own stands in for the provider's: the private half signs, the public half goes into
the receiver's configuration beside (or instead of) the provider's.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hookagent.cli import output
from hookagent.errors import OutsideError

if TYPE_CHECKING:
    from hookagent.providers.scheme import Scheme
    from hookagent.providers.shape import Family


class Pair(NamedTuple):
    """A key pair on disk."""

    private: str
    """PEM."""
    private_file: Path
    public_file: Path
    is_new: bool


def key_pair(scheme: "Scheme", family: "Family", folder: Path) -> Pair:
    """Return the pair kept in a folder for a scheme, made on first use. Raises OutsideError."""
    from hookagent.providers.privatekeys import make_pair

    stem = scheme.name.replace("/", "-")
    private_file, public_file = folder / f"{stem}-private.pem", folder / f"{stem}-public.pem"
    try:
        if private_file.exists():
            return Pair(private_file.read_text("ascii"), private_file, public_file, is_new=False)
        private, public = make_pair(family)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(private_file, flags, 0o600), "w", encoding="ascii") as file:
            file.write(private)
        public_file.write_text(public, "ascii")
    except OSError as error:
        raise OutsideError(f"cannot keep a key in {folder}: {error.strerror}") from None
    return Pair(private, private_file, public_file, is_new=True)


def say_pair(pair: Pair, source: str) -> None:
    """Say where the public half goes."""
    made = "made" if pair.is_new else "used"
    output.talk(f"{made} the key pair {pair.private_file}, {pair.public_file}")
    output.talk(f"for the receiver, in [sources.{source}]:")
    output.talk(f'  public_key = {{ file = "{pair.public_file}" }}')
