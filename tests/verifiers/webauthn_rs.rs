//! The core of `webauthn-rs` as a site.

use std::time::Duration;

use serde_json::Value;
use webauthn_rs_core::{
    WebauthnCore,
    proto::{
        AttestationConveyancePreference, AuthenticationState, COSEAlgorithm, Credential,
        RegistrationState, UserVerificationPolicy,
    },
};

use crate::{
    cases::ORIGIN,
    judges::{Judge, Verdict, base64url},
};

/// The core of `webauthn-rs`.
pub(crate) struct WebauthnRs {
    verifies: bool,
    server: WebauthnCore,
    registration: Option<(String, RegistrationState)>,
    sign_in: Option<AuthenticationState>,
    keys: Vec<(String, Credential)>,
}

impl WebauthnRs {
    const fn policy(&self) -> UserVerificationPolicy {
        if self.verifies {
            UserVerificationPolicy::Required
        } else {
            UserVerificationPolicy::Discouraged_DO_NOT_USE
        }
    }
}

impl Judge for WebauthnRs {
    fn new(verifies: bool) -> Self {
        let (origins, patience) = (vec![ORIGIN.parse().unwrap()], Duration::from_secs(60));
        let (name, id) = ("Example", "example.org");
        let server = WebauthnCore::new_unsafe_experts_only(name, id, origins, patience, None, None);
        Self { verifies, server, registration: None, sign_in: None, keys: Vec::new() }
    }

    fn begin_registration(&mut self, account: &str) -> Value {
        let policy = self.policy();
        let builder =
            self.server.new_challenge_register_builder(account.as_bytes(), account, account);
        let builder = builder
            .unwrap()
            .require_resident_key(self.verifies)
            .credential_algorithms(vec![COSEAlgorithm::ES256])
            .attestation(if self.verifies {
                AttestationConveyancePreference::None
            } else {
                AttestationConveyancePreference::Direct
            })
            .user_verification_policy(policy);
        let (options, state) = self.server.generate_challenge_register(builder).unwrap();
        self.registration = Some((account.to_owned(), state));
        serde_json::to_value(&options).unwrap()["publicKey"].take()
    }

    fn finish_registration(&mut self, response: &str) -> Verdict {
        let (account, state) = self.registration.take().unwrap();
        let response = serde_json::from_str(response).map_err(|error| error.to_string())?;
        let key = self.server.register_credential(&response, &state, None);
        self.keys.push((account, key.map_err(|error| format!("{error:?}"))?));
        Ok(())
    }

    fn begin_sign_in(&mut self) -> Value {
        let all = self.keys.iter().map(|(_, key)| key.clone()).collect();
        let policy = Some(self.policy());
        let builder = self.server.new_challenge_authenticate_builder(all, policy).unwrap();
        let (options, state) = self.server.generate_challenge_authenticate(builder).unwrap();
        self.sign_in = Some(state);
        serde_json::to_value(&options).unwrap()["publicKey"].take()
    }

    fn finish_sign_in(&mut self, response: &str, _listed: bool) -> Verdict {
        let state = self.sign_in.take().unwrap();
        let response = serde_json::from_str(response).map_err(|error| error.to_string())?;
        let result = self.server.authenticate_credential(&response, &state);
        let result = result.map_err(|error| format!("{error:?}"))?;
        for (_, key) in self.keys.iter_mut().filter(|(_, key)| key.cred_id == *result.cred_id()) {
            key.counter = result.counter();
        }
        Ok(())
    }

    fn credential(&self, account: &str) -> String {
        let (_, key) = self.keys.iter().rfind(|(of, _)| of == account).unwrap();
        base64url(key.cred_id.as_ref())
    }
}
