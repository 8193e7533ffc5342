//! The PIN/UV token as ceremonies use it: requests are checked with it, and what the PIN opened in
//! the key store is closed when it ends.

use std::time::Instant;

use towline_ctap::{PinUvAuth, Status};

use crate::{flow::Core, person::proof::Present, token::Proof};

impl Core {
    /// verify() with the token: that the request comes from whom the token was given to.
    pub(crate) fn verify_token(
        &mut self,
        auth: &PinUvAuth,
        parts: &[&[u8]],
    ) -> Result<Proof<'_>, Status> {
        let protocol = self.config.tokens.protocol(auth.protocol)?;
        self.token.verify(&self.provider, protocol, parts, &auth.param, self.now)
    }

    /// The presence that was shown when the token was given out.
    pub(crate) fn token_presence(&mut self) -> Option<Present> {
        self.token.presence(self.now)
    }

    /// What the PIN opened in the key store is closed when no token is in use any more.
    pub(crate) fn lock_keys_without_token(&mut self) {
        if !self.token.is_in_use(self.now) {
            self.lock_keys();
        }
    }

    /// When what the PIN opened in the key store has to be closed.
    pub(crate) fn locks_at(&self) -> Option<Instant> {
        self.token.ends().filter(|_| self.keys_unlocked)
    }

    /// What the PIN opened in the key store is closed.
    pub(crate) fn lock_keys(&mut self) {
        if std::mem::take(&mut self.keys_unlocked) {
            self.keys.lock();
        }
    }
}
