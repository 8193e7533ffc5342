"""Large blobs: an encrypted entry for each credential, in an array that the key does not
understand.
"""

import os

from fido2.ctap2 import LargeBlobs
from fido2.ctap2.blob import _lb_unpack
from fido2.utils import sha256

from party import PERMISSION, PROTOCOLS, Party, make, token, with_pin
from topic import ERR

INITIAL = bytes.fromhex("8076be8b528d0075f7aae98d6fa57a6d3c")


def through_a_relying_party(t):
    """The extension largeBlob of WebAuthn, as python-fido2's client carries it out."""
    key = t.key()
    device = key.device()
    with_pin(key)
    party = Party(device)
    registered, response = party.register(extensions={"largeBlob": {"support": "required"}})
    t.equal("supported", response.client_extension_results.large_blob.supported, True)
    credential = [registered.credential_data]
    _, response = party.sign_in(credential, extensions={"largeBlob": {"read": True}})
    t.equal("nothing is there at first", response.client_extension_results.large_blob.blob, None)
    blob = os.urandom(1500)
    _, response = party.sign_in(credential, allow=credential, extensions={"largeBlob": {"write": blob}})
    t.equal("1500 bytes are written", response.client_extension_results.large_blob.written, True)
    key.power_cycle()
    party = Party(key.device())
    _, response = party.sign_in(credential, extensions={"largeBlob": {"read": True}})
    t.equal("and read after a power cycle", response.client_extension_results.large_blob.blob, blob)
    plain, response = party.register(user={"id": b"plain", "name": "plain"}, extensions={"credProps": True})
    t.check("a credential without the extension has no key", "largeBlob" not in response.client_extension_results)
    _, response = party.sign_in([plain.credential_data], allow=[plain.credential_data], extensions={"largeBlob": {"read": True}})
    t.check("and no blob", "largeBlob" not in response.client_extension_results)


def array(t):
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        key = t.key()
        ctap = key.ctap()
        keys = [make(ctap, user=bytes([n]), extensions={"largeBlobKey": True}).large_blob_key for n in range(3)]
        t.equal(said("each credential has a key of its own"), len(set(keys)), 3)
        t.equal(said("it is 32 bytes"), {len(it) for it in keys}, {32})
        LargeBlobs(ctap).put_blob(keys[0], b"free")
        t.equal(said("without a PIN anybody writes"), LargeBlobs(ctap).get_blob(keys[0]), b"free")
        ctap = with_pin(key)
        t.refused(said("with a PIN nobody does without it"), ERR.PUAT_REQUIRED, LargeBlobs(ctap).write_blob_array, [])
        auth = token(ctap, PERMISSION.LARGE_BLOB_WRITE, rp=None, protocol=protocol)
        blobs = LargeBlobs(ctap, *auth)
        for n, large_blob_key in enumerate(keys):
            blobs.put_blob(large_blob_key, os.urandom(400) + bytes([n]))
        t.equal(said("entries are added"), [blobs.get_blob(it)[-1] for it in keys], [0, 1, 2])
        blobs.put_blob(keys[1], b"shorter")
        t.equal(said("one is replaced"), (len(blobs.read_blob_array()), blobs.get_blob(keys[1])), (3, b"shorter"))
        # What a client does when a credential is gone: entries that no key opens are taken out.
        blobs.write_blob_array([it for it in blobs.read_blob_array() if any(opens(k, it) for k in keys[1:])])
        t.equal(said("garbage is collected"), [blobs.get_blob(it) is not None for it in keys], [False, True, True])
        blobs.delete_blob(keys[1])
        blobs.delete_blob(keys[2])
        t.equal(said("all are deleted"), LargeBlobs(key.ctap()).read_blob_array(), [])
        t.equal(said("and the array is what it was"), ctap.large_blobs(0, get=1000)[1], INITIAL)


def opens(large_blob_key, entry):
    try:
        return bool(_lb_unpack(large_blob_key, entry))
    except ValueError:
        return False


