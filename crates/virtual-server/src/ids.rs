//! The names of sessions, and of what is in them.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use towline_crypto::CryptoProvider;
use utoipa::ToSchema;

use crate::ServiceError;

/// How many random bytes a name is made from.
const RANDOM: usize = 16;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
        )]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text by which it was called, whether there is such a one or not.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text, as it stands in addresses.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// A new one of 22 unreserved characters (RFC 3986 §2.3), which nobody can guess.
            pub(crate) fn random(provider: &CryptoProvider) -> Result<Self, ServiceError> {
                let bytes = provider.random.bytes::<RANDOM>();
                let bytes = bytes.map_err(|_| ServiceError::Randomness)?;
                Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// The name of a session: a browser, or a program, with authenticators of its own.
    SessionId
    /// The name of an authenticator in its session.
    AuthenticatorId
    /// The name of a registration or a sign-in that has begun.
    CeremonyId
    /// The name of a phone in its session.
    PhoneId
    /// The name of a computer's screen in its session.
    ScreenId
}

impl SessionId {
    /// The session that is always there, for those who need only one.
    pub const DEFAULT: &str = "default";
}

impl Default for SessionId {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}
