//! The secrets of the transport, each a type of its own so that one can't be passed for another.
//! All are wiped on drop, redacted when printed, and compared in constant time.

use towline_crypto::{CryptoProvider, Error, Random, Secret};

use crate::{
    ids::TunnelId,
    kdf::{self, Purpose},
};

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(Secret<$length>);

        impl $name {
            /// Makes one of a secret that came from elsewhere.
            #[must_use]
            pub const fn new(bytes: Secret<$length>) -> Self {
                Self(bytes)
            }

            /// The bytes, for the moment of use.
            #[must_use]
            pub fn expose(&self) -> &[u8; $length] {
                self.0.expose()
            }
        }
    };
}

secret! {
    /// The secret in a QR code, 16 bytes, fresh for each code. Whoever has it and is near can act
    /// as the phone.
    QrSecret, 16
}
secret! {
    /// The pre-shared key of one handshake, 32 bytes: proves that the advert was heard.
    Psk, 32
}
secret! {
    /// One direction's AES-256-GCM key of the transport phase, 32 bytes.
    TrafficKey, 32
}
secret! {
    /// What a computer and a phone that are linked share, 32 bytes: the right to ring the phone.
    LinkSecret, 32
}
secret! {
    /// What the phone derives its identity and all link secrets from, 32 bytes. Never leaves the
    /// phone.
    RootSecret, 32
}

impl QrSecret {
    /// A fresh secret.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate(random: &dyn Random) -> Result<Self, Error> {
        random.secret().map(Self)
    }

    /// The tunnel id of this code's transaction.
    ///
    /// # Errors
    /// What the provider reports.
    pub fn tunnel_id(&self, provider: &CryptoProvider) -> Result<TunnelId, Error> {
        kdf::derive(provider, self.expose(), &[], Purpose::TunnelId)
            .map(|id| TunnelId::new(*id.expose()))
    }
}

/// The hash of a finished handshake, 32 bytes: binds whatever is signed over it to this one
/// session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandshakeHash(pub [u8; 32]);
