"""Why a delivery is not genuine, on its way to becoming a verdict.

Raised while a request is taken apart and caught in one place, `Verifier.verify`; it never leaves
this package.
"""

from hookagent.verdict import Code


class Refusal(Exception):
    """A check that failed, with one sentence of evidence."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
