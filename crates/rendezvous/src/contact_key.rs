//! The right to be reached under a contact id.

use towline_crypto::{CryptoProvider, Error, Secret};
use zeroize::Zeroizing;

use crate::ids::{self, ContactId, NotHex};

/// The right to be reached under a contact id, 32 bytes. Computers know the contact id and could
/// claim it; only the phone knows the key, which its tunnel service turns into the contact id.
/// Private to towline's phones and relays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactKey(Secret<32>);

impl ContactKey {
    /// A new one.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate(provider: &CryptoProvider) -> Result<Self, Error> {
        Ok(Self(provider.random.secret()?))
    }

    /// Makes one of a key that was stored.
    #[must_use]
    pub const fn new(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// The bytes, for the moment of use.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The value of the [`CONTACT_KEY_HEADER`](crate::tunnel::CONTACT_KEY_HEADER), in hexadecimal.
    #[must_use]
    pub fn to_header(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in self.expose() {
            for nibble in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(nibble.into(), 16));
            }
        }
        text
    }

    /// Reads the header's value.
    ///
    /// # Errors
    /// [`NotHex`].
    pub fn from_header(text: &str) -> Result<Self, NotHex> {
        Secret::try_init(|bytes: &mut [u8; 32]| ids::read_hex(text, bytes)).map(Self)
    }

    /// The contact id that it gives the right to: the SHA-256 of a label and the key, 32 bytes.
    #[must_use]
    pub fn contact_id(&self, provider: &CryptoProvider) -> ContactId {
        ContactId::new(provider.sha256.hash(&[b"towline contact id 1", self.expose()]))
    }
}
