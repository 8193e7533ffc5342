//! What the kernel says on `/dev/uhid`, of any content: an event or none, and a report only where
//! one was written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use towline_uhid::{
    Description,
    event::{self, UhidEvent},
};

fuzz_target!(|bytes: &[u8]| {
    match UhidEvent::read(bytes) {
        Some(UhidEvent::Output(report)) => {
            assert!(bytes.windows(report.len()).any(|written| written == report));
        }
        Some(UhidEvent::GetReport { id }) => {
            assert_eq!(event::no_report(id)[4..8], bytes[4..8]);
        }
        Some(UhidEvent::SetReport { id }) => {
            assert_eq!(event::not_set(id)[4..8], bytes[4..8]);
        }
        _ => {}
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let name = text.to_owned();
        let description = Description { serial: name.clone(), name, ..Description::default() };
        assert_eq!(event::create(&description, text).len(), 280 + 34);
    }
});
