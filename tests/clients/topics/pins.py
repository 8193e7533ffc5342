"""The PIN, with both PIN/UV auth protocols: set, changed, guessed, paused, blocked."""

from fido2.ctap2 import ClientPin
from fido2.utils import sha256

from party import PERMISSION, PIN, PROTOCOLS, credential_id, make, token, use, with_pin
from topic import ERR

WRONG = "0000"


def set_and_changed(t):
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        key = t.key()
        pin = ClientPin(key.ctap(), protocol())
        t.refused(said("no token without a PIN"), ERR.PIN_NOT_SET, pin.get_pin_token, PIN, PERMISSION.CREDENTIAL_MGMT)
        t.refused(said("no PIN to change"), ERR.PIN_NOT_SET, pin.change_pin, PIN, "3141")
        t.equal(said("all attempts are left"), pin.get_pin_retries()[0], 8)
        for what, bad in [("too short in characters", "äöü"), ("64 bytes", "x" * 64), ("nothing", "")]:
            t.refused(said(f"a PIN that is {what}"), ERR.PIN_POLICY_VIOLATION, set_padded, pin, bad)
        t.check(said("none of these was set"), not key.ctap().info.options["clientPin"])
        pin.set_pin(PIN)
        t.check(said("a PIN is set"), key.ctap().info.options["clientPin"])
        t.refused(said("a PIN is set once only"), ERR.PIN_AUTH_INVALID, pin.set_pin, "3141")
        pin.get_pin_token(PIN)
        t.check(said("it gives a token, also as CTAP 2.0 asks for one"), True)
        longest = "пароль🔑" * 3 + "x" * 15
        t.equal(said("the longest PIN is counted in bytes"), len(longest.encode()), 63)
        pin.change_pin(PIN, longest)
        pin.get_pin_token(longest, PERMISSION.CREDENTIAL_MGMT)
        t.check(said("it can be changed to any characters"), True)
        t.refused(said("the one before is wrong now"), ERR.PIN_INVALID, pin.get_pin_token, PIN)
        t.refused(said("a change needs the right one"), ERR.PIN_INVALID, pin.change_pin, PIN, "3141")
        pin.change_pin(longest, PIN)
        t.equal(said("the right one gives all attempts back"), pin.get_pin_retries()[0], 8)
        for other in PROTOCOLS:
            ClientPin(key.ctap(), other()).get_pin_token(PIN, PERMISSION.CREDENTIAL_MGMT)
        t.check(said("the PIN is the same for both protocols"), True)


def set_padded(pin, text):
    """Sets a PIN that the library itself would not send."""
    agreement, secret = pin._get_shared_secret()
    encrypted = pin.protocol.encrypt(secret, text.encode().ljust(64, b"\0"))
    param = pin.protocol.authenticate(secret, encrypted)
    pin.ctap.client_pin(
        pin.protocol.VERSION,
        ClientPin.CMD.SET_PIN,
        key_agreement=agreement,
        new_pin_enc=encrypted,
        pin_uv_param=param,
    )


