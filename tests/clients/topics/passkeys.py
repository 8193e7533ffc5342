"""Passkeys: registration and sign-in as relying parties see them, and what the key refuses."""

import subprocess
import sys
from pathlib import Path

from fido2.client import ClientError
from fido2.cose import CoseKey
from fido2.ctap2 import Ctap2
from fido2.webauthn import AuthenticatorData

from party import (
    ES256,
    HASH,
    PERMISSION,
    PIN,
    PROTOCOLS,
    RP,
    SELF,
    Party,
    authenticate,
    credential_id,
    descriptor,
    make,
    token,
    use,
    with_pin,
)
from topic import ERR

FLAG = AuthenticatorData.FLAG


def information(t):
    key = t.key()
    info = key.ctap().info
    t.check("the answer is canonical CBOR", True)
    t.check("FIDO_2_0, FIDO_2_1 and FIDO_2_3 are claimed", {"FIDO_2_0", "FIDO_2_1", "FIDO_2_3"} <= set(info.versions), info.versions)
    t.check("FIDO_2_2, which was never defined, is not", "FIDO_2_2" not in info.versions, info.versions)
    for option, value in {
        "rk": True,
        "clientPin": False,
        "pinUvAuthToken": True,
        "credMgmt": True,
        "perCredMgmtRO": True,
        "largeBlobs": True,
        "authnrCfg": True,
        "setMinPINLength": True,
        "alwaysUv": False,
        "makeCredUvNotRqd": True,
    }.items():
        t.equal(f"option {option}", info.options.get(option), value)
    t.check("neither uv nor plat is claimed", not info.options.get("uv") and not info.options.get("plat"), info.options)
    t.equal("PIN/UV auth protocol two is preferred", list(info.pin_uv_protocols), [2, 1])
    t.equal("transports", list(info.transports), ["usb"])
    t.check(
        "extensions",
        {"credProtect", "hmac-secret", "hmac-secret-mc", "credBlob", "largeBlobKey", "minPinLength", "thirdPartyPayment"}
        <= set(info.extensions),
        info.extensions,
    )
    t.check("the longest message is at least 1024 bytes", info.max_msg_size >= 1024, info.max_msg_size)
    with_pin(key)
    t.equal("a PIN that is set shows", key.ctap().info.options["clientPin"], True)


def algorithms(t):
    """Each algorithm that both sides know, alone and last in the list."""
    key = t.key()
    device = key.device()
    listed = [entry["alg"] for entry in Ctap2(device).info.algorithms]
    t.check("ES256, EdDSA and ES384 are listed", {-7, -8, -35} <= set(listed), listed)
    known = [alg for alg in listed if alg in CoseKey.supported_algorithms()]
    for alg in known:
        name = CoseKey.for_alg(alg).__name__
        party = Party(device, algorithms=[-65535, alg])
        registered, _ = party.register(uv="discouraged")
        credential = registered.credential_data
        t.equal(f"{name}: registered", credential.public_key.ALGORITHM, alg)
        t.equal(f"{name}: attestation by the credential itself is verified", (party.attested.formats, party.attested.types), (["packed"], [SELF]))
        party.sign_in([credential], uv="discouraged")
        t.check(f"{name}: signed in", True)
    first, second = known[-1], known[0]
    registered, _ = Party(device, algorithms=[first, second]).register(uv="discouraged")
    t.equal("the relying party's order decides", registered.credential_data.public_key.ALGORITHM, first)
    t.refused("no known algorithm", ERR.UNSUPPORTED_ALGORITHM, lambda: Party(device, algorithms=[-65535]).register(uv="discouraged"))


def formats(t):
    """Attestation formats by the preference of the relying party (CTAP 2.2)."""
    ctap = t.key().ctap()

    def preferring(*formats):
        request = {1: HASH, 2: RP, 3: {"id": b"\1"}, 4: ES256}
        if formats:
            request[11] = list(formats)
        return ctap.send_cbor(Ctap2.CMD.MAKE_CREDENTIAL, request)

    t.equal("packed is made unasked", preferring()[1], "packed")
    t.equal("packed is made when it is asked for", preferring("tpm", "packed", "none")[1], "packed")
    none = preferring("none")
    t.equal("none is made when it is asked for", (none[1], none.get(3, {})), ("none", {}))
    t.equal("a format that is not known is passed over", preferring("android-key")[1], "packed")
    t.check("it is not capable of enterprise attestation", "ep" not in ctap.info.options, ctap.info.options)
    for kind in (1, 2, 3):
        t.refused(f"enterprise attestation {kind}", ERR.INVALID_PARAMETER, make, ctap, enterprise_attestation=kind)
    t.refused("nor can it be turned on", ERR.INVALID_SUBCOMMAND, ctap.config, 0x01)


