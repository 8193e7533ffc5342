//! Verifying an authentication assertion (WebAuthn L3 §7.2). Steps are those of that section; 1 and
//! 2 are the options and the browser's.

use serde_json::Value;
use towline_ctap::Flags;

use super::StrictVerifier;
use crate::{
    CredentialRecord, ResponseMember, SignInCheck, VerifyError, check_user_handle,
    response::{Answer, AssertionResponse, bytes},
};

/// A sign-in under way: what was asked, and of which credentials.
#[derive(Debug)]
pub struct StrictSignIn {
    pub(super) challenge: [u8; 32],
    /// `None` for any discoverable credential.
    pub(super) allowed: Option<Vec<Vec<u8>>>,
}

impl StrictVerifier {
    pub(super) fn check_sign_in(
        &self,
        state: &StrictSignIn,
        record: &CredentialRecord,
        credential: &Value,
    ) -> Result<SignInCheck<CredentialRecord>, VerifyError> {
        // Steps 3 and 4.
        let answer = Answer::<AssertionResponse>::read(credential)?;
        let response = answer.response;
        // Step 5.
        if state.allowed.as_ref().is_some_and(|allowed| !allowed.contains(&answer.id)) {
            return Err(VerifyError::NotAllowed);
        }
        // Step 6.
        if answer.id != record.id {
            return Err(VerifyError::CredentialId);
        }
        check_user_handle(credential, &record.user_handle, state.allowed.is_some())?;
        // Step 7.
        let signed = bytes(&response.authenticator_data, ResponseMember::AuthenticatorData)?;
        let signature = bytes(&response.signature, ResponseMember::Signature)?;
        // Steps 8 to 14, and 20.
        let hash =
            self.check_client_data(&response.client_data_json, "webauthn.get", &state.challenge)?;
        // Steps 15 to 18.
        let data = self.check_authenticator_data(&signed)?;
        // No step, but §6.1: attested data are for registrations.
        if data.attested.is_some() {
            return Err(VerifyError::Malformed(ResponseMember::AuthenticatorData));
        }
        // Step 19.
        if data.flags.contains(Flags::BE) != record.backup_eligible {
            return Err(VerifyError::BackupEligibility);
        }
        // Step 21.
        self.check_signature(&record.public_key, &[&signed, &hash], &signature)?;
        // Step 22: zero on both sides means that the authenticator does not count.
        if (data.sign_count != 0 || record.sign_count != 0) && data.sign_count <= record.sign_count
        {
            return Err(VerifyError::Counter);
        }
        self.check_extensions(&answer.extensions, &data, &[])?;
        // Step 24: the record.
        let user_verified = data.flags.contains(Flags::UV);
        let backed_up = data.flags.contains(Flags::BS);
        Ok(SignInCheck {
            user_verified,
            backed_up,
            record: CredentialRecord {
                sign_count: data.sign_count,
                backed_up,
                uv_initialized: record.uv_initialized || user_verified,
                ..record.clone()
            },
        })
    }
}
