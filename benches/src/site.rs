//! A site's side of a sign-in, and the one check of a signature that it can't do without.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use towline_crypto::{CryptoProvider, Error, Random};
use towline_ctap::algorithm::ES256;
use towline_virtual::Builder;
use towline_webauthn_rp::{CredentialRecord, Identity, StrictVerifier, UserEntity, Verifier as _};

const ORIGIN: &str = "https://example.org";

/// The same bytes each time, so that one answer fits each challenge.
struct Repeated;

impl Random for Repeated {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.fill(7);
        Ok(())
    }
}

/// A site with one key of one account, and that key's answer to its challenge.
pub struct SignIns {
    provider: CryptoProvider,
    verifier: StrictVerifier,
    records: [CredentialRecord; 1],
    answer: Value,
    public_key: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl SignIns {
    /// With this provider, and an ES256 key.
    #[must_use]
    pub fn new(provider: &CryptoProvider) -> Self {
        let provider = CryptoProvider { random: Arc::new(Repeated), ..provider.clone() };
        let identity = Identity {
            rp_id: "example.org".into(),
            rp_name: "Example".into(),
            origin: ORIGIN.into(),
            challenge_lifetime: Duration::from_secs(300),
        };
        let verifier = StrictVerifier::new(&identity, provider.clone()).unwrap();
        let device = Builder::platform().build().unwrap();
        let user = UserEntity { handle: [1; 32], name: "alice".into() };
        let begun = verifier.begin_registration(&user, &[]).unwrap();
        let made = device.create(ORIGIN, &begun.options.to_string()).unwrap();
        let made = serde_json::from_str(&made).unwrap();
        let record = verifier.finish_registration(begun.state, &made).unwrap().record;
        let records = [record];
        let begun = verifier.begin_sign_in(Some(&records)).unwrap();
        let answer = device.get(ORIGIN, &begun.options.to_string()).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let bytes = |name: &str| {
            URL_SAFE_NO_PAD.decode(answer["response"][name].as_str().unwrap()).unwrap()
        };
        let hash = provider.sha256.hash(&[&bytes("clientDataJSON")]);
        let public_key = records[0].public_key.to_plain().unwrap();
        let signed = [bytes("authenticatorData"), hash.to_vec()].concat();
        let signature = bytes("signature");
        Self { provider, verifier, records, answer, public_key, signed, signature }
    }

    /// All that the site does: options for the challenge, and every step of the answer's check.
    ///
    /// # Panics
    /// When the answer is refused.
    pub fn verified(&self) -> bool {
        let begun = self.verifier.begin_sign_in(Some(&self.records)).unwrap();
        let check = self.verifier.finish_sign_in(begun.state, &self.records[0], &self.answer);
        check.unwrap().user_verified
    }

    /// The check of the signature alone.
    ///
    /// # Panics
    /// When it does not match.
    pub fn bare_check(&self) {
        let es256 = self.provider.signature(ES256).unwrap();
        es256.verify(&self.public_key, &self.signed, &self.signature).unwrap();
    }
}
