"""Project Wycheproof's vectors for the primitives, called as a delivery calls them.

Every vector goes through `Verifier`: key, message and signature become a scheme, a body and a
header. The vectors are not part of this repository: `HOOKAGENT_WYCHEPROOF` names a checkout of
https://github.com/C2SP/wycheproof (`make test-oracles` makes one). Without it the tests are skipped.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hookagent.errors import ConfigError
from hookagent.event import Headers, RawRequest
from hookagent.providers.verify import Verifier
from hookagent.verdict import Code
from tests.providers.test_scheme import scheme

HEADER = "X-Signature"
FILES = {
    "hmac_sha1_test": "hmac-sha1",
    "hmac_sha256_test": "hmac-sha256",
    "hmac_sha384_test": "hmac-sha384",
    "hmac_sha512_test": "hmac-sha512",
    "ed25519_test": "ed25519",
    "ecdsa_secp256r1_sha256_test": "ecdsa-sha256",
    "ecdsa_secp256r1_sha256_p1363_test": "ecdsa-sha256-p1363",
    "rsa_signature_2048_sha256_test": "rsa-sha256",
    "rsa_signature_3072_sha256_test": "rsa-sha256",
    "rsa_signature_4096_sha256_test": "rsa-sha256",
    "rsa_signature_8192_sha256_test": "rsa-sha256",
    "rsa_signature_2048_sha512_test": "rsa-sha512",
    "rsa_signature_3072_sha512_test": "rsa-sha512",
    "rsa_signature_4096_sha512_test": "rsa-sha512",
    "rsa_signature_8192_sha512_test": "rsa-sha512",
    "rsa_pss_2048_sha256_mgf1_32_test": "rsa-pss-sha256",
    "rsa_pss_3072_sha256_mgf1_32_test": "rsa-pss-sha256",
    "rsa_pss_4096_sha256_mgf1_32_test": "rsa-pss-sha256",
    "rsa_pss_4096_sha512_mgf1_64_test": "rsa-pss-sha512",
    "rsa_pss_2048_sha256_mgf1_0_test": "rsa-pss-sha256",
    "rsa_pss_2048_sha256_mgf1sha1_20_test": "rsa-pss-sha256",
    "rsa_pss_4096_sha512_mgf1_32_test": "rsa-pss-sha512",
}
"""The file, and the algorithm of ours it is run against."""
OTHER_PARAMETERS = {
    "rsa_pss_2048_sha256_mgf1_0_test",
    "rsa_pss_2048_sha256_mgf1sha1_20_test",
    "rsa_pss_4096_sha512_mgf1_32_test",
}
"""Salt or mask are not those of our schemes: everything must be refused."""
RIGHT_SALT = {("rsa_pss_2048_sha256_mgf1_0_test", "s_len changed to 32")}
"""The one broken signature of the set without a salt that has ours."""
MAC_BITS = {"hmac-sha1": 160, "hmac-sha256": 256, "hmac-sha384": 384, "hmac-sha512": 512}


def folder() -> Path:
    given = os.environ.get("HOOKAGENT_WYCHEPROOF", "")
    if not given:
        pytest.skip("HOOKAGENT_WYCHEPROOF names no checkout of Wycheproof")
    found = Path(given) / "testvectors_v1"
    return found if found.is_dir() else Path(given)


def verifier_of(algorithm: str, group: dict[str, Any], vector: dict[str, Any]) -> Verifier:
    form = "hex" if algorithm in MAC_BITS else "pem"
    text = f'algorithm = "{algorithm}"\nheader = "{HEADER}"\nsecret_form = "{form}"'
    return Verifier(scheme(text), [vector["key"] if form == "hex" else group["publicKeyPem"]])


def judged(algorithm: str, group: dict[str, Any], vector: dict[str, Any]) -> tuple[bool, str]:
    """Return whether a vector is accepted, and the code; a key that is refused refuses it too."""
    try:
        verifier = verifier_of(algorithm, group, vector)
    except ConfigError:
        return False, "key-refused"
    request = RawRequest(
        headers=Headers.of({HEADER: vector["tag" if "tag" in vector else "sig"]}),
        body=bytes.fromhex(vector["msg"]),
    )
    verdict = verifier.verify(request, 0)
    return verdict.valid, verdict.code


def vectors(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    document = json.loads((folder() / f"{name}.json").read_text("utf-8"))
    for group in document["testGroups"]:
        for vector in group["tests"]:
            yield group, vector


def is_ours(name: str, algorithm: str, group: dict[str, Any]) -> bool:
    """Whether the group has our parameters: HMACs in full length, the salt we take."""
    return name not in OTHER_PARAMETERS and group.get("tagSize") in {None, MAC_BITS.get(algorithm)}


@pytest.mark.parametrize("name", FILES)
def test_t05_wycheproof_agrees(name: str) -> None:
    algorithm = FILES[name]
    count: Counter[str] = Counter()
    wrong = []
    for group, vector in vectors(name):
        accepted, code = judged(algorithm, group, vector)
        ours = is_ours(name, algorithm, group)
        result = vector["result"] if ours else "other"
        count[f"{result} {'accepted' if accepted else 'refused'}"] += 1
        should = {
            "valid": True,
            "invalid": False,
            "other": (name, vector["comment"]) in RIGHT_SALT,
        }.get(result)
        if should not in {None, accepted}:
            wrong.append((vector["tcId"], vector["comment"], vector["result"], code))
    print(algorithm, name, dict(sorted(count.items())))  # the table of docs/verification-oracles.md
    assert not wrong
    assert count["valid accepted"] or name in OTHER_PARAMETERS


@pytest.mark.parametrize("algorithm", MAC_BITS)
def test_t05_a_truncated_tag_is_malformed(algorithm: str) -> None:
    name = f"{algorithm.replace('-', '_')}_test"
    short = [pair for pair in vectors(name) if pair[0]["tagSize"] != MAC_BITS[algorithm]]
    assert short
    assert {judged(algorithm, *pair)[1] for pair in short} <= {Code.MALFORMED, Code.MISSING}
