//! The options of both ceremonies: step 1 of §7.1 and of §7.2.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{StrictRegistration, StrictSignIn, StrictVerifier};
use crate::{Challenge, CredentialRecord, UserEntity, VerifyError};

impl StrictVerifier {
    pub(super) fn registration_options(
        &self,
        user: &UserEntity,
        existing: &[CredentialRecord],
    ) -> Result<Challenge<StrictRegistration>, VerifyError> {
        let challenge = self.challenge()?;
        let params = self.algorithms.iter().map(|alg| json!({ "type": "public-key", "alg": alg }));
        let params: Vec<Value> = params.collect();
        let options = json!({
            "rp": { "id": self.identity.rp_id, "name": self.identity.rp_name },
            "user": {
                "id": URL_SAFE_NO_PAD.encode(user.handle),
                "name": user.name,
                "displayName": user.name,
            },
            "challenge": URL_SAFE_NO_PAD.encode(challenge),
            "pubKeyCredParams": params,
            "timeout": self.timeout_ms(),
            "excludeCredentials": descriptors(existing),
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": true,
                "userVerification": self.user_verification(),
            },
            "attestation": if self.anchors.is_some() { "direct" } else { "none" },
            "extensions": { "credProps": true },
        });
        let state = StrictRegistration {
            challenge,
            user_handle: user.handle.to_vec(),
            existing: ids(existing),
        };
        Ok(Challenge { options, state })
    }

    pub(super) fn sign_in_options(
        &self,
        allow: Option<&[CredentialRecord]>,
    ) -> Result<Challenge<StrictSignIn>, VerifyError> {
        let challenge = self.challenge()?;
        let options = json!({
            "challenge": URL_SAFE_NO_PAD.encode(challenge),
            "timeout": self.timeout_ms(),
            "rpId": self.identity.rp_id,
            "allowCredentials": descriptors(allow.unwrap_or_default()),
            "userVerification": self.user_verification(),
        });
        Ok(Challenge { options, state: StrictSignIn { challenge, allowed: allow.map(ids) } })
    }

    fn challenge(&self) -> Result<[u8; 32], VerifyError> {
        self.provider.random.bytes().map_err(|e| VerifyError::Unavailable(e.to_string()))
    }

    fn timeout_ms(&self) -> u64 {
        u64::try_from(self.identity.challenge_lifetime.as_millis()).unwrap_or(u64::MAX)
    }

    const fn user_verification(&self) -> &'static str {
        if self.verification_required { "required" } else { "preferred" }
    }
}

fn ids(records: &[CredentialRecord]) -> Vec<Vec<u8>> {
    records.iter().map(|record| record.id.clone()).collect()
}

fn descriptors(records: &[CredentialRecord]) -> Vec<Value> {
    let descriptor = |record: &CredentialRecord| {
        let mut descriptor =
            json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(&record.id) });
        if let (Some(members), false) = (descriptor.as_object_mut(), record.transports.is_empty()) {
            members.insert("transports".into(), json!(record.transports));
        }
        descriptor
    };
    records.iter().map(descriptor).collect()
}
