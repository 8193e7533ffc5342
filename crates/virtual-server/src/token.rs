//! What those who may use the service know, and nobody else.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use towline_crypto::{CryptoProvider, Secret, constant_time_eq};

use crate::ServiceError;

/// 256 random bits, as 43 characters that stand in addresses. They are wiped, compared in constant
/// time, and not shown by `Debug`.
#[derive(Clone)]
pub struct AccessToken(Secret<32>);

impl AccessToken {
    /// A new one.
    ///
    /// # Errors
    /// [`ServiceError::Randomness`] where the provider has none.
    pub fn random(provider: &CryptoProvider) -> Result<Self, ServiceError> {
        let bytes = provider.random.bytes::<32>().map_err(|_| ServiceError::Randomness)?;
        Ok(Self(Secret::new(bytes)))
    }

    /// The text, for the address that is given to those who may use it. A secret.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.expose())
    }

    /// Whether this text is the token's. How long it takes tells nothing of the token.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        let mut given = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut given) {
            Ok(32) => constant_time_eq(&given, self.0.expose()),
            _ => false,
        }
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken")
    }
}
