//! What is read from and written to `/dev/uhid`, as bytes (`linux/uhid.h`): events of one size,
//! packed, in the byte order of the machine. What is written may be shorter; the kernel takes the
//! rest for zeros.

use towline_ctap::hid::{REPORT_SIZE, Report};

/// How long an event is, in bytes: a number of 4 bytes, and the longest of its contents.
pub const EVENT_SIZE: usize = 4376;

/// The longest message that surely reaches the key, in bytes, as `maxMsgSize` of its authenticator
/// (CTAP 2.3 section 6.4).
///
/// The kernel keeps 32 events and drops what comes after them, and a program writes a message's
/// reports faster than any other is sure to be woken: this is the longest message of 31 reports,
/// with room for a cancellation.
pub const MAX_MSG_SIZE: usize = 57 + 30 * 59;

/// The room for a report or a descriptor in an event, in bytes.
const DATA_MAX: usize = 4096;

/// Numbers of events (`enum uhid_event_type`).
mod number {
    pub(super) const START: u32 = 2;
    pub(super) const STOP: u32 = 3;
    pub(super) const OPEN: u32 = 4;
    pub(super) const CLOSE: u32 = 5;
    pub(super) const OUTPUT: u32 = 6;
    pub(super) const GET_REPORT: u32 = 9;
    pub(super) const GET_REPORT_REPLY: u32 = 10;
    pub(super) const CREATE2: u32 = 11;
    pub(super) const INPUT2: u32 = 12;
    pub(super) const SET_REPORT: u32 = 13;
    pub(super) const SET_REPORT_REPLY: u32 = 14;
}

/// `EIO`: what there is not is refused as a device on a wire would.
const EIO: u16 = 5;

/// USB, of the buses that a HID device can be on; libfido2 looks for keys there.
const BUS_USB: u16 = 3;

/// The reports of a FIDO key (CTAP 2.3 section 11.2.8.1): usage page 0xF1D0, 64 bytes in and 64
/// bytes out, no report numbers.
const REPORT_DESCRIPTOR: [u8; 34] = [
    0x06, 0xd0, 0xf1, // usage page: FIDO alliance
    0x09, 0x01, // usage: authenticator device
    0xa1, 0x01, // collection: application
    0x09, 0x20, // usage: data to the host
    0x15, 0x00, 0x26, 0xff, 0x00, // bytes from 0 to 255
    0x75, 0x08, 0x95, 0x40, // 8 bits, 64 times
    0x81, 0x02, // input: data, variable, absolute
    0x09, 0x21, // usage: data from the host
    0x15, 0x00, 0x26, 0xff, 0x00, // bytes from 0 to 255
    0x75, 0x08, 0x95, 0x40, // 8 bits, 64 times
    0x91, 0x02, // output: data, variable, absolute
    0xc0, // end of the collection
];

/// What the key says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name, as lists of devices show it. At most 127 bytes of UTF-8 are used.
    pub name: String,
    /// USB vendor id.
    pub vendor: u16,
    /// USB product id.
    pub product: u16,
    /// A serial number, of at most 63 bytes. It tells keys apart, and so also their owners; none by
    /// default.
    pub serial: String,
}

impl Default for Description {
    /// An id for software that is on no shelf: vendor 0x1209 lends the first of its products to
    /// whoever tests (pid.codes).
    fn default() -> Self {
        Self {
            name: "towline security key".to_owned(),
            vendor: 0x1209,
            product: 0x0001,
            serial: String::new(),
        }
    }
}

/// What the kernel says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UhidEvent {
    /// The device is in use by the kernel; its node comes now.
    Start,
    /// The kernel has done with the device.
    Stop,
    /// The first program has opened the node.
    Open,
    /// The last program has closed the node.
    Close,
    /// A program wrote a report.
    Output(Report),
    /// A program wants a report that it did not wait for; it waits until it is told that there is
    /// none.
    GetReport {
        /// What the answer has to name.
        id: u32,
    },
    /// A program sets a report by another way than writing; it waits until it is refused.
    SetReport {
        /// What the answer has to name.
        id: u32,
    },
    /// Anything else; a report of another length, say.
    Other(u32),
}

