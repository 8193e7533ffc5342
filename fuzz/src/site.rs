//! A relying party whose challenge is always the same, so that responses that were made once for
//! it are good for ever; and one that gets past signatures, which a fuzzer can't make.

use towline_crypto::{CryptoProvider, Error, Random, SignatureAlgorithm, SigningKey};
use towline_ctap::algorithm::{EDDSA, ES256, ES384, RS256};
use towline_virtual::attestation::{Format, TestAttestation};
use towline_webauthn_rp::{Identity, StrictVerifier, TrustAnchors, UserEntity};

/// The site's origin.
pub const ORIGIN: &str = "https://example.org";

/// Takes every signature by a key that is there. It makes none.
struct Accepting(i64);

impl SignatureAlgorithm for Accepting {
    fn cose_algorithm(&self) -> i64 {
        self.0
    }

    fn generate(&self, _: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        Err(Error::KeyUnavailable)
    }

    fn load(&self, _: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        Err(Error::InvalidPrivateKey)
    }

    fn verify(&self, public_key: &[u8], _: &[u8], _: &[u8]) -> Result<(), Error> {
        if public_key.is_empty() { Err(Error::InvalidPublicKey) } else { Ok(()) }
    }
}

/// Hashes are real; signatures are taken as they are.
#[must_use]
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        signatures: &[&Accepting(ES256), &Accepting(EDDSA), &Accepting(ES384), &Accepting(RS256)],
        ..towline_crypto_test::fake::provider(0)
    }
}

/// In the summer of 2026, when the test certificates are valid.
fn now() -> std::time::SystemTime {
    std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_780_000_000)
}

/// The root of the test attestation, or none at all.
#[must_use]
pub fn anchors(trusting: bool) -> TrustAnchors {
    let root = || TestAttestation::new(Format::Packed).root_der().expect("a root");
    TrustAnchors::new(trusting.then(root), now)
}

/// The verifier, which asks the same of everybody.
#[must_use]
pub fn verifier() -> StrictVerifier {
    let identity = Identity {
        rp_id: "example.org".into(),
        rp_name: "Example".into(),
        origin: ORIGIN.into(),
        challenge_lifetime: std::time::Duration::from_secs(60),
    };
    StrictVerifier::new(&identity, provider()).expect("a verifier")
}

/// Who registers.
#[must_use]
pub fn alice() -> UserEntity {
    UserEntity { handle: [7; 32], name: "alice".into() }
}
