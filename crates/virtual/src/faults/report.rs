//! Reports of CTAPHID that are lost, out of order, or wrong (CTAP 2.3 §11.2).

use towline_ctap::{Command, hid::Report};

use super::Fault;
use crate::Direction;

/// Commands, as the first byte of a message has them, with the bit of a first report.
const MSG: u8 = 0x83;
const CBOR: u8 = 0x90;
const CANCEL: u8 = 0x91;
const KEEPALIVE: u8 = 0xbb;
const ERROR: u8 = 0xbf;
/// A command that nobody knows.
const UNKNOWN: u8 = 0xba;
/// ERR_CHANNEL_BUSY.
const BUSY: u8 = 0x06;
/// What fits into a first report.
const FIRST: u16 = 57;

/// What is kept between reports.
#[derive(Default)]
pub(super) struct Wire {
    /// How many went each way.
    passed: (u32, u32),
    /// One that goes after the next.
    held: Option<Report>,
}

pub(super) fn bend(fault: Fault, wire: &mut Wire, direction: Direction, it: Report) -> Vec<Report> {
    let [channel @ .., command, high, low] = first_seven(&it);
    let (first, out) = (command & 0x80 != 0, direction == Direction::Out);
    let answer = out && (command == CBOR || command == MSG);
    let init = channel == [0xff; 4];
    match fault {
        Fault::LosesReports if out => lose(&mut wire.passed.1, it),
        Fault::LosesRequests if !out => lose(&mut wire.passed.0, it),
        Fault::ReordersReports if out => match wire.held.take() {
            Some(held) => vec![it, held],
            None if answer && u16::from_be_bytes([high, low]) > FIRST => {
                wire.held = Some(it);
                Vec::new()
            }
            None => vec![it],
        },
        Fault::DoublesReports if out => vec![it, it],
        Fault::CorruptsSequence if out && !first => {
            vec![with(it, 4, command.wrapping_add(1) & 0x7f)]
        }
        Fault::AnotherChannel if out && !init => vec![with(it, 0, !channel[0])],
        // The authenticator is asked for nothing but its getInfo, so that it does nothing.
        Fault::BusyForever if !out && command == CBOR => {
            let asked = [&channel[..], &[CBOR, 0, 1, Command::GetInfo.to_u8()]].concat();
            vec![report(&asked)]
        }
        Fault::BusyForever if !out && !first => Vec::new(),
        Fault::BusyForever if answer => {
            vec![report(&[&channel[..], &[ERROR, 0, 1, BUSY]].concat())]
        }
        Fault::BusyForever if out && (!first || command == KEEPALIVE) => Vec::new(),
        Fault::NoKeepalives if out && command == KEEPALIVE => Vec::new(),
        Fault::IgnoresCancel if !out && command == CANCEL => Vec::new(),
        Fault::HidInvalidLength if answer => vec![with(with(it, 5, 0xff), 6, 0xff)],
        Fault::HidUnknownCommand if answer => vec![with(it, 4, UNKNOWN)],
        Fault::GarbageReports if out && !init => vec![[0xff; 64]],
        _ => vec![it],
    }
}

/// Every second is lost.
fn lose(passed: &mut u32, report: Report) -> Vec<Report> {
    *passed = passed.wrapping_add(1);
    if passed.is_multiple_of(2) { Vec::new() } else { vec![report] }
}

const fn first_seven(report: &Report) -> [u8; 7] {
    let [a, b, c, d, e, f, g, ..] = *report;
    [a, b, c, d, e, f, g]
}

fn with(mut report: Report, place: usize, byte: u8) -> Report {
    if let Some(to) = report.get_mut(place) {
        *to = byte;
    }
    report
}

fn report(bytes: &[u8]) -> Report {
    let mut report = [0; 64];
    for (to, from) in report.iter_mut().zip(bytes) {
        *to = *from;
    }
    report
}
