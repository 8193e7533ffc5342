//! A PIN that somebody wants, and the proof that one matched.

use towline_crypto::Secret;

use crate::PinHash;

/// A PIN that somebody wants to have, and that is as it must be.
pub(crate) struct NewPin {
    pub(crate) hash: PinHash,
    pub(crate) length: u8,
}

/// Proof that a PIN matched. Made by the comparison only.
pub(crate) struct PinMatched {
    hash: PinHash,
    secret: Option<Secret<32>>,
}

impl PinMatched {
    /// For the comparison only.
    pub(super) const fn new(hash: PinHash, secret: Option<Secret<32>>) -> Self {
        Self { hash, secret }
    }

    /// The new PIN that whoever has just been let in sends.
    pub(crate) fn is_same(&self, new: &NewPin) -> bool {
        self.hash == new.hash
    }

    /// What only the PIN opens.
    pub(crate) fn into_secret(self) -> Option<Secret<32>> {
        self.secret
    }
}