impl UhidEvent {
    /// Reads an event. None if it is too short to be one.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, content) = bytes.split_first_chunk()?;
        let kind = u32::from_ne_bytes(*kind);
        let id = || content.first_chunk().copied().map(u32::from_ne_bytes);
        Some(match kind {
            number::START => Self::Start,
            number::STOP => Self::Stop,
            number::OPEN => Self::Open,
            number::CLOSE => Self::Close,
            number::OUTPUT => output(content).map_or(Self::Other(kind), Self::Output),
            number::GET_REPORT => Self::GetReport { id: id()? },
            number::SET_REPORT => Self::SetReport { id: id()? },
            _ => Self::Other(kind),
        })
    }
}

/// The report in an output event: as it is, or after the number 0 of the only report there is,
/// which is how `hidraw` passes it.
fn output(content: &[u8]) -> Option<Report> {
    let (data, rest) = content.split_at_checked(DATA_MAX)?;
    let size = usize::from(u16::from_ne_bytes(*rest.first_chunk()?));
    let data = data.get(..size)?;
    data.try_into().ok().or_else(|| data.strip_prefix(&[0])?.try_into().ok())
}

/// Makes the device (`UHID_CREATE2`). By `physical`, of at most 63 bytes, whoever made it finds it
/// among others.
#[must_use]
pub fn create(description: &Description, physical: &str) -> Vec<u8> {
    let mut event = Vec::with_capacity(EVENT_SIZE);
    event.extend(number::CREATE2.to_ne_bytes());
    text::<128>(&mut event, &description.name);
    text::<64>(&mut event, physical);
    text::<64>(&mut event, &description.serial);
    let length = u16::try_from(REPORT_DESCRIPTOR.len()).unwrap_or(u16::MAX);
    event.extend(length.to_ne_bytes());
    event.extend(BUS_USB.to_ne_bytes());
    event.extend(u32::from(description.vendor).to_ne_bytes());
    event.extend(u32::from(description.product).to_ne_bytes());
    // Version and country.
    event.extend([0; 8]);
    event.extend(REPORT_DESCRIPTOR);
    event
}

/// A report to whoever reads the node (`UHID_INPUT2`).
#[must_use]
pub fn input(report: &Report) -> [u8; 6 + REPORT_SIZE] {
    let mut event = [0; 6 + REPORT_SIZE];
    let (kind, rest) = event.split_at_mut(4);
    let (length, data) = rest.split_at_mut(2);
    kind.copy_from_slice(&number::INPUT2.to_ne_bytes());
    length.copy_from_slice(&(64u16).to_ne_bytes());
    data.copy_from_slice(report);
    event
}

/// Refuses an [`UhidEvent::GetReport`].
#[must_use]
pub fn no_report(id: u32) -> [u8; 12] {
    let mut event = [0; 12];
    let (kind, rest) = event.split_at_mut(4);
    let (name, rest) = rest.split_at_mut(4);
    kind.copy_from_slice(&number::GET_REPORT_REPLY.to_ne_bytes());
    name.copy_from_slice(&id.to_ne_bytes());
    // And a length of 0.
    rest.split_at_mut(2).0.copy_from_slice(&EIO.to_ne_bytes());
    event
}

/// Refuses an [`UhidEvent::SetReport`].
#[must_use]
pub fn not_set(id: u32) -> [u8; 10] {
    let mut event = [0; 10];
    let (kind, rest) = event.split_at_mut(4);
    let (name, error) = rest.split_at_mut(4);
    kind.copy_from_slice(&number::SET_REPORT_REPLY.to_ne_bytes());
    name.copy_from_slice(&id.to_ne_bytes());
    error.copy_from_slice(&EIO.to_ne_bytes());
    event
}

