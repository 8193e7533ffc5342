"""Sites that verify with libraries by other authors, and keep the passkeys that they accepted."""

import base64
from dataclasses import dataclass
from importlib.metadata import version

from fido2.attestation import Attestation, verify_x509_chain
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import AttestationFormat

ES256, EDDSA, ES384, RS256 = -7, -8, -35, -257


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Accepted:
    """What a registration told; a library that does not look at something leaves it out."""

    attestation: str | None = None
    backup_eligible: bool | None = None
    backed_up: bool | None = None


@dataclass
class Passkey:
    id: bytes
    key: bytes
    count: int


class PyWebauthn:
    """py_webauthn, a server's library."""

    title = "py_webauthn"
    name = f"{title} {version('webauthn')}"
    known = {int(algorithm) for algorithm in COSEAlgorithmIdentifier}
    must_know = {ES256, EDDSA, RS256}
    # Of android-key it takes chains that end with the root itself, as phones send them.
    formats = {format.value for format in AttestationFormat} - {"android-key"}

    def __init__(self, case):
        self.case = case
        self.passkeys = []

    def expected(self, options):
        return {
            "expected_challenge": decode(options["challenge"]),
            "expected_rp_id": self.case["rpId"],
            "expected_origin": self.case["origin"],
            "require_user_verification": self.case["verifies"],
        }

    def roots(self):
        if self.case.get("root") is None:
            return {}
        pem = f"-----BEGIN CERTIFICATE-----\n{self.case['root']}\n-----END CERTIFICATE-----\n"
        return {AttestationFormat(self.case["attestation"]): [pem.encode()]}

    def register(self, options, response):
        verified = verify_registration_response(
            credential=response,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(self.case["algorithm"])],
            pem_root_certs_bytes_by_fmt=self.roots(),
            **self.expected(options),
        )
        key = verified.credential_public_key
        self.passkeys.append(Passkey(verified.credential_id, key, verified.sign_count))
        several = verified.credential_device_type == "multi_device"
        return Accepted(verified.fmt, several, verified.credential_backed_up)

    def sign_in(self, options, response):
        """The counter that is kept now."""
        id = decode(response["rawId"])
        passkey = next((it for it in self.passkeys if it.id == id), None)
        if passkey is None:
            raise ValueError("there is no such credential")
        verified = verify_authentication_response(
            credential=response,
            credential_public_key=passkey.key,
            credential_current_sign_count=passkey.count,
            **self.expected(options),
        )
        passkey.count = verified.new_sign_count
        return passkey.count


class PythonFido2:
    """python-fido2's server, with its judgement of attestation statements."""

    title = "python-fido2"
    name = f"{title} {version('fido2')}"
    known = set(CoseKey.supported_algorithms())
    must_know = {ES256, EDDSA, ES384, RS256}
    formats = {getattr(judge, "FORMAT", None) for judge in Attestation.__subclasses__()}

    def __init__(self, case):
        self.case = case
        self.passkeys = []
        self.server = Fido2Server(
            {"id": case["rpId"], "name": "Example"},
            attestation="direct",
            verify_origin=lambda origin: origin == case["origin"],
            verify_attestation=self.verify_attestation,
        )

    def verify_attestation(self, attestation_object, client_data_hash):
        judge = Attestation.for_type(attestation_object.fmt)()
        result = judge.verify(
            attestation_object.att_stmt, attestation_object.auth_data, client_data_hash
        )
        if self.case.get("root") is not None:
            assert result.trust_path, "there are no certificates"
            verify_x509_chain(result.trust_path + [base64.b64decode(self.case["root"])])

    def state(self, options):
        wanted = "required" if self.case["verifies"] else "discouraged"
        return {"challenge": options["challenge"], "user_verification": wanted}

    def register(self, options, response):
        data = self.server.register_complete(self.state(options), response)
        self.passkeys.append(data.credential_data)
        return Accepted()

    def sign_in(self, options, response):
        """It keeps no counter."""
        self.server.authenticate_complete(self.state(options), self.passkeys, response)


ALL = [PyWebauthn, PythonFido2]
