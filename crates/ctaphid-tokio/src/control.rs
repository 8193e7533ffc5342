//! Reports that are not CTAPHID: the power cycle, and commands to simulated presence.

use std::time::Duration;

use towline_ctap::hid::Report;
use towline_device::Touch;

/// "Unplugged and plugged in again".
pub(crate) const POWER_CYCLE: Report = [
    0xac, 0x10, 0x52, 0xca, 0x95, 0xe5, 0x69, 0xde, 0x69, 0xe0, 0x2e, 0xbf, 0xf3, 0x33, 0x48, 0x5f,
    0x13, 0xf9, 0xb2, 0xda, 0x34, 0xc5, 0xa8, 0xa3, 0x40, 0x52, 0x66, 0x97, 0xa9, 0xab, 0x2e, 0x0b,
    0x39, 0x4d, 0x8d, 0x04, 0x97, 0x3c, 0x13, 0x40, 0x05, 0xbe, 0x1a, 0x01, 0x40, 0xbf, 0xf6, 0x04,
    0x5b, 0xb2, 0x6e, 0xb7, 0x7a, 0x73, 0xea, 0xa4, 0x78, 0x13, 0xf6, 0xb4, 0x9a, 0x72, 0x50, 0xdc,
];

/// How every command begins. Its first four bytes stand where the channel does.
const PREFIX: &[u8] = b"ctaphid-control:";

/// The channel that a command would be on; it is never allocated.
pub(crate) const CONTROL_CHANNEL: u32 = 0x6374_6170;

/// What a report commands, if it is a control report and the command is known. `deny` means what it
/// means to other simulators: the question stays open for its time.
pub(crate) fn command(report: &Report) -> Option<Touch> {
    let rest = report.strip_prefix(PREFIX)?;
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
    let (command, padding) = rest.split_at_checked(end)?;
    if padding.iter().any(|byte| *byte != 0) {
        return None;
    }
    match core::str::from_utf8(command).ok()?.strip_prefix("presence=")? {
        "auto" => Some(Touch::Auto),
        "deny" | "ignore" => Some(Touch::Ignore),
        "refuse" => Some(Touch::Deny),
        "once" => Some(Touch::Once),
        delay => {
            let milliseconds: u32 = delay.strip_prefix("delay:")?.parse().ok()?;
            Some(Touch::Delay(Duration::from_millis(milliseconds.into())))
        }
    }
}

/// Whether a report is meant as a control report, known or not.
pub(crate) fn is_control(report: &Report) -> bool {
    report.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> Report {
        let mut report = [0; 64];
        report[..text.len()].copy_from_slice(text.as_bytes());
        report
    }

    #[test]
    fn every_command_is_understood() {
        let presence = |text: &str| command(&report(&format!("ctaphid-control:presence={text}")));
        assert_eq!(presence("auto"), Some(Touch::Auto));
        assert_eq!(presence("deny"), Some(Touch::Ignore), "as other simulators have it");
        assert_eq!(presence("ignore"), Some(Touch::Ignore));
        assert_eq!(presence("refuse"), Some(Touch::Deny));
        assert_eq!(presence("once"), Some(Touch::Once));
        assert_eq!(presence("delay:250"), Some(Touch::Delay(Duration::from_millis(250))));
        assert_eq!(presence("delay:0"), Some(Touch::Delay(Duration::ZERO)));
    }

    #[test]
    fn what_is_no_command_is_not() {
        for text in [
            "",
            "ctaphid-control:",
            "ctaphid-control:presence",
            "ctaphid-control:presence=",
            "ctaphid-control:presence=AUTO",
            "ctaphid-control:presence=auto ",
            "ctaphid-control:presence=delay",
            "ctaphid-control:presence=delay:",
            "ctaphid-control:presence=delay:-1",
            "ctaphid-control:presence=delay:99999999999",
            "ctaphid-control:absence=auto",
            "ctaphid-contro:presence=auto",
        ] {
            assert_eq!(command(&report(text)), None, "{text}");
        }
        let mut unpadded = report("ctaphid-control:presence=auto");
        unpadded[63] = 1;
        assert_eq!(command(&unpadded), None);
        let mut not_text = report("ctaphid-control:presence=auto");
        not_text[20] = 0xff;
        assert_eq!(command(&not_text), None);
    }

    #[test]
    fn the_channel_of_control_reports_is_where_they_put_it() {
        let first: [u8; 4] = report("ctaphid-control:")[..4].try_into().unwrap();
        assert_eq!(u32::from_be_bytes(first), CONTROL_CHANNEL);
    }
}