/// Text in a field of `N` bytes, ended by a zero; cut between characters if it is too long.
fn text<const N: usize>(event: &mut Vec<u8>, text: &str) {
    let text = text.split('\0').next().unwrap_or_default();
    let mut field = [0; N];
    let most = N.saturating_sub(1);
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    let cut = text.get(..end.unwrap_or(0)).unwrap_or_default().as_bytes();
    for (place, byte) in field.iter_mut().zip(cut) {
        *place = *byte;
    }
    event.extend(field);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(kind: u32, content: &[u8]) -> Vec<u8> {
        let mut event = [&kind.to_ne_bytes()[..], content].concat();
        event.resize(EVENT_SIZE, 0);
        event
    }

    fn written_output(data: &[u8]) -> Vec<u8> {
        let mut content = data.to_vec();
        content.resize(DATA_MAX, 0);
        content.extend(u16::try_from(data.len()).unwrap().to_ne_bytes());
        content.push(1);
        written(6, &content)
    }

    #[test]
    fn a_report_is_read_with_and_without_its_number() {
        let report: Report = std::array::from_fn(|place| u8::try_from(place + 1).unwrap());
        assert_eq!(UhidEvent::read(&written_output(&report)), Some(UhidEvent::Output(report)));
        let numbered = [&[0][..], &report].concat();
        assert_eq!(UhidEvent::read(&written_output(&numbered)), Some(UhidEvent::Output(report)));
    }

    #[test]
    fn reports_of_other_lengths_and_numbers_are_none() {
        let numbered = [&[1][..], &[0; 64]].concat();
        for data in [&[][..], &[0; 63], &[0; 66], &[0; 4096], &numbered] {
            assert_eq!(
                UhidEvent::read(&written_output(data)),
                Some(UhidEvent::Other(6)),
                "{}",
                data.len()
            );
        }
        let mut too_long = written_output(&[0; 64]);
        too_long[4 + DATA_MAX..][..2].copy_from_slice(&5000u16.to_ne_bytes());
        assert_eq!(UhidEvent::read(&too_long), Some(UhidEvent::Other(6)));
    }

    #[test]
    fn every_other_event_is_told_apart() {
        for (kind, event) in [
            (2, UhidEvent::Start),
            (3, UhidEvent::Stop),
            (4, UhidEvent::Open),
            (5, UhidEvent::Close),
            (9, UhidEvent::GetReport { id: 0x0102_0304 }),
            (13, UhidEvent::SetReport { id: 0x0102_0304 }),
            (7, UhidEvent::Other(7)),
            (u32::MAX, UhidEvent::Other(u32::MAX)),
        ] {
            let bytes = written(kind, &0x0102_0304u32.to_ne_bytes());
            assert_eq!(UhidEvent::read(&bytes), Some(event));
        }
        for short in [&[][..], &[2, 0, 0]] {
            assert_eq!(UhidEvent::read(short), None);
        }
        assert_eq!(UhidEvent::read(&9u32.to_ne_bytes()), None, "a question without its id");
    }

    #[test]
    fn a_device_is_described_where_the_kernel_looks() {
        let description = Description {
            name: "ä".repeat(100),
            vendor: 0x1209,
            product: 0xabcd,
            serial: "12\x0034".to_owned(),
        };
        let event = create(&description, "here");
        assert_eq!(event[132..137], *b"here\0");
        assert_eq!(event[..4], 11u32.to_ne_bytes());
        let name = std::str::from_utf8(&event[4..132]).unwrap();
        assert_eq!(name.trim_end_matches('\0'), "ä".repeat(63), "cut between characters");
        assert_eq!(event[196..200], *b"12\0\0");
        let number = |place: usize| u32::from_ne_bytes(event[place..][..4].try_into().unwrap());
        assert_eq!(event[260..262], 34u16.to_ne_bytes());
        assert_eq!(event[262..264], 3u16.to_ne_bytes());
        assert_eq!((number(264), number(268)), (0x1209, 0xabcd));
        assert_eq!(event[280..], REPORT_DESCRIPTOR);
    }

    #[test]
    fn answers_name_what_they_answer() {
        let refused = no_report(7);
        assert_eq!(
            (&refused[..4], &refused[4..8]),
            (&10u32.to_ne_bytes()[..], &7u32.to_ne_bytes()[..])
        );
        assert_eq!(refused[8..], [&5u16.to_ne_bytes()[..], &[0, 0]].concat());
        let refused = not_set(8);
        assert_eq!(
            (&refused[..4], &refused[4..8]),
            (&14u32.to_ne_bytes()[..], &8u32.to_ne_bytes()[..])
        );
        assert_eq!(refused[8..], 5u16.to_ne_bytes());
        let given = input(&[9; 64]);
        assert_eq!(
            (&given[..4], &given[4..6]),
            (&12u32.to_ne_bytes()[..], &64u16.to_ne_bytes()[..])
        );
        assert_eq!(given[6..], [9; 64]);
    }
}
