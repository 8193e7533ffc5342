"""Reset, and what ends because time passes: in real time, since nothing moves the clock of a
program.
"""

import time

from fido2.client import ClientError
from fido2.ctap2 import ClientPin, CredentialManagement, Ctap2, LargeBlobs

from party import PERMISSION, PIN, Party, credential_id, make, token, use, with_pin
from topic import ERR

# How long a key waits for a touch, and how long after power-up it takes a reset: seconds.
TOUCH = 30
WINDOW = 10


def nobody_touches(t):
    key = t.key()
    ctap = key.ctap()
    key.presence("deny")
    started = time.monotonic()
    t.refused("selection times out", ERR.USER_ACTION_TIMEOUT, ctap.selection)
    took = time.monotonic() - started
    t.check(f"after {TOUCH} s", TOUCH - 1 <= took <= TOUCH + 2, took)
    key.presence("auto")
    ctap.selection()
    t.check("and the key is of use again", True)


def nobody_registers(t):
    key = t.key()
    key.presence("deny")
    t.refused("registration times out", ERR.OPERATION_DENIED, make, key.ctap())
    t.refused("nothing was made", ERR.NO_CREDENTIALS, use, key.ctap(), options={"up": False})


def clients_give_up(t):
    key = t.key()
    key.presence("deny")
    party = Party(key.device())
    party.server.timeout = 300
    t.refused("a client that gives up after 300 ms", ERR.KEEPALIVE_CANCEL, party.register, uv="discouraged")


def everything_goes(t):
    key = t.key()
    ctap = key.ctap()
    made = make(ctap, extensions={"largeBlobKey": True})
    wrapped = make(ctap, rk=False)
    LargeBlobs(ctap).put_blob(made.large_blob_key, b"blob")
    ctap = with_pin(key)
    reader = token(ctap, PERMISSION.PERSISTENT_CREDENTIAL_MGMT, rp=None)
    manager = token(ctap, PERMISSION.CREDENTIAL_MGMT, rp=None)
    before = ctap.get_info()
    key.power_cycle()
    ctap = key.ctap()
    ctap.reset()
    info = ctap.get_info()
    t.equal("the PIN is gone", info.options["clientPin"], False)
    t.equal("with all its attempts back", ClientPin(ctap).get_pin_retries()[0], 8)
    t.refused("discoverable credentials are gone", ERR.NO_CREDENTIALS, use, ctap)
    t.refused("and the others", ERR.NO_CREDENTIALS, use, ctap, allow=[credential_id(wrapped)])
    t.equal("and the blobs", LargeBlobs(ctap).read_blob_array(), [])
    with_pin(key)
    ctap = key.ctap()
    for name, auth in [("the persistent token", reader), ("other tokens", manager)]:
        t.refused(f"and {name}", ERR.PIN_AUTH_INVALID, CredentialManagement(ctap, *auth).get_metadata)
    auth = token(ctap, PERMISSION.PERSISTENT_CREDENTIAL_MGMT, rp=None)
    t.check("and the identity", ctap.get_info().get_identifier(auth[1]) != before.get_identifier(reader[1]))


def only_at_first(t):
    key = t.key()
    make(key.ctap())
    key.presence("deny")
    time.sleep(WINDOW + 0.5)
    t.refused(f"a reset {WINDOW} s after the start, without a touch being asked for", ERR.NOT_ALLOWED, key.ctap().reset)
    key.presence("auto")
    t.check("has deleted nothing", use(key.ctap()))
    key.power_cycle()
    key.ctap().reset()
    t.refused("after a power cycle it is taken", ERR.NO_CREDENTIALS, use, key.ctap())


def tokens_end(t):
    """A token that is not used within 30 s is of no use any more; nor is a choice between accounts.
    """
    key = t.key()
    for user in (b"\1", b"\2"):
        make(key.ctap(), user=user)
    ctap = with_pin(key)
    auth = token(ctap, PERMISSION.CREDENTIAL_MGMT, rp=None)
    assertion = use(ctap, options={"up": False})
    t.equal("two to choose from", assertion.number_of_credentials, 2)
    time.sleep(TOUCH + 1)
    t.refused("the choice is over", ERR.NOT_ALLOWED, ctap.get_next_assertion)
    t.refused("and so is the token", ERR.PIN_AUTH_INVALID, CredentialManagement(ctap, *auth).get_metadata)


TOPICS = [nobody_touches, nobody_registers, tokens_end, only_at_first, clients_give_up, everything_goes]
