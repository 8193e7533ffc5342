//! What an authenticator can keep.

use super::Session;
use crate::{AuthenticatorId, ServiceError};

/// What an authenticator can keep, by what it says of itself (authenticatorGetInfo).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    /// Whether it keeps discoverable passkeys (`rk`).
    pub resident_keys: bool,
    /// Whether it keeps large blobs with them (`largeBlob`, or `largeBlobKey`).
    pub large_blobs: bool,
}

impl Session {
    /// What an authenticator can keep; nothing, if it speaks U2F alone.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn abilities(&self, id: &AuthenticatorId) -> Result<Abilities, ServiceError> {
        self.with(|state, _| {
            let info = state.authenticator(id)?.device.info();
            let info = info.as_ref();
            Ok(Abilities {
                resident_keys: info.is_some_and(|info| info.options.rk == Some(true)),
                large_blobs: info.is_some_and(|info| {
                    info.supports_extension("largeBlob") || info.supports_extension("largeBlobKey")
                }),
            })
        })
    }
}