def refusals(t):
    key = t.key()
    ctap = with_pin(key)
    info = ctap.info
    longest = info.max_msg_size - 64
    most = 800
    auth = token(ctap, PERMISSION.LARGE_BLOB_WRITE, rp=None)

    def write(offset, fragment, length=None):
        message = b"\xff" * 32 + b"\x0c\x00" + offset.to_bytes(4, "little") + sha256(fragment)
        param = auth[0].authenticate(auth[1], message)
        return ctap.large_blobs(offset, set=fragment, length=length, pin_uv_param=param, pin_uv_protocol=2)

    ok = bytes([0x59, 0x07, 0xD0]) + os.urandom(2000)
    ok = bytes([0x81]) + ok
    ok += sha256(ok)[:16]
    t.check("an array of at least 1024 bytes fits", info.max_large_blob >= 1024, info.max_large_blob)
    t.refused("more than fits", ERR.LARGE_BLOB_STORAGE_FULL, write, 0, ok[:most], info.max_large_blob + 1)
    t.refused("less than an empty array", ERR.INVALID_PARAMETER, write, 0, ok[:16], 16)
    t.refused("no length at the beginning", ERR.INVALID_PARAMETER, write, 0, ok[:most])
    t.refused("a fragment that is too long", ERR.INVALID_LENGTH, ctap.large_blobs, 0, get=longest + 1)
    t.refused("reading behind the end", ERR.INVALID_PARAMETER, ctap.large_blobs, 18, get=1)
    t.refused("reading and writing at once", ERR.INVALID_PARAMETER, ctap.large_blobs, 0, get=1, set=b"a", length=17)
    t.refused("neither", ERR.INVALID_PARAMETER, ctap.large_blobs, 0)
    t.refused("no offset", ERR.INVALID_PARAMETER, ctap.send_cbor, 0x0C, {1: 17})
    t.refused("going on with nothing", ERR.INVALID_SEQ, write, most, ok[most:])
    write(0, ok[:most], len(ok))
    t.refused("leaving something out", ERR.INVALID_SEQ, write, most + 1, ok[most + 1 :])
    write(0, ok[:most], len(ok))
    t.refused("more than was announced", ERR.INVALID_PARAMETER, write, most, ok[most:] + b"x")
    wrong = ok[:-1] + bytes([ok[-1] ^ 1])
    for start in range(0, len(ok), most):
        if start + most < len(ok):
            write(start, wrong[start : start + most], len(wrong) if start == 0 else None)
        else:
            t.refused("a checksum that is wrong", ERR.INTEGRITY_FAILURE, write, start, wrong[start:])
    t.equal("nothing was written", ctap.large_blobs(0, get=most)[1], INITIAL)
    t.equal("nothing can be read as well", ctap.large_blobs(17, get=0)[1], b"")
    for start in range(0, len(ok), most):
        write(start, ok[start : start + most], len(ok) if start == 0 else None)
    read = b"".join(ctap.large_blobs(start, get=most)[1] for start in range(0, len(ok), most))
    t.equal("all of it right, in several fragments", read, ok)
    for what, value, status in [("false", False, ERR.INVALID_OPTION), ("a number", 1, ERR.CBOR_UNEXPECTED_TYPE)]:
        auth = token(ctap, PERMISSION.MAKE_CREDENTIAL)
        t.refused(f"largeBlobKey as {what}", status, make, ctap, extensions={"largeBlobKey": value}, auth=auth)
    auth = token(ctap, PERMISSION.MAKE_CREDENTIAL)
    t.refused("largeBlobKey without rk", ERR.INVALID_OPTION, make, ctap, rk=False, extensions={"largeBlobKey": True}, auth=auth)


def by_extension(t):
    """The extension of CTAP 2.3, which python-fido2 does not speak yet: the messages are written
    out.
    """
    key = t.key("--large-blobs=extension")
    ctap = key.ctap()
    t.check("largeBlob is offered", "largeBlob" in ctap.info.extensions, ctap.info.extensions)
    t.check("and the command is not", not ctap.info.options.get("largeBlobs") and "largeBlobKey" not in ctap.info.extensions, ctap.info.options)
    t.refused("nor there", ERR.INVALID_COMMAND, ctap.large_blobs, 0, get=17)
    made = make(ctap, extensions={"largeBlob": {"support": "required"}})
    t.equal("supported", made.unsigned_extension_outputs, {"largeBlob": {"supported": True}})
    t.check("which is not signed", not made.auth_data.extensions)
    plain = make(ctap, user=b"\2")
    with_pin(key)
    ctap = key.ctap()

    def ask(credential, request):
        id = credential.auth_data.credential_data.credential_id
        protocol, secret = token(ctap, PERMISSION.GET_ASSERTION)
        answer = ctap.send_cbor(
            0x02,
            {1: "example.org", 2: bytes(32), 3: [{"type": "public-key", "id": id}], 4: {"largeBlob": request}}
            | {6: protocol.authenticate(secret, bytes(32)), 7: protocol.VERSION},
        )
        return answer.get(8, {}).get("largeBlob")

    t.check("nothing is there at first", not ask(made, {"read": True}))
    blob = os.urandom(1500)
    t.equal("written", ask(made, {"write": blob, "originalSize": 3000}), {"written": True})
    key.power_cycle()
    ctap = key.ctap()
    t.equal("read after a power cycle", ask(made, {"read": True}), {"blob": blob, "originalSize": 3000})
    t.equal("written over", ask(made, {"write": b"short", "originalSize": 5}), {"written": True})
    t.equal("and read", ask(made, {"read": True}), {"blob": b"short", "originalSize": 5})
    t.equal("not with a credential that was made without", ask(plain, {"write": b"x", "originalSize": 1}), {"written": False})
    t.refused("reading and writing at once", ERR.INVALID_CBOR, ask, made, {"read": True, "write": b"x", "originalSize": 1})


TOPICS = [through_a_relying_party, array, refusals, by_extension]
