"""PIN/UV tokens: each permission is good for what it names and for nothing else."""

from fido2.cbor import encode
from fido2.ctap2 import ClientPin, Config, CredentialManagement, LargeBlobs
from fido2.utils import sha256

from party import HASH, PERMISSION, PIN, PROTOCOLS, RP, credential_id, descriptor, make, token, use, with_pin
from topic import ERR

P = PERMISSION


def change_nothing(ctap, auth):
    """A setting that is what it is already."""
    Config(ctap, *auth).set_min_pin_length(4)


# What is authorised, and the permissions that are good for it.
COMMANDS = {
    "makeCredential": (lambda ctap, auth: make(ctap, user=b"\x09", auth=auth), {P.MAKE_CREDENTIAL}),
    "getAssertion": (lambda ctap, auth: use(ctap, auth=auth), {P.GET_ASSERTION}),
    "listing credentials": (
        lambda ctap, auth: CredentialManagement(ctap, *auth).get_metadata(),
        {P.CREDENTIAL_MGMT, P.PERSISTENT_CREDENTIAL_MGMT},
    ),
    "deleting a credential": (
        lambda ctap, auth: CredentialManagement(ctap, *auth).delete_cred(descriptor(newest(ctap))),
        {P.CREDENTIAL_MGMT},
    ),
    "writing large blobs": (lambda ctap, auth: LargeBlobs(ctap, *auth).write_blob_array([]), {P.LARGE_BLOB_WRITE}),
    "a setting": (change_nothing, {P.AUTHENTICATOR_CFG}),
}


def newest(ctap):
    return use(ctap, options={"up": False}).credential["id"]


def each_for_its_own(t):
    for protocol in PROTOCOLS:
        key = t.key()
        for user in range(4):
            make(key.ctap(), user=bytes([user]))
        ctap = with_pin(key)
        for permission in [p for p in P if p != P.BIO_ENROLL]:
            for name, (command, good) in COMMANDS.items():
                # A relying party is named only where it must be: listing needs a token that is for
                # all of them.
                rp = RP["id"] if permission & (P.MAKE_CREDENTIAL | P.GET_ASSERTION) else None
                auth = token(ctap, permission, rp=rp, protocol=protocol)
                what = f"protocol {protocol.VERSION}: {name} with a token for {permission.name}"
                if permission in good:
                    command(ctap, auth)
                    t.check(what, True)
                else:
                    t.refused(what, ERR.PIN_AUTH_INVALID, command, ctap, auth)
        everything = P(0x3F) & ~P.BIO_ENROLL
        auth = token(ctap, everything, protocol=protocol)
        change_nothing(ctap, auth)
        LargeBlobs(ctap, *auth).write_blob_array([])
        make(ctap, user=b"\x08", auth=auth)
        t.check(f"protocol {protocol.VERSION}: one token for several things", True)
        for name, (command, good) in COMMANDS.items():
            what = f"protocol {protocol.VERSION}: {name} after the token made a credential"
            if P.LARGE_BLOB_WRITE in good:
                command(ctap, auth)
                t.check(what, True)
            else:
                t.refused(what, ERR.PIN_AUTH_INVALID, command, ctap, auth)


def legacy(t):
    """The token of CTAP 2.0 makes and uses credentials, and no more."""
    key = t.key()
    ctap = with_pin(key)
    for protocol in PROTOCOLS:
        for name, (command, good) in COMMANDS.items():
            auth = protocol(), ClientPin(ctap, protocol()).get_pin_token(PIN)
            what = f"protocol {protocol.VERSION}: {name}"
            if good & {P.MAKE_CREDENTIAL, P.GET_ASSERTION}:
                command(ctap, auth)
                t.check(what, True)
            else:
                t.refused(what, ERR.PIN_AUTH_INVALID, command, ctap, auth)


def asked_for(t):
    key = t.key()
    ctap = with_pin(key)
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        get = lambda permissions, rp=None: token(ctap, permissions, rp=rp, protocol=protocol)
        t.refused(said("no permission at all"), ERR.INVALID_PARAMETER, get, P(0))
        for permission in (P.MAKE_CREDENTIAL, P.GET_ASSERTION):
            t.refused(said(f"{permission.name} without a relying party"), ERR.MISSING_PARAMETER, get, permission)
        t.refused(said("enrolment without a sensor"), ERR.UNAUTHORIZED_PERMISSION, get, P.BIO_ENROLL)
        both = P.PERSISTENT_CREDENTIAL_MGMT | P.CREDENTIAL_MGMT
        t.refused(said("the persistent permission beside another"), ERR.UNAUTHORIZED_PERMISSION, get, both)
        get(P(0x80 | P.CREDENTIAL_MGMT))
        t.check(said("unknown permissions are ignored"), True)
        t.equal(said("none of it was a guess"), ClientPin(ctap, protocol()).get_pin_retries()[0], 8)


