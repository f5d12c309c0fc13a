"""What to say when an action needs a library that is an extra of ours and is not installed."""

from hookagent.job import Never


def missing(extra: str, library: str) -> Never:
    """Return the outcome of a step whose extra is missing: how to get it, for good until then."""
    return Never(
        error=f"`{library}` is not installed; get it with: pip install 'hookagent[{extra}]'",
    )
