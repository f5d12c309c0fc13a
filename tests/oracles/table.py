"""Writes the table of `docs/verification-oracles.md`: every SDK, its version, what was agreed on.

.venv-oracles/bin/python -m tests.oracles.table
"""

from collections.abc import Iterator

from tests.oracles import node_sdks, pypi_money, pypi_services
from tests.oracles.bench import Oracle, accepted, changed, judged, signed_here, signed_there

HEAD = (
    "| provider's scheme | package | version | it accepts ours | we accept its | both refuse |",
    "| --- | --- | --- | --- | --- | --- |",
)


def row(oracle: Oracle, registry: str) -> str:
    """Try one oracle with every payload and say how many agreed."""
    requests = [request for _, request in oracle.payloads()]
    ours = [signed_here(oracle, request) for request in requests]
    taken = sum(accepted(oracle, delivery) and judged(delivery).valid for delivery in ours)
    theirs = "no signing side"
    if oracle.signs is not None:
        made = [signed_there(oracle, request) for request in requests]
        theirs = f"{sum(judged(delivery).valid for delivery in made)} of {len(made)}"
    spoilt = [other for request in requests for _, other in changed(oracle, request)]
    refused = sum(not accepted(oracle, other) and not judged(other).valid for other in spoilt)
    return (
        f"| `{oracle.scheme}` | {oracle.package} ({registry}) | {oracle.version} "
        f"| {taken} of {len(ours)} | {theirs} | {refused} of {len(spoilt)} |"
    )


def rows() -> Iterator[str]:
    """Yield the table's lines, sorted by scheme; packages that are not installed are left out."""
    found = [(oracle, "PyPI") for oracle in (*pypi_money.ORACLES, *pypi_services.ORACLES)]
    found += [(oracle, "npm") for oracle in node_sdks.ORACLES]
    for oracle, registry in sorted(found, key=lambda pair: (pair[0].scheme, pair[1] == "npm")):
        if oracle.is_installed:
            yield row(oracle, registry)


if __name__ == "__main__":
    print(*HEAD, *rows(), sep="\n")
    node_sdks.close()
