//! Messages on a Bluetooth LE L2CAP channel: each is followed by CR LF (CTAP 2.3).
//!
//! A ciphertext may contain CR LF itself, so that every CR LF is only a candidate for the end of a
//! message: the reader goes on to the next one when what is before it turns out not to be a
//! message.

use std::fmt;

use crate::frame::MAX_FRAME;

const END: &[u8] = b"\r\n";

/// How many ends one message may seem to have. The longest ciphertext contains 16 by chance; trying
/// each costs as much as decrypting all that is before it.
const MAX_CANDIDATES: u32 = 64;

/// The bytes of one message on the channel.
#[must_use]
pub fn encode(mut message: Vec<u8>) -> Vec<u8> {
    message.extend_from_slice(END);
    message
}

/// More arrived than any message is long, or more ends than any message contains, and none of them
/// is the end of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much arrived without the end of a message")]
pub struct TooLong;

/// Puts messages together again from what arrives.
#[derive(Default)]
pub struct Deframer {
    bytes: Vec<u8>,
    /// Where to look for the next candidate.
    searched: usize,
    /// How many candidates turned out not to be a message since the last one.
    refused: u32,
}

/// Before the handshake is over, messages are not encrypted.
impl fmt::Debug for Deframer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deframer({} bytes)", self.bytes.len())
    }
}

impl Deframer {
    /// Adds what arrived, in pieces of any size.
    ///
    /// # Errors
    /// [`TooLong`]; the channel is of no more use.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.bytes.extend_from_slice(bytes);
        let too_long = self.bytes.len() > MAX_FRAME.saturating_add(END.len());
        if too_long || self.refused >= MAX_CANDIDATES { Err(TooLong) } else { Ok(()) }
    }

    /// The next message, if it is there as a whole. `open` says whether a candidate is one: it
    /// looks at the length while handshaking and tries to decrypt later, and returns `None` to go
    /// on to the next candidate.
    pub fn next<T>(&mut self, mut open: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
        while self.refused < MAX_CANDIDATES {
            let rest = self.bytes.get(self.searched..)?;
            let Some(found) = rest.windows(END.len()).position(|window| window == END) else {
                // The last byte may be the first half of an end.
                self.searched = self.bytes.len().saturating_sub(1).max(self.searched);
                return None;
            };
            let end = self.searched.saturating_add(found);
            let message = open(self.bytes.get(..end)?);
            if message.is_some() {
                self.bytes.drain(..end.saturating_add(END.len()));
                (self.searched, self.refused) = (0, 0);
                return message;
            }
            self.searched = end.saturating_add(1);
            self.refused = self.refused.saturating_add(1);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn messages_arrive_whole_however_they_are_cut(
            messages in prop::collection::vec(prop::collection::vec(prop::sample::select(b"ab\r\n".to_vec()), 0..8), 1..5),
            piece in 1_usize..6,
        ) {
            let stream: Vec<u8> = messages.iter().cloned().flat_map(encode).collect();
            let mut deframer = Deframer::default();
            let mut received = Vec::new();
            for bytes in stream.chunks(piece) {
                deframer.push(bytes).unwrap();
                while let Some(message) = deframer.next(|candidate| {
                    (messages.get(received.len()).map(Vec::as_slice) == Some(candidate)).then(|| candidate.to_vec())
                }) {
                    received.push(message);
                }
            }
            prop_assert_eq!(received, messages);
        }
    }

    #[test]
    fn an_endless_message_is_refused() {
        let mut deframer = Deframer::default();
        assert_eq!(deframer.push(&vec![0; MAX_FRAME]), Ok(()));
        assert_eq!(deframer.next(|_| Some(())), None);
        assert_eq!(deframer.push(&[0; 3]), Err(TooLong));
    }

    #[test]
    fn a_stream_of_nothing_but_ends_is_refused_before_it_costs_much() {
        let mut deframer = Deframer::default();
        let mut opened = 0_usize;
        let mut refused = false;
        for _ in 0..100 {
            refused |= deframer.push(&END.repeat(1000)).is_err();
            while deframer
                .next(|_| {
                    opened += 1;
                    None::<()>
                })
                .is_some()
            {}
        }
        assert!(refused);
        assert!(opened < 1000, "{opened} candidates were tried");
    }
}
