//! One packet: a report, read or written (CTAP 2.3 §11.2.4).

use super::{HidChannel, HidCommand, REPORT_SIZE, Report};

use crate::hidden::debug_without_bytes;
/// How much of a message the first packet carries, in bytes.
pub(super) const FIRST: usize = 57;

/// How much of a message each further packet carries, in bytes.
pub(super) const FURTHER: usize = 59;

/// The bit that tells initialization packets from continuation packets.
const INITIALIZATION: u8 = 0x80;

/// What a report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The channel that it belongs to.
    pub channel: HidChannel,
    /// What it carries.
    pub payload: Payload<'a>,
}

/// What a packet carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// The first packet of a message.
    Initialization {
        /// What the message is.
        command: HidCommand,
        /// How long the whole message is, in bytes; more than [`super::MAX_MESSAGE`] is not
        /// allowed.
        length: u16,
        /// Its first bytes, and padding after a short message.
        data: &'a [u8; FIRST],
    },
    /// A further packet.
    Continuation {
        /// Counts from 0 to 127.
        sequence: u8,
        /// Some more bytes, and padding after the last.
        data: &'a [u8; FURTHER],
    },
}

debug_without_bytes!(enum Payload<'a> {
    Initialization { command, length } hides { data }
    Continuation { sequence } hides { data }
});

impl<'a> Packet<'a> {
    /// Reads a report; every one is a packet.
    #[must_use]
    pub fn read(report: &'a Report) -> Self {
        // The lengths add up to that of a report, so none of the fallbacks is ever taken.
        const NO_FIRST: &[u8; FIRST] = &[0; FIRST];
        const NO_FURTHER: &[u8; FURTHER] = &[0; FURTHER];
        let &[c0, c1, c2, c3, byte, high, low, ..] = report;
        let payload = if byte & INITIALIZATION == 0 {
            let data = report.last_chunk().unwrap_or(NO_FURTHER);
            Payload::Continuation { sequence: byte, data }
        } else {
            let data = report.last_chunk().unwrap_or(NO_FIRST);
            let length = u16::from_be_bytes([high, low]);
            Payload::Initialization { command: HidCommand::from_u8(byte), length, data }
        };
        Self { channel: HidChannel(u32::from_be_bytes([c0, c1, c2, c3])), payload }
    }
}

/// The first packet of a message, and what of it remains.
pub(super) fn first(channel: HidChannel, command: HidCommand, message: &[u8]) -> (Report, &[u8]) {
    // Whoever sends has checked the length.
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    let [c0, c1, c2, c3] = channel.0.to_be_bytes();
    let header = [c0, c1, c2, c3, command.to_u8() | INITIALIZATION, high, low];
    fill(&header, message)
}

/// A further packet of a message, and what of it remains.
pub(super) fn further(channel: HidChannel, sequence: u8, message: &[u8]) -> (Report, &[u8]) {
    let [c0, c1, c2, c3] = channel.0.to_be_bytes();
    fill(&[c0, c1, c2, c3, sequence & !INITIALIZATION], message)
}

fn fill<'m>(header: &[u8], message: &'m [u8]) -> (Report, &'m [u8]) {
    let mut report = [0; REPORT_SIZE];
    let room = REPORT_SIZE.saturating_sub(header.len());
    let (now, later) = message.split_at_checked(room).unwrap_or((message, &[]));
    for (place, byte) in report.iter_mut().zip(header.iter().chain(now)) {
        *place = *byte;
    }
    (report, later)
}
