//! Google's answer in `android-safetynet` (WebAuthn L3 §8.5): a JWS (RFC 7515).

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::json;

/// What the service says of a device.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyNet {
    /// The algorithm in the header.
    pub alg: String,
    /// SHA-256 of the authenticator data and the client data hash.
    pub nonce: Vec<u8>,
    /// When it was said, in milliseconds since 1970: at the beginning of 2026, so that two runs are
    /// the same. Verifiers that want it fresh need it bent.
    pub timestamp_ms: u64,
    /// Who has asked: `com.google.android.gms`.
    pub apk_package_name: String,
    /// SHA-256 of that app's file.
    pub apk_digest_sha256: Vec<u8>,
    /// The SHA-256 digests of the certificates that signed that app.
    pub apk_certificate_digest_sha256: Vec<Vec<u8>>,
    /// Whether the device passes the compatibility tests, as it must.
    pub cts_profile_match: bool,
    /// Whether the device seems not to be tampered with.
    pub basic_integrity: bool,
}

impl SafetyNet {
    pub(super) fn new(nonce: [u8; 32], digest: [u8; 32]) -> Self {
        Self {
            alg: "RS256".to_owned(),
            nonce: nonce.to_vec(),
            timestamp_ms: 1_767_225_600_000,
            apk_package_name: "com.google.android.gms".to_owned(),
            apk_digest_sha256: digest.to_vec(),
            apk_certificate_digest_sha256: vec![digest.to_vec()],
            cts_profile_match: true,
            basic_integrity: true,
        }
    }

    /// What is signed: header and payload, each in base64url, with a dot between them.
    pub(super) fn signing_input(&self, chain: &[Vec<u8>]) -> Vec<u8> {
        let text = |bytes: &Vec<u8>| STANDARD.encode(bytes);
        let certificates: Vec<String> = chain.iter().map(text).collect();
        let digests: Vec<String> = self.apk_certificate_digest_sha256.iter().map(text).collect();
        let header = json!({ "alg": self.alg, "x5c": certificates });
        let payload = json!({
            "nonce": text(&self.nonce),
            "timestampMs": self.timestamp_ms,
            "apkPackageName": self.apk_package_name,
            "apkDigestSha256": text(&self.apk_digest_sha256),
            "apkCertificateDigestSha256": digests,
            "ctsProfileMatch": self.cts_profile_match,
            "basicIntegrity": self.basic_integrity,
        });
        let [header, payload] =
            [header, payload].map(|json| URL_SAFE_NO_PAD.encode(json.to_string()));
        format!("{header}.{payload}").into_bytes()
    }
}

/// The whole JWS.
pub(super) fn signed(input: &[u8], signature: &[u8]) -> Vec<u8> {
    [input, b".", URL_SAFE_NO_PAD.encode(signature).as_bytes()].concat()
}
