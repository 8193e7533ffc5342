//! WebAuthn from JSON to JSON, by the virtual authenticator and the client in it.

use serde_json::Value;
use towline_crypto::{CryptoProvider, Error, Random, SignatureAlgorithm, SigningKey};
use towline_virtual::{Builder, VirtualAuthenticator};
use zeroize::Zeroizing;

use crate::provider;

/// The origin of it all.
pub const ORIGIN: &str = "https://example.com";

/// What sites hand to `navigator.credentials.create()`.
pub const CREATION: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw",
    "rp": {"id": "example.com", "name": "Example"},
    "user": {"id": "BQUFBQUFBQUFBQUFBQUFBQ", "name": "alex@example.com", "displayName": "Alex Example"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
    "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
    "attestation": "none"}"#;

/// What sites hand to `navigator.credentials.get()`, for one credential.
#[must_use]
pub fn request(id: &str) -> String {
    format!(
        r#"{{"challenge": "DwAOAQ0CDAMLBAoFCQYIBw", "rpId": "example.com", "userVerification": "required",
            "allowCredentials": [{{"type": "public-key", "id": "{id}"}}]}}"#
    )
}

/// The `id` of a registration in JSON.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn id_of(registration: &str) -> String {
    let json: Value = serde_json::from_str(registration).expect("JSON");
    json["id"].as_str().expect("an id").to_owned()
}

/// A page, and a phone that answers it.
pub struct Page {
    device: VirtualAuthenticator,
    options: String,
}

impl Page {
    /// With keys by this provider, and one passkey.
    #[must_use]
    pub fn new(provider: CryptoProvider) -> Self {
        let device = Builder::phone().provider(provider).build().expect("a phone");
        let mut page = Self { device, options: String::new() };
        page.options = request(&id_of(&page.create()));
        page
    }

    /// The same with keys that cost nothing.
    #[must_use]
    pub fn with_free_keys() -> Self {
        Self::new(CryptoProvider { signatures: &[&FreeEs256], ..provider() })
    }

    /// `navigator.credentials.create()`: the new passkey takes the place of the one that there is.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn create(&self) -> String {
        self.device.create(ORIGIN, CREATION).expect("a registration")
    }

    /// `navigator.credentials.get()` with the passkey that [`Page::new`] made.
    ///
    /// # Panics
    /// When it is refused, as after [`Page::create`], which replaced that passkey.
    #[must_use]
    pub fn get(&self) -> String {
        self.device.get(ORIGIN, &self.options).expect("an assertion")
    }
}

/// ES256 with the same key and the same signature again and again, of the right lengths.
struct FreeEs256;

/// Of the base point.
const SCALAR: [u8; 32] = {
    let mut one = [0; 32];
    one[31] = 1;
    one
};

const POINT: [u8; 65] = [
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40,
    0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2,
    0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e,
    0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51,
    0xf5,
];

impl SignatureAlgorithm for FreeEs256 {
    fn cose_algorithm(&self) -> i64 {
        -7
    }

    fn generate(&self, _: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        Ok(Box::new(FreeKey))
    }

    fn load(&self, _: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        Ok(Box::new(FreeKey))
    }

    fn verify(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}

struct FreeKey;

impl SigningKey for FreeKey {
    fn public_key(&self) -> &[u8] {
        &POINT
    }

    fn sign(&self, _: &[&[u8]]) -> Result<Vec<u8>, Error> {
        Ok(vec![4; 71])
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(SCALAR.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_cost_nothing_are_enough_for_a_page() {
        let page = Page::with_free_keys();
        assert!(page.get().contains("\"signature\""));
        let first = id_of(&page.create());
        assert_ne!(first, id_of(&page.create()));
    }
}
