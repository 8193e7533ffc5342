"""A key that is killed after each step, and has everything when it is started again; with passkeys
in files only.
"""

import os

from fido2.ctap2 import ClientPin, Config, CredentialManagement, LargeBlobs
from fido2.ctap2.pin import PinProtocolV2
from fido2.utils import sha256

from party import PERMISSION, PIN, Party, credential_id, descriptor, make, token, use, with_pin
from topic import ERR

R = CredentialManagement.RESULT


def after_each_step(t):
    key = t.key()
    if not key.durable:
        return

    def killed():
        key.restart()
        return key.ctap()

    def pin():
        return ClientPin(key.ctap(), PinProtocolV2())

    discoverable = make(key.ctap(), user=b"ada", name="ada", extensions={"largeBlobKey": True, "credBlob": b"of ada"})
    second = make(killed(), user=b"bob", name="bob", rk=False)
    answer = use(killed())
    t.equal("a passkey is found", answer.user["id"], b"ada")
    counted = answer.auth_data.counter
    t.check("and one that only its id finds", credential_id(second) == use(killed(), allow=[credential_id(second)]).credential["id"])
    t.check("counters go on", use(killed()).auth_data.counter > counted)

    with_pin(key)
    killed()
    t.refused("the PIN is asked for", ERR.PIN_INVALID, pin().get_pin_token, "9999", PERMISSION.GET_ASSERTION, "example.org")
    killed()
    t.equal("a wrong one is counted, though the key was killed", pin().get_pin_retries()[0], 7)
    for left in range(6, 0, -1):
        t.refused(f"guessing on, {left} left", ERR.PIN_INVALID, pin().get_pin_token, "9999", PERMISSION.GET_ASSERTION, "example.org")
        killed()
        t.equal(f"{left} are left", pin().get_pin_retries()[0], left)
    pin().get_pin_token(PIN, PERMISSION.GET_ASSERTION, "example.org")
    killed()
    t.equal("the right one gives all back", pin().get_pin_retries()[0], 8)
    pin().change_pin(PIN, "31415")
    killed()
    ClientPin(key.ctap(), PinProtocolV2()).change_pin("31415", PIN)

    registered, response = Party(key.device()).register(user={"id": b"eve", "name": "eve"}, extensions={"credProtect": 3})
    killed()
    auth, _ = Party(key.device()).sign_in([registered.credential_data], allow=[registered.credential_data], uv="required")
    t.equal("what a relying party registered signs in", auth.credential_id, registered.credential_data.credential_id)

    blob = os.urandom(700)
    LargeBlobs(key.ctap(), *token(key.ctap(), PERMISSION.LARGE_BLOB_WRITE, rp=None)).put_blob(discoverable.large_blob_key, blob)
    t.equal("a large blob is there", LargeBlobs(killed()).get_blob(discoverable.large_blob_key), blob)
    answer = use(killed(), extensions={"credBlob": True}, allow=[credential_id(discoverable)])
    t.equal("and the blob of a credential", answer.auth_data.extensions["credBlob"], b"of ada")

    manage = lambda: CredentialManagement(killed(), *token(key.ctap(), PERMISSION.CREDENTIAL_MGMT, rp=None))
    t.equal("all are counted", manage().get_metadata()[R.EXISTING_CRED_COUNT], 2)
    ada = descriptor(credential_id(discoverable))
    manage().update_user_info(ada, {"id": b"ada", "name": "lovelace"})
    names = {found[R.USER].get("name") for found in manage().enumerate_creds(sha256(b"example.org"))}
    t.equal("one has another name", names, {"lovelace", "eve"})
    manage().delete_cred(ada)
    t.equal("one is gone", manage().get_metadata()[R.EXISTING_CRED_COUNT], 1)
    t.refused("and signs no more", ERR.NO_CREDENTIALS, use, killed(), allow=[credential_id(discoverable)])

    Config(key.ctap(), *token(key.ctap(), PERMISSION.AUTHENTICATOR_CFG, rp=None)).set_min_pin_length(min_pin_length=6)
    t.equal("a setting stays", killed().info.min_pin_length, 6)
    killed().reset()
    t.check("a reset stays one", not killed().info.options["clientPin"])
    t.refused("and nothing is left", ERR.NO_CREDENTIALS, use, killed())


TOPICS = [after_each_step]