def sign_in(t):
    """One relying party, with and without the PIN."""
    key = t.key()
    device = key.device()
    party = Party(device)
    first, _ = party.register(uv="discouraged")
    t.check("without a PIN nobody is verified", not first.is_user_verified())
    t.equal("the holder is told to touch the key", party.holder.prompts, 1)
    t.refused(
        "registering with verification is not possible yet",
        ClientError.ERR.CONFIGURATION_UNSUPPORTED,
        lambda: as_client_code(lambda: party.register(uv="required")),
    )
    with_pin(key)
    party = Party(device)
    second, response = party.register(uv="required", extensions={"credProps": True})
    t.check("with a PIN the holder is verified", second.is_user_verified())
    t.equal("credProps says that it is discoverable", response.client_extension_results["credProps"]["rk"], True)
    credentials = [first.credential_data, second.credential_data]
    matched, response = party.sign_in(credentials, uv="required")
    t.check("sign-in without a list finds the newest", matched is credentials[1])
    t.check("verified", response.response.authenticator_data.is_user_verified())
    t.check("and says whose it is", response.response.user_handle is not None)
    matched, response = party.sign_in(credentials, allow=credentials[:1], uv="discouraged")
    t.check("sign-in with a list takes what is on it", matched is credentials[0])
    t.check("not verified", not response.response.authenticator_data.is_user_verified())
    wrong = Party(device, pin="1111")
    t.refused("a wrong PIN", ERR.PIN_INVALID, lambda: wrong.sign_in(credentials, uv="required"))
    t.refused("an excluded credential", ERR.CREDENTIAL_EXCLUDED, lambda: party.register(exclude=credentials))
    other = Party(device, rp={"id": "other.example", "name": "Other"})
    t.refused("another relying party finds nothing", ERR.NO_CREDENTIALS, lambda: other.sign_in(credentials))
    t.refused("not even by the id", ERR.NO_CREDENTIALS, lambda: other.sign_in(credentials, allow=credentials))
    registered, _ = other.register(exclude=credentials)
    t.check("and excludes nothing of others", registered.credential_data is not None)


def as_client_code(call):
    """Raises the client's own code as if it were a status."""
    try:
        return call()
    except ClientError as error:
        error.cause = error
        raise


def accounts(t):
    """Several accounts at one relying party, without a display: the client chooses."""
    key = t.key()
    ctap = with_pin(key)
    names = ["ada", "bob", "eve"]
    for n, name in enumerate(names):
        make(ctap, user=bytes([n]), name=name, auth=token(ctap, PERMISSION.MAKE_CREDENTIAL))
    found = ctap.get_assertions(*bare(auth=token(ctap, PERMISSION.GET_ASSERTION)))
    t.equal("all come, the newest first", [a.user["name"] for a in found], names[::-1])
    t.equal("only the first says how many", [a.number_of_credentials for a in found], [3, None, None])
    counters = [a.auth_data.counter for a in found]
    t.check("the counter rises with each", counters == sorted(set(counters)), counters)
    t.refused("there is no fourth", ERR.NOT_ALLOWED, ctap.get_next_assertion)
    found = ctap.get_assertions(*bare())
    t.equal("names are for the verified only", [list(a.user) for a in found], [["id"]] * 3)
    use(ctap)
    ctap.get_info()
    t.refused("another command ends the choice", ERR.NOT_ALLOWED, ctap.get_next_assertion)
    use(ctap)
    t.refused("another channel can't go on", ERR.NOT_ALLOWED, key.ctap().get_next_assertion)
    use(ctap)
    key.power_cycle()
    ctap = key.ctap()
    t.refused("a power cycle ends the choice", ERR.NOT_ALLOWED, ctap.get_next_assertion)
    before = use(ctap, allow=[b"\0" * 16, found[0].credential["id"]])
    t.equal("with a list there is one answer", before.number_of_credentials, None)
    t.check("counters outlive a power cycle", before.auth_data.counter > counters[-1], before.auth_data.counter)
    overwritten = make(ctap, user=bytes([2]), auth=token(ctap, PERMISSION.MAKE_CREDENTIAL))
    found = ctap.get_assertions(*bare())
    t.equal("the same account again replaces its credential", len(found), 3)
    t.equal("by a new one", found[0].credential["id"], credential_id(overwritten))
    t.refused("the one before is gone", ERR.NO_CREDENTIALS, use, ctap, allow=[before.credential["id"]])


def bare(auth=None):
    return RP["id"], HASH, None, None, None, *authenticate(auth)


