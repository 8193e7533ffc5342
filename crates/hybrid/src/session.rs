//! An authenticated connection: exists only once a handshake is finished.

use towline_crypto::CryptoProvider;

use crate::{
    error::Misuse,
    frame::{self, Opener, Sealer},
    message::Message,
    noise::Established,
    secrets::HandshakeHash,
};

/// Both directions of the transport phase, as one side sees them.
#[derive(Debug)]
pub(crate) struct Session {
    sealer: Sealer,
    opener: Opener,
    hash: HandshakeHash,
}

impl Session {
    pub(crate) fn of_computer(provider: &CryptoProvider, keys: &Established) -> Self {
        Self {
            sealer: Sealer::new(provider, &keys.to_phone),
            opener: Opener::new(provider, &keys.to_computer),
            hash: keys.hash,
        }
    }

    pub(crate) fn of_phone(provider: &CryptoProvider, keys: &Established) -> Self {
        Self {
            sealer: Sealer::new(provider, &keys.to_computer),
            opener: Opener::new(provider, &keys.to_phone),
            hash: keys.hash,
        }
    }

    pub(crate) fn seal(&mut self, message: Vec<u8>) -> Result<Vec<u8>, frame::Error> {
        self.sealer.seal(message)
    }

    /// What devices say to each other that share passkeys.
    pub(crate) fn seal_circle(&mut self, message: Vec<u8>) -> Result<Vec<u8>, Misuse> {
        self.seal(Message::Circle(message).encode()).map_err(|error| match error {
            frame::Error::TooLong => Misuse::TooLong,
            _ => Misuse::NotNow,
        })
    }

    pub(crate) fn open(&mut self, frame: Vec<u8>) -> Result<Vec<u8>, frame::Error> {
        self.opener.open(frame)
    }

    pub(crate) const fn hash(&self) -> &HandshakeHash {
        &self.hash
    }
}
