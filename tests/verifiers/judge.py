"""Has two libraries by other authors judge what virtual authenticators make.

Takes the lines of the example virtual_cases as its input. Each library has to accept every response
of an algorithm that it knows, and to refuse the same response with one bit changed.
"""

import copy
import json
import sys
from collections import Counter
from contextlib import nullcontext
from unittest.mock import patch

from parties import ALL, decode, encode


def bent(response, member):
    """The same response, with the last bit of a member changed."""
    response = copy.deepcopy(response)
    data = bytearray(decode(response["response"][member]))
    data[-1] ^= 1
    response["response"][member] = encode(data)
    return response


def refuses(judge, what, options, response):
    try:
        judge(options, response)
    except Exception:
        return
    raise AssertionError(f"{what} is accepted")


def run(case, party):
    site = party(case)
    options, response = case["registration"]["options"], case["registration"]["response"]
    other = {**options, "challenge": encode(b"another challenge, of 32 bytes..")}
    refuses(site.register, "another challenge", other, response)
    if case["attestation"] != "none":
        # What comes last in the object is authenticator data: the key, which the statement signs.
        broken = bent(response, "attestationObject")
        refuses(site.register, "a changed attestation object", options, broken)
    accepted = site.register(options, response)
    for member, read in [
        ("attestation", accepted.attestation),
        ("backupEligible", accepted.backup_eligible),
        ("backedUp", accepted.backed_up),
    ]:
        assert read in (None, case[member]), f"{member} is {read}"
    for made in case["signIns"]:
        options, response = made["options"], made["response"]
        for member in ["signature", "authenticatorData"]:
            refuses(site.sign_in, f"a changed {member}", options, bent(response, member))
        count = site.sign_in(options, response)
    assert count in (None, case["signCount"]), f"counter {count}"


def at(now_ms):
    """That moment, for what is good for some seconds only; None for the present."""
    if now_ms is None:
        return nullcontext()
    return patch("time.time", return_value=now_ms / 1000)


def main():
    cases = [json.loads(line) for line in sys.stdin]
    failed = False
    for party in ALL:
        accepted, formats, strange = Counter(), Counter(), Counter()
        for case in cases:
            algorithm = case["algorithm"]
            if algorithm not in party.known:
                strange[algorithm] += 1
                continue
            if case["attestation"] not in party.formats:
                strange[case["attestation"]] += 1
                continue
            try:
                with at(case["nowMs"]):
                    run(case, party)
            except Exception as error:
                failed = True
                print(f"{party.name}: {case['case']}: {type(error).__name__}: {error}")
            else:
                accepted[algorithm] += 1
                formats[case["attestation"]] += 1
        print(f"{party.name}: accepted {dict(accepted)}, {dict(formats)}")
        print(f"{party.name}: does not know {dict(strange)}")
        missing = party.must_know - set(accepted)
        if missing:
            failed = True
            print(f"{party.name}: nothing accepted of {sorted(missing)}")
    sys.exit(failed)


main()