def silently(t):
    """What is asked and refused without a touch: the key gets none here."""
    key = t.key()
    ctap = key.ctap()
    made = make(ctap)
    id = credential_id(made)
    key.presence("deny")
    silent = {"up": False}
    seen = use(ctap, allow=[id], options=silent)
    t.check("a silent look-up needs no touch", not seen.auth_data.is_user_present(), seen.auth_data.flags)
    seen.verify(HASH, made.auth_data.credential_data.public_key)
    t.check("it is signed", True)
    t.refused("a silent look-up for others finds nothing", ERR.NO_CREDENTIALS, use, ctap, allow=[b"\0" * 32], options=silent)
    t.refused("an empty list names nothing", ERR.NO_CREDENTIALS, use, ctap, allow=[], options=silent)
    too_many = [bytes([n]) * 16 for n in range(ctap.info.max_creds_in_list + 1)]
    t.refused("too long a list", ERR.LIMIT_EXCEEDED, use, ctap, allow=too_many)
    excluded = [descriptor(id) for id in too_many]
    t.refused("too long a list to exclude", ERR.LIMIT_EXCEEDED, make, ctap, exclude=excluded)
    t.refused("verification that is not built in", ERR.INVALID_OPTION, use, ctap, options={"uv": True})
    t.refused("rk when signing in", ERR.UNSUPPORTED_OPTION, use, ctap, options={"rk": True})
    for option in ("up", "uv"):
        request = {1: HASH, 2: RP, 3: {"id": b"\1"}, 4: ES256, 7: {option: option == "uv"}}
        t.refused(f"making one with {option}={request[7][option]}", ERR.INVALID_OPTION, ctap.send_cbor, 1, request)
    for what, request, status in [
        ("no client data hash", {2: RP, 3: {"id": b"\1"}, 4: ES256}, ERR.MISSING_PARAMETER),
        ("no relying party", {1: HASH, 3: {"id": b"\1"}, 4: ES256}, ERR.MISSING_PARAMETER),
        ("text for a hash", {1: "x" * 32, 2: RP, 3: {"id": b"\1"}, 4: ES256}, ERR.CBOR_UNEXPECTED_TYPE),
        ("a user that is no map", {1: HASH, 2: RP, 3: [b"\1"], 4: ES256}, ERR.CBOR_UNEXPECTED_TYPE),
    ]:
        t.refused(f"a request with {what}", status, ctap.send_cbor, 1, request)
    raw = ctap.device.call
    for what, request, status in [
        ("cut short", b"\x02\xa1\x01", ERR.INVALID_CBOR),
        ("with something behind it", b"\x02\xa0\x00", ERR.INVALID_CBOR),
        ("with keys out of order", bytes.fromhex("02a2025820") + HASH + bytes.fromhex("016161"), ERR.INVALID_CBOR),
        ("of indefinite length", b"\x02\xbf\xff", ERR.INVALID_CBOR),
        ("with an unknown command", b"\x3f", ERR.INVALID_COMMAND),
    ]:
        answer = raw(0x10, request)
        t.equal(f"a request {what} ({int(status):02x})", answer, bytes([status]))


def first_touch(t):
    """An empty pinUvAuthParam asks for a touch only: how clients let somebody point at a key."""
    key = t.key()
    ctap = key.ctap()
    for version in (1, 2):
        request = {1: HASH, 2: RP, 3: {"id": b"\1"}, 4: ES256, 8: b"", 9: version}
        t.refused(f"protocol {version}: touched, and no PIN is set", ERR.PIN_NOT_SET, ctap.send_cbor, 1, request)
    with_pin(key)
    for version in (1, 2):
        request = {1: RP["id"], 2: HASH, 6: b"", 7: version}
        t.refused(f"protocol {version}: touched, and a PIN is set", ERR.PIN_INVALID, ctap.send_cbor, 2, request)
    Party(key.device()).client.selection()
    t.check("selection by a touch", True)
    for protocol in PROTOCOLS:
        t.check(f"protocol {protocol.VERSION}: the touch took no attempt away", token(ctap, PERMISSION.GET_ASSERTION, pin=PIN, protocol=protocol))


def documented(t):
    """The example in docs/cli.md, as it stands but for the port."""
    key = t.key()
    page = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
    example = page.split("```python\n")[1].split("```")[0]
    port = key.addresses["udp"].rsplit(":", 1)[1]
    ran = subprocess.run([sys.executable, "-c", example.replace("8111", port)], capture_output=True, text=True)
    t.check("it prints what the key says of itself", ran.returncode == 0 and "FIDO_2_3" in ran.stdout, ran.stderr)


TOPICS = [documented, information, algorithms, formats, sign_in, accounts, silently, first_touch]
