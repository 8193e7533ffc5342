//! Transport frames: padded, encrypted in place, counted (CTAP 2.3, hybrid transports).

use towline_crypto::{AeadKey, CryptoProvider};

use crate::secrets::TrafficKey;

/// The longest frame that is sent or accepted, in bytes.
pub const MAX_FRAME: usize = towline_rendezvous::tunnel::MAX_MESSAGE;
/// The longest message that fits a frame, in bytes.
pub const MAX_MESSAGE: usize = MAX_FRAME - TAG_LEN - GRANULE;
/// The last number that a frame may have.
pub const MAX_COUNTER: u32 = (1 << 24) - 1;

const TAG_LEN: usize = 16;
/// Plaintexts are padded to a multiple of this.
const GRANULE: usize = 32;

/// Why a frame was refused or could not be made.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The tag does not match: changed, replayed, out of order, or under another key.
    #[error("a message could not be authenticated")]
    Authentication,
    /// Authentic, but without even the padding's length.
    #[error("a message has no content at all")]
    Empty,
    /// Authentic, but with more padding than content.
    #[error("a message's padding is longer than the message")]
    Padding,
    /// Longer than [`MAX_FRAME`].
    #[error("a message is longer than 1 MiB")]
    TooLong,
    /// The numbers are used up.
    #[error("too many messages were sent over one connection")]
    Exhausted,
}

/// Adds padding: zeros up to one byte below a multiple of 32, then how many zeros there were.
pub fn pad(message: &mut Vec<u8>) {
    let used = message.len().checked_rem(GRANULE).unwrap_or_default();
    let zeros = (GRANULE - 1).saturating_sub(used);
    message.resize(message.len().saturating_add(zeros), 0);
    message.push(u8::try_from(zeros).unwrap_or_default());
}

/// Takes padding off. Its content, its granularity and its amount are the sender's business: some
/// pad in other ways.
///
/// # Errors
/// [`Error::Empty`] or [`Error::Padding`].
pub fn unpad(message: &mut Vec<u8>) -> Result<(), Error> {
    let zeros = message.pop().ok_or(Error::Empty)?;
    let length = message.len().checked_sub(usize::from(zeros)).ok_or(Error::Padding)?;
    message.truncate(length);
    Ok(())
}

/// One direction's key and the number of its next frame.
struct Direction {
    key: Box<dyn AeadKey>,
    counter: u32,
}

impl Direction {
    fn new(provider: &CryptoProvider, key: &TrafficKey, counter: u32) -> Self {
        Self { key: provider.aead.key(key.expose()), counter }
    }

    fn nonce(&self) -> Result<[u8; 12], Error> {
        if self.counter > MAX_COUNTER {
            return Err(Error::Exhausted);
        }
        let [a, b, c, d] = self.counter.to_be_bytes();
        Ok([0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d])
    }

    fn advance(&mut self) {
        self.counter = self.counter.saturating_add(1);
    }
}

/// Makes the frames of one direction.
pub struct Sealer(Direction);

impl Sealer {
    /// Starts with frame 0.
    #[must_use]
    pub fn new(provider: &CryptoProvider, key: &TrafficKey) -> Self {
        Self::starting_at(provider, key, 0)
    }

    /// Starts with another number. Never use a number twice with the same key.
    #[must_use]
    pub fn starting_at(provider: &CryptoProvider, key: &TrafficKey, counter: u32) -> Self {
        Self(Direction::new(provider, key, counter))
    }

    /// Turns a message into a frame, in place.
    ///
    /// # Errors
    /// [`Error::TooLong`] or [`Error::Exhausted`]; the message is lost.
    pub fn seal(&mut self, mut message: Vec<u8>) -> Result<Vec<u8>, Error> {
        if message.len() > MAX_MESSAGE {
            return Err(Error::TooLong);
        }
        let nonce = self.0.nonce()?;
        message.reserve_exact(GRANULE + TAG_LEN);
        pad(&mut message);
        self.0.key.seal(&nonce, &[], &mut message).map_err(|_| Error::TooLong)?;
        self.0.advance();
        Ok(message)
    }
}

/// Opens the frames of one direction.
pub struct Opener(Direction);

impl Opener {
    /// Starts with frame 0.
    #[must_use]
    pub fn new(provider: &CryptoProvider, key: &TrafficKey) -> Self {
        Self::starting_at(provider, key, 0)
    }

    /// Starts with another number.
    #[must_use]
    pub fn starting_at(provider: &CryptoProvider, key: &TrafficKey, counter: u32) -> Self {
        Self(Direction::new(provider, key, counter))
    }

    /// Turns the next frame into its message, in place. The number goes up only when the frame is
    /// authentic.
    ///
    /// # Errors
    /// [`Error`]; the session is over.
    pub fn open(&mut self, mut frame: Vec<u8>) -> Result<Vec<u8>, Error> {
        if frame.len() > MAX_FRAME {
            return Err(Error::TooLong);
        }
        let nonce = self.0.nonce()?;
        self.0.key.open(&nonce, &[], &mut frame).map_err(|_| Error::Authentication)?;
        self.0.advance();
        unpad(&mut frame)?;
        Ok(frame)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer(next {})", self.0.counter)
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opener(next {})", self.0.counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn padding_comes_off_again(message: Vec<u8>) {
            let mut padded = message.clone();
            pad(&mut padded);
            prop_assert_eq!(padded.len() % 32, 0);
            prop_assert!(padded.len() > message.len());
            unpad(&mut padded).unwrap();
            prop_assert_eq!(padded, message);
        }

        #[test]
        fn any_plaintext_is_unpadded_or_refused(mut plaintext: Vec<u8>) {
            let _ = unpad(&mut plaintext);
        }
    }
}
