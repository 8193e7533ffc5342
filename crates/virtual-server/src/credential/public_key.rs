//! The public half of a passkey's key, as Playwright has it.

use towline_crypto::rustcrypto;
use towline_ctap::CosePublicKey;
use towline_virtual::{PrivateKey, attestation::subject_public_key_info};

use super::StoredCredential;
use crate::Base64Url;

/// SubjectPublicKeyInfo in DER; `None` where the key can't be loaded here (RS256).
pub(super) fn of(credential: &StoredCredential) -> Option<Base64Url> {
    let key = PrivateKey::from_pkcs8(&credential.private_key.0).ok()?;
    let algorithm = rustcrypto::provider().signature(key.algorithm())?;
    let loaded = algorithm.load(key.expose()).ok()?;
    let public = CosePublicKey::from_plain(key.algorithm(), loaded.public_key())?;
    subject_public_key_info(&public).map(Base64Url)
}
