//! What a page is told of its client (WebAuthn L3 §5.1.7).

use std::collections::BTreeMap;

use towline_client::Reach;
use towline_ctap::Transport;

use super::Session;
use crate::{ServiceError, options};

impl Session {
    /// What `PublicKeyCredential.getClientCapabilities()` gives, by name: what the client can do,
    /// and the session's authenticators.
    ///
    /// # Errors
    /// [`ServiceError::UnknownSession`] where it has ended.
    pub fn capabilities(&self) -> Result<BTreeMap<&'static str, bool>, ServiceError> {
        self.with(|state, world| {
            let devices = || state.authenticators.iter().map(|it| &it.device);
            let platform = devices()
                .filter(|it| *it.transport() == Transport::Internal)
                .find_map(towline_virtual::VirtualAuthenticator::info);
            let reach = Reach {
                hybrid: devices().any(|it| *it.transport() == Transport::Hybrid),
                related_origins: true,
                signals: true,
                platform: platform.as_ref(),
            };
            Ok(options::client(&world.provider).capabilities(&reach))
        })
    }
}
