"""CTAP1/U2F: what clients of before FIDO2 send, and that both generations find each other's
credentials.
"""

import time

from fido2.attestation import Attestation
from fido2.cose import ES256
from fido2.ctap1 import APDU, ApduError, Ctap1
from fido2.ctap2 import Config
from fido2.hid import CAPABILITY
from fido2.utils import sha256
from fido2.webauthn import AttestationObject

from failure import Failure
from party import HASH, PERMISSION, credential_id, make, token, use, with_pin
from topic import ERR

APPLICATION = sha256(b"example.org")
FORBIDDEN = 0x6986


def answered(t, what, status, call, *args, **kwargs):
    """The call is answered with this status word."""
    try:
        answer = call(*args, **kwargs)
    except ApduError as error:
        return t.check(f"{what} ({status:04x})", error.code == status, hex(error.code))
    raise Failure(f"{what}: it was not refused: {answer!r}")


def touched(call, *args):
    """As clients do: again and again, until somebody has touched the key."""
    for _ in range(20):
        try:
            return call(*args)
        except ApduError as error:
            if error.code != APDU.USE_NOT_SATISFIED:
                raise
        time.sleep(0.1)
    raise Failure("nobody touches the key")


def registered(t):
    key = t.key()
    device = key.device()
    u2f = Ctap1(device)
    t.check("the capabilities say MSG", not CAPABILITY.NMSG.supported(device.capabilities), device.capabilities)
    t.check("U2F_V2 is claimed", "U2F_V2" in key.ctap().info.versions)
    t.equal("version", u2f.get_version(), "U2F_V2")
    registration = touched(u2f.register, HASH, APPLICATION)
    registration.verify(APPLICATION, HASH)
    t.check("registered", True)
    attestation = AttestationObject.from_ctap1(APPLICATION, registration)
    Attestation.for_type("fido-u2f")().verify(attestation.att_stmt, attestation.auth_data, HASH)
    t.check("which is an attestation, too", True)
    handle = registration.key_handle
    counters = []
    for _ in range(3):
        signature = touched(u2f.authenticate, HASH, APPLICATION, handle)
        signature.verify(APPLICATION, HASH, registration.public_key)
        counters.append(signature.counter)
        t.check("signed in, with a touch", signature.user_presence & 1)
    t.check("the counter rises", counters == sorted(set(counters)), counters)
    answered(t, "the handle is known", APDU.USE_NOT_SATISFIED, u2f.authenticate, HASH, APPLICATION, handle, check_only=True)
    answered(t, "not to others", APDU.WRONG_DATA, u2f.authenticate, HASH, sha256(b"other.example"), handle)
    answered(t, "nor when it is changed", APDU.WRONG_DATA, u2f.authenticate, HASH, APPLICATION, handle[:-1] + bytes([handle[-1] ^ 1]))
    answered(t, "an unknown instruction", 0x6D00, u2f.send_apdu, ins=0x40)
    answered(t, "an unknown class", 0x6E00, u2f.send_apdu, cla=0x80, ins=0x03)
    answered(t, "a registration that is too short", 0x6700, u2f.send_apdu, ins=0x01, data=b"x" * 63)
    key.presence("deny")
    answered(t, "nobody touches when registering", APDU.USE_NOT_SATISFIED, u2f.register, HASH, APPLICATION)
    answered(t, "nobody touches when signing in", APDU.USE_NOT_SATISFIED, u2f.authenticate, HASH, APPLICATION, handle)


def both_generations(t):
    key = t.key()
    device = key.device()
    u2f, ctap = Ctap1(device), key.ctap()
    old = touched(u2f.register, HASH, APPLICATION)
    assertion = use(ctap, allow=[old.key_handle])
    assertion.verify(HASH, ES256.from_ctap1(old.public_key))
    t.check("FIDO2 uses a credential of U2F", True)
    new = make(ctap, rk=False)
    signature = touched(u2f.authenticate, HASH, APPLICATION, credential_id(new))
    new.auth_data.credential_data.public_key.verify(
        APPLICATION + bytes([signature.user_presence]) + signature.counter.to_bytes(4, "big") + HASH, signature.signature
    )
    t.check("U2F uses a credential of FIDO2", True)
    hidden = make(ctap, rk=False, user=b"\2", extensions={"credProtect": 3})
    answered(t, "but not one that is protected", APDU.WRONG_DATA, u2f.authenticate, HASH, APPLICATION, credential_id(hidden))
    excluded = {"type": "public-key", "id": old.key_handle}
    t.refused("a credential of U2F excludes", ERR.CREDENTIAL_EXCLUDED, make, ctap, exclude=[excluded])


def always_verified(t):
    key = t.key()
    u2f = Ctap1(key.device())
    old = touched(u2f.register, HASH, APPLICATION)
    ctap = with_pin(key)
    Config(ctap, *token(ctap, PERMISSION.AUTHENTICATOR_CFG, rp=None)).toggle_always_uv()
    t.check("with alwaysUv, U2F_V2 is not claimed", "U2F_V2" not in ctap.get_info().versions)
    answered(t, "nor registered", FORBIDDEN, u2f.register, HASH, APPLICATION)
    answered(t, "nor signed in with", FORBIDDEN, u2f.authenticate, HASH, APPLICATION, old.key_handle)


TOPICS = [registered, both_generations, always_verified]
