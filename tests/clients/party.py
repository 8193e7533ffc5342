"""A relying party and its client, both python-fido2's; and the short way to what the topics need
often.
"""

import os

from fido2.attestation import Attestation, AttestationType
from fido2.client import DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.ctap2 import ClientPin, Ctap2
from fido2.ctap2.extensions import (
    CredBlobExtension,
    CredPropsExtension,
    CredProtectExtension,
    HmacSecretExtension,
    LargeBlobExtension,
    MinPinLengthExtension,
    PinComplexityPolicyExtension,
    ThirdPartyPaymentExtension,
)
from fido2.ctap2.pin import PinProtocolV1, PinProtocolV2
from fido2.server import Fido2Server
from fido2.webauthn import PublicKeyCredentialParameters

PERMISSION = ClientPin.PERMISSION
PROTOCOLS = [PinProtocolV1, PinProtocolV2]
PIN = "2718"
RP = {"id": "example.org", "name": "Example"}
ORIGIN = "https://example.org"
ES256 = [{"type": "public-key", "alg": -7}]
HASH = bytes(range(32))


class Holder(UserInteraction):
    """Knows the PIN, and counts how often it is told to touch the key."""

    def __init__(self, pin):
        self.pin = pin
        self.prompts = 0

    def prompt_up(self):
        self.prompts += 1

    def request_pin(self, permissions, rp_id):
        return self.pin


def extensions():
    return [
        HmacSecretExtension(allow_hmac_secret=True),
        LargeBlobExtension(),
        CredBlobExtension(),
        CredProtectExtension(),
        MinPinLengthExtension(),
        PinComplexityPolicyExtension(),
        CredPropsExtension(),
        ThirdPartyPaymentExtension(),
    ]


class Attested:
    """Verifies every attestation statement with python-fido2's verifier for its format."""

    def __init__(self):
        self.formats = []
        self.types = []
        self.paths = []

    def __call__(self, attestation, client_data_hash):
        result = Attestation.for_type(attestation.fmt)().verify(
            attestation.att_stmt, attestation.auth_data, client_data_hash
        )
        self.formats.append(attestation.fmt)
        self.types.append(result.attestation_type)
        self.paths.append(result.trust_path)


class Party:
    """A relying party and a client for it."""

    def __init__(self, device, pin=PIN, rp=RP, attestation="direct", algorithms=None):
        self.attested = Attested()
        self.server = Fido2Server(rp, attestation=attestation, verify_attestation=self.attested)
        if algorithms:
            self.server.allowed_algorithms = [
                PublicKeyCredentialParameters(type="public-key", alg=alg) for alg in algorithms
            ]
        self.holder = Holder(pin)
        collector = DefaultClientDataCollector(f"https://{rp['id']}")
        self.client = Fido2Client(device, collector, self.holder, extensions())

    def register(self, user=None, event=None, exclude=None, rk="required", uv=None, extensions=None):
        """A new credential, verified: its data, and the whole response of the client."""
        user = user or {"id": os.urandom(16), "name": "jo", "displayName": "Jo"}
        options, state = self.server.register_begin(
            user,
            credentials=exclude,
            resident_key_requirement=rk,
            user_verification=uv,
            extensions=extensions,
        )
        response = self.client.make_credential(options.public_key, event)
        return self.server.register_complete(state, response), response

    def sign_in(self, credentials, allow=None, event=None, uv=None, extensions=None, index=0):
        """An assertion, verified against the registered credentials: whose it is, and the client's
        response.
        """
        options, state = self.server.authenticate_begin(
            allow, user_verification=uv, extensions=extensions
        )
        selection = self.client.get_assertion(options.public_key, event)
        response = selection.get_response(index)
        return self.server.authenticate_complete(state, credentials, response), response


SELF = AttestationType.SELF


def make(ctap: Ctap2, rp=RP["id"], user=b"\1", name=None, rk=True, extensions=None, auth=None, **more):
    """A bare authenticatorMakeCredential. `auth` is a PIN/UV auth protocol and a token."""
    user = {"id": user} if name is None else {"id": user, "name": name, "displayName": name.title()}
    param, version = authenticate(auth)
    options = {"rk": True} if rk else None
    return ctap.make_credential(
        HASH, {"id": rp}, user, ES256, more.pop("exclude", None), extensions, options, param, version, **more
    )


def use(ctap: Ctap2, rp=RP["id"], allow=None, extensions=None, options=None, auth=None, **more):
    """A bare authenticatorGetAssertion."""
    param, version = authenticate(auth)
    allow = [descriptor(id) for id in allow] if allow is not None else None
    return ctap.get_assertion(rp, HASH, allow, extensions, options, param, version, **more)


def authenticate(auth):
    if auth is None:
        return None, None
    protocol, token = auth
    return protocol.authenticate(token, HASH), protocol.VERSION


def descriptor(credential_id):
    return {"type": "public-key", "id": credential_id}


def credential_id(response):
    return response.auth_data.credential_data.credential_id


def token(ctap, permissions, rp=RP["id"], pin=PIN, protocol=PinProtocolV2):
    """A PIN/UV auth protocol and a token of it."""
    protocol = protocol()
    return protocol, ClientPin(ctap, protocol).get_pin_token(pin, permissions, rp)


def with_pin(key, pin=PIN):
    """A client of a key that has a PIN now."""
    ClientPin(key.ctap()).set_pin(pin)
    return key.ctap()
