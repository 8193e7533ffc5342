"""soft-webauthn as a contestant: a registration and a sign-in, from JSON to JSON.

Reads numbers from standard input, a line each, and answers each with the nanoseconds that the
thread has spent on a processor for so many rounds.
"""

import base64
import json
import sys
import time

from soft_webauthn import SoftWebauthnDevice

ORIGIN = "https://example.com"
CREATION = """{"challenge": "AAECAwQFBgcICQoLDA0ODw",
    "rp": {"id": "example.com", "name": "Example"},
    "user": {"id": "BQUFBQUFBQUFBQUFBQUFBQ", "name": "alex@example.com", "displayName": "Alex"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
    "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
    "attestation": "none"}"""
REQUEST = """{"challenge": "DwAOAQ0CDAMLBAoFCQYIBw", "rpId": "example.com",
    "userVerification": "required",
    "allowCredentials": [{"type": "public-key", "id": "%s"}]}"""


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(value):
    """JSON, with bytes as base64url."""
    return json.dumps(value, default=lambda it: base64.urlsafe_b64encode(it).decode().rstrip("="))


def options(text):
    """It takes bytes where JSON has text."""
    read = json.loads(text)
    read["challenge"] = decode(read["challenge"])
    if "user" in read:
        read["user"]["id"] = decode(read["user"]["id"])
    return {"publicKey": read}


def round(device):
    registration = encode(device.create(options(CREATION), ORIGIN))
    made = json.loads(registration)
    return encode(device.get(options(REQUEST % made["rawId"]), ORIGIN))


def main():
    device = SoftWebauthnDevice()
    for line in sys.stdin:
        start = time.thread_time_ns()
        for _ in range(int(line)):
            round(device)
        print(time.thread_time_ns() - start, flush=True)


main()
