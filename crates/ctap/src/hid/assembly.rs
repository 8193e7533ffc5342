//! Messages from packets and packets from messages, over buffers that are used again and again.

use alloc::vec::Vec;

use crate::hidden::debug_without_bytes;

use super::{
    HidChannel, HidCommand, MAX_MESSAGE, Report,
    packet::{first, further},
};

/// A message that is coming in.
pub(super) struct Incoming {
    message: Vec<u8>,
    expected: usize,
    sequence: u8,
}

debug_without_bytes!(struct Incoming { expected, sequence } hides { message });

/// A packet that does not follow the one before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfOrder;

impl Incoming {
    pub(super) fn new() -> Self {
        Self { message: Vec::with_capacity(MAX_MESSAGE), expected: 0, sequence: 0 }
    }

    /// Begins a message of `length` bytes; tells whether it is whole.
    pub(super) fn begin(&mut self, length: u16, data: &[u8]) -> bool {
        self.message.clear();
        self.expected = length.into();
        self.sequence = 0;
        self.append(data)
    }

    /// Goes on with it; tells whether it is whole.
    pub(super) fn go_on(&mut self, sequence: u8, data: &[u8]) -> Result<bool, OutOfOrder> {
        if sequence != self.sequence {
            return Err(OutOfOrder);
        }
        self.sequence = self.sequence.saturating_add(1);
        Ok(self.append(data))
    }

    pub(super) fn message(&self) -> &[u8] {
        &self.message
    }

    fn append(&mut self, data: &[u8]) -> bool {
        let missing = self.expected.saturating_sub(self.message.len());
        self.message.extend_from_slice(data.get(..missing).unwrap_or(data));
        self.message.len() >= self.expected
    }
}

/// A message that is going out.
pub(super) struct Outgoing {
    channel: HidChannel,
    command: HidCommand,
    message: Vec<u8>,
    sent: usize,
    /// The sequence number of the next packet; `None` before the first.
    sequence: Option<u8>,
    active: bool,
}

debug_without_bytes!(
    struct Outgoing {
        channel, command, sent, sequence, active
    } hides { message }
);

impl Outgoing {
    pub(super) fn new() -> Self {
        Self {
            channel: HidChannel::RESERVED,
            command: HidCommand::Error,
            message: Vec::with_capacity(MAX_MESSAGE),
            sent: 0,
            sequence: None,
            active: false,
        }
    }

    /// Begins to send. The message is at most [`MAX_MESSAGE`] bytes long.
    pub(super) fn begin(&mut self, channel: HidChannel, command: HidCommand, message: &[u8]) {
        self.message.clear();
        self.message.extend_from_slice(message);
        (self.channel, self.command) = (channel, command);
        (self.sent, self.sequence, self.active) = (0, None, true);
    }

    /// Forgets what was not sent yet.
    pub(super) const fn abort(&mut self) {
        self.active = false;
    }

    /// Whose message is being sent, if there is one.
    pub(super) fn channel(&self) -> Option<HidChannel> {
        self.active.then_some(self.channel)
    }

    /// The next packet of the message.
    pub(super) fn next(&mut self) -> Option<Report> {
        if !self.active {
            return None;
        }
        let rest = self.message.get(self.sent..).unwrap_or_default();
        let (report, later) = match self.sequence {
            None => first(self.channel, self.command, rest),
            Some(sequence) => further(self.channel, sequence, rest),
        };
        self.sequence = Some(self.sequence.map_or(0, |sequence| sequence.saturating_add(1)));
        self.sent = self.message.len().saturating_sub(later.len());
        self.active = !later.is_empty();
        Some(report)
    }
}
