//! A relying party with accounts in memory, for pages that are under test themselves.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use towline_webauthn_rp::{
    CredentialRecord, Identity, StrictRegistration, StrictSignIn, StrictVerifier, UserEntity,
    Verifier,
};

#[derive(Clone)]
pub(crate) struct RelyingParty(Arc<Mutex<State>>);

struct State {
    verifier: StrictVerifier,
    registrations: HashMap<String, StrictRegistration>,
    sign_ins: HashMap<String, StrictSignIn>,
    records: HashMap<String, CredentialRecord>,
}

/// The challenge of options, which names the ceremony.
fn named(options: &Value) -> String {
    options["challenge"].as_str().unwrap().to_owned()
}

impl RelyingParty {
    /// At this origin of a machine's own.
    pub(crate) fn new(origin: &str) -> Self {
        let identity = Identity {
            rp_id: "site.localhost".into(),
            rp_name: "A site".into(),
            origin: origin.into(),
            challenge_lifetime: Duration::from_secs(60),
        };
        let provider = towline_crypto::rustcrypto::provider();
        let verifier = StrictVerifier::new(&identity, provider).unwrap();
        Self(Arc::new(Mutex::new(State {
            verifier: verifier.without_user_verification(),
            registrations: HashMap::new(),
            sign_ins: HashMap::new(),
            records: HashMap::new(),
        })))
    }

    /// Carries out what a page asks for, or says why not.
    pub(crate) fn answer(&self, what: &str, body: &Value) -> Result<Value, String> {
        let state = &mut *self.0.lock().unwrap();
        match what {
            "register/begin" => {
                let name = body["name"].as_str().unwrap_or("alice").to_owned();
                let mut handle = [0; 32];
                for (place, byte) in handle.iter_mut().zip(name.bytes()) {
                    *place = byte;
                }
                let user = UserEntity { handle, name };
                let begun = state.verifier.begin_registration(&user, &[]).map_err(text)?;
                state.registrations.insert(named(&begun.options), begun.state);
                Ok(begun.options)
            }
            "register/finish" => {
                let begun = state.registrations.remove(&named(body)).ok_or("nothing was begun")?;
                let verifier = &state.verifier;
                let done = verifier.finish_registration(begun, &body["credential"]);
                let done = done.map_err(text)?;
                state.records.insert(done.credential_id.clone(), done.record);
                Ok(json!({
                    "id": done.credential_id,
                    "backupEligible": done.backup_eligible,
                    "attestation": done.attestation,
                }))
            }
            "sign-in/begin" => {
                let record = body["id"].as_str().and_then(|id| state.records.get(id)).cloned();
                let list = record.map(|record| vec![record]);
                let begun = state.verifier.begin_sign_in(list.as_deref()).map_err(text)?;
                state.sign_ins.insert(named(&begun.options), begun.state);
                Ok(begun.options)
            }
            _ => {
                let begun = state.sign_ins.remove(&named(body)).ok_or("nothing was begun")?;
                let id = body["credential"]["id"].as_str().unwrap_or_default();
                let record = state.records.get(id).ok_or("the passkey is not known here")?;
                let done = state.verifier.finish_sign_in(begun, record, &body["credential"]);
                let done = done.map_err(text)?;
                state.records.insert(id.to_owned(), done.record);
                Ok(json!({ "id": id, "userVerified": done.user_verified }))
            }
        }
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
