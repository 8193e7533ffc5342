//! A site that verifies what it is given, and keeps what it has accepted.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use towline_crypto::{CryptoProvider, SignatureAlgorithm, rustcrypto};
use towline_crypto_test::SeededRandom;
use towline_ctap::algorithm;
use towline_webauthn_rp::{Identity, StrictVerifier, UserEntity, Verifier, check_user_handle};

use crate::cases::{ORIGIN, anchors, u2f_vendor};

/// Why a response is refused.
pub(crate) type Verdict = Result<(), String>;

/// A site that offers ES256 alone.
pub(crate) trait Judge {
    /// One that wants people verified, or else takes what U2F has made, and judges who vouches for
    /// it.
    fn new(verifies: bool) -> Self;
    /// The options of a registration.
    fn begin_registration(&mut self, account: &str) -> Value;
    fn finish_registration(&mut self, response: &str) -> Verdict;
    /// The options of a sign-in.
    fn begin_sign_in(&mut self) -> Value;
    /// Whether credentials were listed: the person had said who they are.
    fn finish_sign_in(&mut self, response: &str, listed: bool) -> Verdict;
    /// The credential of an account, as the site knows it: base64url.
    fn credential(&self, account: &str) -> String;
}

pub(crate) fn id_of(response: &Value) -> String {
    response["rawId"].as_str().unwrap_or_default().to_owned()
}

/// This project's own.
pub(crate) struct Strict {
    verifies: bool,
    verifier: StrictVerifier,
    registration: Option<(String, <StrictVerifier as Verifier>::Registration)>,
    sign_in: Option<<StrictVerifier as Verifier>::SignIn>,
    keys: Vec<(String, String, <StrictVerifier as Verifier>::Record)>,
}

/// As long as user handles of this verifier are.
fn handle(account: &str) -> [u8; 32] {
    let mut handle = [0; 32];
    handle[..account.len()].copy_from_slice(account.as_bytes());
    handle
}

/// Challenges are the same in each run, and so are signatures: whether a fault shows may hang on
/// the value of one.
fn es256_alone() -> CryptoProvider {
    let all = CryptoProvider { random: Arc::new(SeededRandom::new(1)), ..rustcrypto::provider() };
    let es256 = all.signature(algorithm::ES256).unwrap();
    let signatures: Box<[&'static dyn SignatureAlgorithm]> = Box::new([es256]);
    CryptoProvider { signatures: Box::leak(signatures), ..all }
}

impl Judge for Strict {
    fn new(verifies: bool) -> Self {
        let identity = Identity {
            rp_id: "example.org".into(),
            rp_name: "Example".into(),
            origin: ORIGIN.into(),
            challenge_lifetime: Duration::from_secs(60),
        };
        let verifier = StrictVerifier::new(&identity, es256_alone()).unwrap();
        let verifier = if verifies {
            verifier
        } else {
            let root = u2f_vendor().root_der().unwrap();
            verifier.without_user_verification().with_attestation(anchors(root))
        };
        Self { verifies, verifier, registration: None, sign_in: None, keys: Vec::new() }
    }

    fn begin_registration(&mut self, account: &str) -> Value {
        let user = UserEntity { handle: handle(account), name: account.into() };
        let challenge = self.verifier.begin_registration(&user, &[]).unwrap();
        self.registration = Some((account.to_owned(), challenge.state));
        challenge.options
    }

    fn finish_registration(&mut self, response: &str) -> Verdict {
        let response: Value = serde_json::from_str(response).unwrap();
        let (account, state) = self.registration.take().unwrap();
        let check = self.verifier.finish_registration(state, &response);
        let check = check.map_err(|error| format!("{error:?}"))?;
        self.keys.push((account, check.credential_id, check.record));
        Ok(())
    }

    fn begin_sign_in(&mut self) -> Value {
        // What U2F has made can't say whose it is.
        let records: Vec<_> = self.keys.iter().map(|(_, _, record)| record.clone()).collect();
        let known = (!self.verifies).then_some(&records[..]);
        let challenge = self.verifier.begin_sign_in(known).unwrap();
        self.sign_in = Some(challenge.state);
        challenge.options
    }

    fn finish_sign_in(&mut self, response: &str, listed: bool) -> Verdict {
        let response: Value = serde_json::from_str(response).unwrap();
        let (state, id) = (self.sign_in.take().unwrap(), id_of(&response));
        let key = self.keys.iter_mut().find(|(_, of, _)| *of == id);
        let (account, _, record) = key.ok_or("there is no such credential")?;
        // The account is for the site to know.
        check_user_handle(&response, &handle(account), listed).map_err(|it| format!("{it:?}"))?;
        let check = self.verifier.finish_sign_in(state, record, &response);
        *record = check.map_err(|error| format!("{error:?}"))?.record;
        Ok(())
    }

    fn credential(&self, account: &str) -> String {
        self.keys.iter().rfind(|(of, _, _)| of == account).unwrap().1.clone()
    }
}

/// Puts an allow list, or another list, of one credential into options.
pub(crate) fn put_list(options: &mut Value, name: &str, id: &str) {
    assert!(bytes(id).len() <= 1024);
    options[name] = json!([{ "type": "public-key", "id": id }]);
}

/// Base64url without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What base64url says.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
