"""Has two libraries by other authors judge what virtual authenticators make.

Takes the lines of the example virtual_cases as its input. Each library has to accept every response
of an algorithm that it knows, and to refuse the same response with one bit changed.
"""

import base64
import copy
import json
import sys
from collections import Counter
from importlib.metadata import version

from fido2.attestation import Attestation, verify_x509_chain
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import AttestationFormat, CredentialDeviceType

ES256, EDDSA, ES384, RS256 = -7, -8, -35, -257


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bent(response, member):
    """The same response, with the last bit of a member changed."""
    response = copy.deepcopy(response)
    data = bytearray(decode(response["response"][member]))
    data[-1] ^= 1
    response["response"][member] = encode(data)
    return response


class PyWebauthn:
    """py_webauthn, a server's library."""

    name = f"py_webauthn {version('webauthn')}"
    known = {int(algorithm) for algorithm in COSEAlgorithmIdentifier}
    must_know = {ES256, EDDSA, RS256}
    # Of android-key it takes chains that end with the root itself, as phones send them.
    formats = {format.value for format in AttestationFormat} - {"android-key"}

    def __init__(self, case):
        self.case = case

    def expected(self, options):
        return {
            "expected_challenge": decode(options["challenge"]),
            "expected_rp_id": self.case["rpId"],
            "expected_origin": self.case["origin"],
            "require_user_verification": True,
        }

    def roots(self):
        if self.case["root"] is None:
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
        several = verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE
        assert several == self.case["backupEligible"], "backup eligibility"
        assert verified.credential_backed_up == self.case["backedUp"], "backup state"
        assert verified.fmt == self.case["attestation"], f"format {verified.fmt}"
        self.key, self.count = verified.credential_public_key, verified.sign_count

    def sign_in(self, options, response):
        verified = verify_authentication_response(
            credential=response,
            credential_public_key=self.key,
            credential_current_sign_count=self.count,
            **self.expected(options),
        )
        self.count = verified.new_sign_count

    def end(self):
        assert self.count == self.case["signCount"], f"counter {self.count}"


class PythonFido2:
    """python-fido2's server, with its judgement of attestation statements."""

    name = f"python-fido2 {version('fido2')}"
    known = set(CoseKey.supported_algorithms())
    must_know = {ES256, EDDSA, ES384, RS256}
    formats = {getattr(judge, "FORMAT", None) for judge in Attestation.__subclasses__()}

    def __init__(self, case):
        self.case = case
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
        if self.case["root"] is not None:
            assert result.trust_path, "there are no certificates"
            verify_x509_chain(result.trust_path + [base64.b64decode(self.case["root"])])

    @staticmethod
    def state(options):
        return {"challenge": options["challenge"], "user_verification": "required"}

    def register(self, options, response):
        data = self.server.register_complete(self.state(options), response)
        self.credential = data.credential_data

    def sign_in(self, options, response):
        self.server.authenticate_complete(self.state(options), [self.credential], response)

    def end(self):
        pass


def refuses(judge, what, options, response):
    try:
        judge(options, response)
    except Exception:
        return
    raise AssertionError(f"{what} is accepted")


def run(case, party):
    site = party(case)
    options, response = case["registration"]["options"], case["registration"]["response"]
    other = {**options, "challenge": encode(b"another challenge, of 32 bytes..")}
    refuses(site.register, "another challenge", other, response)
    if case["attestation"] != "none":
        # What comes last in the object is authenticator data: the key, which the statement signs.
        broken = bent(response, "attestationObject")
        refuses(site.register, "a changed attestation object", options, broken)
    site.register(options, response)
    for made in case["signIns"]:
        options, response = made["options"], made["response"]
        for member in ["signature", "authenticatorData"]:
            refuses(site.sign_in, f"a changed {member}", options, bent(response, member))
        site.sign_in(options, response)
    site.end()


def main():
    cases = [json.loads(line) for line in sys.stdin]
    failed = False
    for party in [PyWebauthn, PythonFido2]:
        accepted, formats, strange = Counter(), Counter(), Counter()
        for case in cases:
            algorithm = case["algorithm"]
            if algorithm not in party.known:
                strange[algorithm] += 1
                continue
            if case["attestation"] not in party.formats:
                strange[case["attestation"]] += 1
                continue
            try:
                run(case, party)
            except Exception as error:
                failed = True
                print(f"{party.name}: {case['case']}: {type(error).__name__}: {error}")
            else:
                accepted[algorithm] += 1
                formats[case["attestation"]] += 1
        print(f"{party.name}: accepted {dict(accepted)}, {dict(formats)}")
        print(f"{party.name}: does not know {dict(strange)}")
        missing = party.must_know - set(accepted)
        if missing:
            failed = True
            print(f"{party.name}: nothing accepted of {sorted(missing)}")
    sys.exit(failed)


main()
