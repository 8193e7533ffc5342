//! Registering a new credential (WebAuthn L3 §7.1). Steps are those of that section; 1 and 2 are
//! the options and the browser's.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use towline_ctap::Flags;

use super::StrictVerifier;
use crate::{
    CredentialRecord, RegistrationCheck, ResponseMember, VerifyError,
    attestation::{About, AttestationObject, Basis, Flaw, Statement},
    response::{Answer, AttestationResponse, bytes},
};

/// The longest credential id, in bytes.
const CREDENTIAL_ID_MAX: usize = 1023;

/// A registration under way: what was asked, for whom, and the keys that there were.
#[derive(Debug)]
pub struct StrictRegistration {
    pub(super) challenge: [u8; 32],
    pub(super) user_handle: Vec<u8>,
    pub(super) existing: Vec<Vec<u8>>,
}

impl StrictVerifier {
    pub(super) fn check_registration(
        &self,
        state: &StrictRegistration,
        credential: &Value,
    ) -> Result<RegistrationCheck<CredentialRecord>, VerifyError> {
        // Steps 3 and 4.
        let answer = Answer::<AttestationResponse>::read(credential)?;
        let response = answer.response;
        // Steps 5 to 12.
        let hash = self.check_client_data(
            &response.client_data_json,
            "webauthn.create",
            &state.challenge,
        )?;
        // Step 13. Here already, as no id that is longer can be read: step 25.
        let id = answer.id;
        if id.len() > CREDENTIAL_ID_MAX {
            return Err(VerifyError::CredentialIdLength(id.len()));
        }
        let object = bytes(&response.attestation_object, ResponseMember::AttestationObject)?;
        let object = AttestationObject::decode(&object)
            .map_err(|_| VerifyError::Malformed(ResponseMember::AttestationObject))?;
        // Steps 14 to 17. For 18 and 19, the flags are in the result.
        let data = self.check_authenticator_data(object.auth_data)?;
        let (be, bs) = (data.flags.contains(Flags::BE), data.flags.contains(Flags::BS));
        // Step 20.
        let attested = data
            .attested
            .as_ref()
            .ok_or(VerifyError::Malformed(ResponseMember::AuthenticatorData))?;
        self.check_key(&attested.public_key)?;
        // No step, but the same thing said twice: the id that sign-ins will name.
        if attested.credential_id.as_bytes() != id {
            return Err(VerifyError::CredentialId);
        }
        // Steps 21 to 24. Self attestation and none need no trust anchors, so that they are
        // accepted without.
        let mut attestation_trusted = false;
        match (object.statement, &self.anchors) {
            _ if !self.judges_attestation => {}
            (Statement::None, _) => {}
            (Statement::PackedSelf { alg, sig }, _) => {
                if attested.public_key.algorithm() != Some(alg) {
                    return Err(VerifyError::Attestation("it names another algorithm"));
                }
                self.check_signature(&attested.public_key, &[object.auth_data, &hash], sig)
                    .map_err(|_| VerifyError::Attestation("its signature does not match"))?;
            }
            (Statement::Other(statement), Some(anchors)) => {
                let about = About {
                    auth_data: object.auth_data,
                    hash: &hash,
                    rp_id_hash: &data.rp_id_hash,
                    attested,
                    anchors,
                    provider: &self.provider,
                };
                let basis = about.judge(object.format, statement).map_err(|flaw| match flaw {
                    Flaw::Wrong(reason) => VerifyError::Attestation(reason),
                    Flaw::Untrusted(reason) => VerifyError::UntrustedAttestation(reason),
                    Flaw::Unsupported => VerifyError::UnsupportedAttestation(object.format.into()),
                })?;
                attestation_trusted = basis == Basis::Root;
            }
            (Statement::Other(_), None) => {
                return Err(VerifyError::UnsupportedAttestation(object.format.into()));
            }
        }
        // Step 26, of this account; whoever keeps the accounts knows the others.
        if state.existing.contains(&id) {
            return Err(VerifyError::AlreadyRegistered);
        }
        self.check_extensions(&answer.extensions, &data, &["credProps"])?;
        // Step 27: the record.
        Ok(RegistrationCheck {
            credential_id: URL_SAFE_NO_PAD.encode(&id),
            attestation: object.format.into(),
            attestation_trusted,
            backup_eligible: be,
            backed_up: bs,
            record: CredentialRecord {
                id,
                public_key: attested.public_key.clone(),
                sign_count: data.sign_count,
                backup_eligible: be,
                backed_up: bs,
                uv_initialized: data.flags.contains(Flags::UV),
                transports: response.transports,
                aaguid: attested.aaguid,
                user_handle: state.user_handle.clone(),
            },
        })
    }
}
