//! Every key of the transport comes from HKDF-SHA-256 with a purpose as its info (CTAP 2.3, hybrid
//! transports).

use towline_crypto::{CryptoProvider, Error, Secret};

/// What a derived value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The key that adverts are made with, 64 bytes.
    EidKey,
    /// The tunnel id of a QR transaction, 16 bytes.
    TunnelId,
    /// The pre-shared key of the handshake, 32 bytes; the salt is the advert's plaintext.
    Psk,
    /// The link secret, 32 bytes, from the contact's secret; the salt is the link id. Local to the
    /// phone.
    LinkSecret,
    /// The seed of the phone's identity key, 32 bytes, from its root secret. Local to the phone.
    IdentitySeed,
    /// The secret of one contact id, 32 bytes, from the root secret; the salt is the contact id.
    /// Local to the phone.
    ContactSecret,
}

impl Purpose {
    /// Its number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::EidKey => 1,
            Self::TunnelId => 2,
            Self::Psk => 3,
            Self::LinkSecret => 4,
            Self::IdentitySeed => 5,
            Self::ContactSecret => 6,
        }
    }
}

/// `N` bytes derived from a secret. An empty salt equals 32 zero bytes.
///
/// # Errors
/// [`Error::Length`] for more than 8160 bytes.
pub fn derive<const N: usize>(
    provider: &CryptoProvider,
    secret: &[u8],
    salt: &[u8],
    purpose: Purpose,
) -> Result<Secret<N>, Error> {
    let info = purpose.number().to_le_bytes();
    Secret::try_init(|out| provider.hkdf.derive(salt, secret, &info, out))
}
