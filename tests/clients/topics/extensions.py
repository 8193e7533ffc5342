"""Extensions, as a relying party meets them through python-fido2's client."""

import os

from fido2.client import ClientError
from fido2.ctap2 import ClientPin, CredentialManagement
from fido2.utils import sha256, websafe_encode

from party import PERMISSION, PROTOCOLS, RP, Party, credential_id, make, token, use, with_pin
from topic import ERR

POLICY = "credentialProtectionPolicy"
SALT = [bytes([n]) * 32 for n in range(4)]


def protection(t):
    """credProtect: who finds a credential without verification."""
    key = t.key()
    device = key.device()
    ctap = with_pin(key)
    for level, policy in enumerate(
        ["userVerificationOptional", "userVerificationOptionalWithCredentialIDList", "userVerificationRequired"], 1
    ):
        rp = {"id": f"level{level}.example", "name": policy}
        party = Party(device, rp=rp)
        registered, _ = party.register(
            uv="required", extensions={POLICY: policy, "enforceCredentialProtectionPolicy": True}
        )
        t.equal(f"level {level} is in force", registered.extensions, {"credProtect": level})
        id = registered.credential_data.credential_id
        for what, allow, hidden in [("without a list", None, level > 1), ("with a list", [id], level > 2)]:
            what = f"level {level}, {what}, unverified"
            if hidden:
                t.refused(f"{what}: not found", ERR.NO_CREDENTIALS, use, ctap, rp["id"], allow=allow)
            else:
                t.check(f"{what}: found", use(ctap, rp["id"], allow=allow))
        party.sign_in([registered.credential_data], uv="required")
        t.check(f"level {level}, verified: found", True)
        auth = token(ctap, PERMISSION.CREDENTIAL_MGMT, rp=None)
        listed = CredentialManagement(ctap, *auth).enumerate_creds(sha256(rp["id"].encode()))[0]
        t.equal(f"level {level} is listed", listed[CredentialManagement.RESULT.CRED_PROTECT], level)


def secrets(t):
    """hmac-secret and hmac-secret-mc, under the name of prf and under their own."""
    key = t.key()
    device = key.device()
    party = Party(device)
    registered, response = party.register(
        uv="discouraged", extensions={"prf": {"eval": {"first": b"one", "second": b"two"}}}
    )
    prf = response.client_extension_results.prf
    t.equal("prf is enabled", prf.enabled, True)
    made = prf.results
    t.check("two results come with the credential", len({made.first, made.second}) == 2, prf)
    credential = registered.credential_data
    ask = lambda first, second=None, **more: result(party, credential, {"eval": values(first, second)}, **more)
    later = ask(b"one", b"two", uv="discouraged")
    t.equal("and come again when it is used", (later.first, later.second), (made.first, made.second))
    t.equal("one is enough", (ask(b"two", uv="discouraged").first), made.second)
    t.equal("each by its own", ask(b"two", b"one", uv="discouraged").second, made.first)
    with_pin(key)
    party = Party(device)
    verified = ask(b"one", b"two", uv="required")
    t.check("verified, they are others", not {verified.first, verified.second} & {made.first, made.second})
    t.equal("always the same", ask(b"one", b"two", uv="required").first, verified.first)
    t.equal("unverified, the first are back", ask(b"one", uv="discouraged").first, made.first)
    by_credential = {websafe_encode(credential.credential_id): {"first": b"two"}}
    chosen = result(party, credential, {"eval": {"first": b"one"}, "evalByCredential": by_credential}, allow=[credential], uv="required")
    t.equal("chosen by credential", chosen.first, verified.second)
    second, response = party.register(user={"id": b"2", "name": "second"}, uv="required", extensions={"prf": {}})
    t.equal("asked for without values", response.client_extension_results["prf"], {"enabled": True})
    other = result(party, second.credential_data, {"eval": {"first": b"one"}}, allow=[second.credential_data], uv="required")
    t.check("another credential has others", other.first not in (verified.first, made.first))
    third, response = party.register(
        user={"id": b"3", "name": "third"},
        rk="discouraged",
        uv="required",
        extensions={"hmacCreateSecret": True, "hmacGetSecret": {"salt1": SALT[0], "salt2": SALT[1]}},
    )
    outputs = response.client_extension_results
    t.equal("hmac-secret is enabled", outputs.hmac_create_secret, True)
    _, response = party.sign_in(
        [third.credential_data],
        allow=[third.credential_data],
        uv="required",
        extensions={"hmacGetSecret": {"salt1": SALT[1], "salt2": SALT[0]}},
    )
    got = response.client_extension_results.hmac_get_secret
    made = outputs.hmac_get_secret
    t.equal("a credential that is not discoverable has secrets too", (got.output2, got.output1), (made.output1, made.output2))


def values(first, second):
    return {"first": first} if second is None else {"first": first, "second": second}


def result(party, credential, prf, allow=None, uv=None):
    _, response = party.sign_in([credential], allow=allow or [credential], uv=uv, extensions={"prf": prf})
    return response.client_extension_results.prf.results