def bound(t):
    """To a relying party, to the moment, and to the last one that was given out."""
    key = t.key()
    made = make(key.ctap(), user=b"\1")
    ctap = with_pin(key)
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        get = lambda permissions, rp=RP["id"]: token(ctap, permissions, rp=rp, protocol=protocol)
        other = get(P.MAKE_CREDENTIAL | P.GET_ASSERTION | P.CREDENTIAL_MGMT, "other.example")
        t.refused(said("making one for another relying party"), ERR.PIN_AUTH_INVALID, make, ctap, auth=other)
        t.refused(said("using one of another"), ERR.PIN_AUTH_INVALID, use, ctap, auth=other)
        manage = CredentialManagement(ctap, *other)
        t.refused(said("listing all with a token for one"), ERR.PIN_AUTH_INVALID, manage.get_metadata)
        t.refused(said("listing those of another"), ERR.PIN_AUTH_INVALID, manage.enumerate_creds_begin, sha256(b"example.org"))
        t.refused(said("deleting one of another"), ERR.PIN_AUTH_INVALID, manage.delete_cred, descriptor(credential_id(made)))

        auth = get(P.GET_ASSERTION)
        assertion = use(ctap, auth=auth)
        t.check(said("a token verifies"), assertion.auth_data.is_user_verified())
        t.refused(said("a token is good for one touch"), ERR.PIN_AUTH_INVALID, use, ctap, auth=auth)
        auth = get(P.GET_ASSERTION)
        for _ in range(2):
            seen = use(ctap, auth=auth, options={"up": False})
        t.check(said("but for any number of silent look-ups"), seen.auth_data.is_user_verified())
        first, second = get(P.CREDENTIAL_MGMT, None), get(P.CREDENTIAL_MGMT, None)
        t.refused(said("a new token ends the one before"), ERR.PIN_AUTH_INVALID, CredentialManagement(ctap, *first).get_metadata)
        for other_protocol in PROTOCOLS:
            token(ctap, P.CREDENTIAL_MGMT, rp=None, protocol=other_protocol)
        if protocol is PROTOCOLS[0]:
            t.refused(said("also one of the other protocol"), ERR.PIN_AUTH_INVALID, CredentialManagement(ctap, *second).get_metadata)
        auth = get(P.CREDENTIAL_MGMT, None)
        ClientPin(ctap, protocol()).change_pin(PIN, PIN)
        t.refused(said("so does a change of the PIN"), ERR.PIN_AUTH_INVALID, CredentialManagement(ctap, *auth).get_metadata)
        auth = get(P.CREDENTIAL_MGMT, None)
        key.power_cycle()
        ctap = key.ctap()
        t.refused(said("and a power cycle"), ERR.PIN_AUTH_INVALID, CredentialManagement(ctap, *auth).get_metadata)

        auth = get(P.CREDENTIAL_MGMT, None)
        message = bytes([1])
        param = auth[0].authenticate(auth[1], message)
        flipped = bytes([param[0] ^ 1]) + param[1:]
        call = lambda *members: ctap.credential_mgmt(1, None, *members)
        t.refused(said("a MAC with a bit turned"), ERR.PIN_AUTH_INVALID, call, protocol.VERSION, flipped)
        t.refused(said("a MAC that is cut short"), ERR.PIN_AUTH_INVALID, call, protocol.VERSION, param[:8])
        t.refused(said("a MAC of the other protocol"), ERR.PIN_AUTH_INVALID, call, 3 - protocol.VERSION, param)
        t.refused(said("a MAC without its protocol"), ERR.MISSING_PARAMETER, call, None, param)
        t.refused(said("a protocol that is not known"), ERR.INVALID_PARAMETER, call, 3, param)
        t.refused(said("no MAC"), ERR.PUAT_REQUIRED, call, protocol.VERSION, None)
        t.check(said("and with all of it right"), call(protocol.VERSION, param))
        request = {1: HASH, 2: RP, 3: {"id": b"\7"}, 4: [{"type": "public-key", "alg": -7}], 8: param}
        t.refused(said("makeCredential with a MAC without its protocol"), ERR.MISSING_PARAMETER, ctap.send_cbor, 1, request)
        t.refused(said("makeCredential with a MAC of something else"), ERR.PIN_AUTH_INVALID, ctap.send_cbor, 1, request | {9: protocol.VERSION})
        t.check(said("the request is canonical"), encode(request))


TOPICS = [each_for_its_own, legacy, asked_for, bound]
