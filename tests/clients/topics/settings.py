"""authenticatorConfig: verification always, the length of the PIN, a PIN that must be changed."""

from fido2.ctap2 import ClientPin, Config

from party import PERMISSION, PIN, PROTOCOLS, Party, credential_id, make, token, use, with_pin
from topic import ERR


def config(ctap, protocol=PROTOCOLS[0], pin=PIN):
    return Config(ctap, *token(ctap, PERMISSION.AUTHENTICATOR_CFG, rp=None, pin=pin, protocol=protocol))


def always_verified(t):
    key = t.key()
    id = credential_id(make(key.ctap()))
    ctap = key.ctap()
    Config(ctap).toggle_always_uv()
    info = ctap.get_info()
    t.equal("without a PIN anybody turns it on", (info.options["alwaysUv"], info.options.get("makeCredUvNotRqd", False)), (True, False))
    t.refused("then nothing goes without a PIN", ERR.PUAT_REQUIRED, use, ctap, allow=[id])
    Config(ctap).toggle_always_uv()
    t.equal("and off again", ctap.get_info().options["alwaysUv"], False)
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        key = t.key()
        id = credential_id(make(key.ctap()))
        ctap = with_pin(key)
        t.refused(said("not without the PIN"), ERR.PUAT_REQUIRED, Config(ctap).toggle_always_uv)
        config(ctap, protocol).toggle_always_uv()
        t.equal(said("on"), ctap.get_info().options["alwaysUv"], True)
        t.refused(said("signing in without verification"), ERR.PUAT_REQUIRED, use, ctap, allow=[id])
        t.refused(said("registering without it"), ERR.PUAT_REQUIRED, make, ctap, rk=False)
        t.check(said("a silent look-up goes on"), use(ctap, allow=[id], options={"up": False}))
        party = Party(key.device())
        registered, _ = party.register(uv="discouraged")
        _, response = party.sign_in([registered.credential_data], uv="discouraged")
        t.check(said("a client verifies unasked"), response.response.authenticator_data.is_user_verified())
        key.power_cycle()
        ctap = key.ctap()
        t.equal(said("it outlives a power cycle"), ctap.info.options["alwaysUv"], True)
        config(ctap, protocol).toggle_always_uv()
        t.equal(said("off"), ctap.get_info().options["alwaysUv"], False)
        use(ctap, allow=[id])
        t.check(said("signing in without verification is possible again"), True)


def longer_pins(t):
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        key = t.key()
        ctap = with_pin(key, "123456")
        config(ctap, protocol, "123456").set_min_pin_length(6, ["example.org"])
        info = ctap.get_info()
        t.equal(said("a PIN that is long enough stays"), (info.min_pin_length, info.force_pin_change), (6, False))
        t.refused(said("it can't be shortened"), ERR.PIN_POLICY_VIOLATION, config(ctap, protocol, "123456").set_min_pin_length, 5)
        t.refused(said("nor be longer than a PIN can be"), ERR.PIN_POLICY_VIOLATION, config(ctap, protocol, "123456").set_min_pin_length, 64)
        named, _ = Party(key.device(), pin="123456").register(extensions={"minPinLength": True})
        t.equal(said("a relying party that is named learns it"), named.extensions, {"minPinLength": 6})
        other = Party(key.device(), pin="123456", rp={"id": "other.example", "name": "Other"})
        unnamed, _ = other.register(extensions={"minPinLength": True})
        t.equal(said("others do not"), unnamed.extensions, None)
        many = [f"{n}.example" for n in range(info.max_rpids_for_min_pin + 1)]
        t.refused(said("too many names"), ERR.KEY_STORE_FULL, config(ctap, protocol, "123456").set_min_pin_length, None, many)
        config(ctap, protocol, "123456").set_min_pin_length(8)
        t.equal(said("a PIN that is too short must be changed"), ctap.get_info().force_pin_change, True)
        must_change(t, said, ctap, protocol, "123456", too_short="7777777", good="55555555")


def forced_change(t):
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        key = t.key()
        t.refused(said("there is no PIN to change"), ERR.PIN_NOT_SET, Config(key.ctap()).set_min_pin_length, None, None, True)
        ctap = with_pin(key)
        setting = config(ctap, protocol)
        setting.set_min_pin_length(force_change_pin=True)
        t.equal(said("it must be changed"), ctap.get_info().force_pin_change, True)
        t.refused(said("the token that said so is gone"), ERR.PIN_AUTH_INVALID, setting.set_min_pin_length, 5)
        key.power_cycle()
        must_change(t, said, key.ctap(), protocol, PIN, too_short="321", good="55555")


def must_change(t, said, ctap, protocol, old, too_short, good):
    pin = ClientPin(ctap, protocol())
    t.refused(said("no token until then"), ERR.PIN_POLICY_VIOLATION, pin.get_pin_token, old, PERMISSION.CREDENTIAL_MGMT)
    t.refused(said("nor one of CTAP 2.0"), ERR.PIN_INVALID, pin.get_pin_token, old)
    if len(too_short) >= 4:
        t.refused(said("not to one that is too short"), ERR.PIN_POLICY_VIOLATION, pin.change_pin, old, too_short)
    t.refused(said("not to the same"), ERR.PIN_POLICY_VIOLATION, pin.change_pin, old, old)
    pin.change_pin(old, good)
    t.equal(said("changed"), ctap.get_info().force_pin_change, False)
    pin.get_pin_token(good, PERMISSION.CREDENTIAL_MGMT)
    t.check(said("and good again"), True)


def unknown(t):
    key = t.key()
    ctap = with_pin(key)
    info = ctap.info
    t.check("what can be set is listed", {2, 3} <= set(info.authenticator_config_commands), info.authenticator_config_commands)
    for sub in (0x7E, 0xFF):
        t.refused(f"subcommand {sub:#x}", ERR.INVALID_SUBCOMMAND, ctap.config, sub)
    t.refused("no subcommand", ERR.MISSING_PARAMETER, ctap.send_cbor, 0x0D, {})


TOPICS = [always_verified, longer_pins, forced_change, unknown]