def misused_secrets(t):
    """hmac-secret with what no library sends, under both protocols."""
    key = t.key()
    ctap = key.ctap()
    id = credential_id(make(ctap, extensions={"hmac-secret": True}))
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        pin = ClientPin(ctap, protocol())

        def request(salts, change=lambda request: request):
            agreement, secret = pin._get_shared_secret()
            encrypted = pin.protocol.encrypt(secret, salts)
            asked = {1: agreement, 2: encrypted, 3: pin.protocol.authenticate(secret, encrypted), 4: protocol.VERSION}
            return {"hmac-secret": change(asked)}, secret

        asked, secret = request(SALT[0] + SALT[1])
        output = use(ctap, allow=[id], extensions=asked).auth_data.extensions["hmac-secret"]
        t.equal(said("two salts, two secrets"), len(pin.protocol.decrypt(secret, output)), 64)
        for what, salts in [("no salt", b""), ("half a salt", bytes(16)), ("a salt and a half", bytes(48)), ("three salts", bytes(96))]:
            asked, _ = request(salts)
            t.refused(said(what), ERR.INVALID_PARAMETER, use, ctap, allow=[id], extensions=asked)
        asked, _ = request(SALT[0], lambda it: it | {3: bytes([it[3][0] ^ 1]) + it[3][1:]})
        t.refused(said("a wrong MAC"), ERR.PIN_AUTH_INVALID, use, ctap, allow=[id], extensions=asked)
        asked, _ = request(SALT[0], lambda it: it | {4: 3})
        t.refused(said("an unknown protocol"), ERR.INVALID_PARAMETER, use, ctap, allow=[id], extensions=asked)
        asked, _ = request(SALT[0])
        t.refused(said("without a touch"), ERR.UNSUPPORTED_OPTION, use, ctap, allow=[id], extensions=asked, options={"up": False})
        t.refused(said("with a credential, but without the extension itself"), ERR.MISSING_PARAMETER, make, ctap, extensions={"hmac-secret-mc": asked["hmac-secret"]})
    t.refused("of a wrong type", ERR.CBOR_UNEXPECTED_TYPE, make, ctap, extensions={"hmac-secret": 1})


def blobs(t):
    """credBlob."""
    key = t.key()
    device = key.device()
    with_pin(key)
    party = Party(device)
    longest = party.client.info.max_cred_blob_length
    blob = os.urandom(longest)
    registered, _ = party.register(uv="required", extensions={"credBlob": blob})
    t.equal("stored", registered.extensions, {"credBlob": True})
    credential = [registered.credential_data]
    read = lambda it: party.sign_in(it, allow=it, uv="required", extensions={"getCredBlob": True})[1]
    t.equal("read", read(credential).response.authenticator_data.extensions, {"credBlob": blob})
    plain, _ = party.register(user={"id": b"plain", "name": "plain"}, uv="required")
    t.equal("none was stored", read([plain.credential_data]).response.authenticator_data.extensions, {"credBlob": b""})
    ctap = key.ctap()
    long = make(ctap, user=b"long", extensions={"credBlob": bytes(longest + 1)}, auth=token(ctap, PERMISSION.MAKE_CREDENTIAL))
    t.equal("one that is too long is not stored, but the credential is", long.auth_data.extensions, {"credBlob": False})


def payment(t):
    """thirdPartyPayment."""
    key = t.key()
    device = key.device()
    with_pin(key)
    party = Party(device)
    registered, _ = party.register(uv="required", extensions={"payment": {"isPayment": True}})
    t.equal("a credential for payments", registered.extensions, {"thirdPartyPayment": True})
    plain, _ = party.register(user={"id": b"plain", "name": "plain"}, uv="required")
    for what, credential, wanted in [("it", registered, True), ("another", plain, False)]:
        known = [credential.credential_data]
        _, response = party.sign_in(known, allow=known, uv="required", extensions={"payment": {"isPayment": True}})
        outputs = response.response.authenticator_data.extensions
        t.equal(f"{what} says so", outputs, {"thirdPartyPayment": wanted})


def unasked(t):
    """Nothing comes back that was not asked for, and what is not known is passed over."""
    key = t.key()
    ctap = key.ctap()
    plain = make(ctap)
    t.check("no outputs without inputs", not plain.auth_data.extensions and plain.large_blob_key is None)
    t.equal("an assertion without outputs is 37 bytes", len(use(ctap).auth_data), 37)
    unknown = make(ctap, extensions={"unheardOf": {"deep": [1, 2]}})
    t.check("an extension that is not known is ignored", not unknown.auth_data.extensions)
    t.check("also when a credential is used", not use(ctap, extensions={"unheardOf": True}).auth_data.extensions)
    t.refused("a protection that does not exist", ERR.INVALID_PARAMETER, make, ctap, extensions={"credProtect": 4})


TOPICS = [protection, secrets, misused_secrets, blobs, payment, unasked]