def guessed(t):
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        key = t.key()
        credential = make(key.ctap())
        with_pin(key)
        pin = ClientPin(key.ctap(), protocol())
        get = lambda guess: pin.get_pin_token(guess, PERMISSION.GET_ASSERTION, "example.org")
        t.refused(said("a first guess"), ERR.PIN_INVALID, get, WRONG)
        t.refused(said("a second"), ERR.PIN_INVALID, pin.change_pin, WRONG, "3141")
        t.equal(said("six are left"), pin.get_pin_retries()[0], 6)
        t.refused(said("the third in a row pauses the PIN"), ERR.PIN_AUTH_BLOCKED, get, WRONG)
        t.equal(said("five are left, after a power cycle"), pin.get_pin_retries(), (5, True))
        t.refused(said("even the right one is not taken"), ERR.PIN_AUTH_BLOCKED, get, PIN)
        t.refused(said("nor changed"), ERR.PIN_AUTH_BLOCKED, pin.change_pin, PIN, "3141")
        t.equal(said("which costs nothing"), pin.get_pin_retries()[0], 5)
        key.power_cycle()
        pin = ClientPin(key.ctap(), protocol())
        left, paused = pin.get_pin_retries()
        t.check(said("after a power cycle there are five still"), (left, bool(paused)) == (5, False), (left, paused))
        for left in (4, 3):
            t.refused(said(f"a guess, {left} left"), ERR.PIN_INVALID, get, WRONG)
        get(PIN)
        t.equal(said("the right one gives all back"), pin.get_pin_retries()[0], 8)
        for left in range(7, 0, -1):
            third = left in (5, 2)
            t.refused(said(f"guessing on, {left} left"), ERR.PIN_AUTH_BLOCKED if third else ERR.PIN_INVALID, get, WRONG)
            if third:
                key.power_cycle()
                pin = ClientPin(key.ctap(), protocol())
        t.refused(said("the eighth blocks the PIN"), ERR.PIN_BLOCKED, get, WRONG)
        key.power_cycle()
        pin = ClientPin(key.ctap(), protocol())
        t.refused(said("for good"), ERR.PIN_BLOCKED, get, PIN)
        t.refused(said("it can't be changed either"), ERR.PIN_BLOCKED, pin.change_pin, PIN, "3141")
        t.equal(said("none is left"), pin.get_pin_retries()[0], 0)
        assertion = use(key.ctap(), allow=[credential_id(credential)])
        t.check(said("sign-in without verification goes on"), assertion.auth_data.is_user_present())
        key.ctap().reset()
        with_pin(key, "1618")
        token(key.ctap(), PERMISSION.CREDENTIAL_MGMT, pin="1618", protocol=protocol)
        t.check(said("a reset gives a new start"), True)


def misused(t):
    """Messages that no library sends."""
    key = t.key()
    ctap = with_pin(key)
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        pin = ClientPin(ctap, protocol())
        call = lambda sub, **members: ctap.client_pin(protocol.VERSION, sub, **members)
        agreement, secret = pin._get_shared_secret()
        hashed = pin.protocol.encrypt(secret, sha256(PIN.encode())[:16])
        t.refused(said("no key agreement"), ERR.MISSING_PARAMETER, call, 0x09, pin_hash_enc=hashed, permissions=4)
        t.refused(said("no PIN"), ERR.MISSING_PARAMETER, call, 0x09, key_agreement=agreement, permissions=4)
        t.refused(said("no permissions"), ERR.MISSING_PARAMETER, call, 0x09, key_agreement=agreement, pin_hash_enc=hashed)
        off = dict(agreement)
        off[-3] = bytes(32)
        t.refused(said("a point that is not on the curve"), ERR.INVALID_PARAMETER, call, 0x05, key_agreement=off, pin_hash_enc=hashed)
        t.refused(said("permissions in the request of CTAP 2.0"), ERR.INVALID_PARAMETER, call, 0x05, key_agreement=agreement, pin_hash_enc=hashed, permissions=4)
        t.refused(said("verification that is not built in"), ERR.INVALID_SUBCOMMAND, pin.get_uv_token, PERMISSION.CREDENTIAL_MGMT)
        encrypted = pin.protocol.encrypt(secret, b"3141".ljust(64, b"\0"))
        wrong = pin.protocol.authenticate(secret, encrypted)
        t.refused(
            said("a change with a wrong MAC"),
            ERR.PIN_AUTH_INVALID,
            call,
            0x04,
            key_agreement=agreement,
            pin_hash_enc=hashed,
            new_pin_enc=encrypted,
            pin_uv_param=wrong,
        )
        t.equal(said("none of it was a guess"), pin.get_pin_retries()[0], 8)
        t.refused(said("an unknown subcommand"), ERR.INVALID_SUBCOMMAND, call, 0x0A)
    t.refused("a protocol that is not known", ERR.INVALID_PARAMETER, ctap.client_pin, 3, 0x02)


TOPICS = [set_and_changed, guessed, misused]
