"""Has py_webauthn and python-fido2 judge what came of the pages: the lines of the file `exchanges`.

Each library has to accept every response, and to refuse it with another challenge or origin, and a
sign-in with one bit of its signature changed.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "verifiers"))
from parties import ALL, decode, encode  # noqa: E402


def refuses(what, judge, options, response):
    try:
        judge(options, response)
    except Exception:
        return
    raise AssertionError(f"{what} is accepted")


def bent(response):
    signature = bytearray(decode(response["response"]["signature"]))
    signature[-1] ^= 1
    return {**response, "response": {**response["response"], "signature": encode(signature)}}


def run(line, party):
    # A site has one origin, and what passed at another is judged by a change of it.
    case = {**line, "origin": ""}
    site = party(case)
    made = line["registration"]
    other = {**made["options"], "challenge": encode(b"another challenge, of 32 bytes..")}
    refuses("another origin", site.register, made["options"], made["response"])
    case["origin"] = made["origin"]
    refuses("another challenge", site.register, other, made["response"])
    accepted = site.register(made["options"], made["response"])
    for member, read in [
        ("attestation", accepted.attestation),
        ("backupEligible", accepted.backup_eligible),
        ("backedUp", accepted.backed_up),
    ]:
        assert read in (None, line[member]), f"{member} is {read}"
    for used in line["signIns"]:
        case["origin"] = used["origin"]
        refuses("a changed signature", site.sign_in, used["options"], bent(used["response"]))
        site.sign_in(used["options"], used["response"])


def main():
    lines = [json.loads(line) for line in sys.stdin]
    assert lines, "nothing came of the pages"
    failed = False
    for party in ALL:
        for line in lines:
            try:
                run(line, party)
            except Exception as error:
                failed = True
                print(f"{party.name}: {line['case']}: {type(error).__name__}: {error}")
        print(f"{party.name}: judged {len(lines)} passkeys")
    sys.exit(failed)


main()
