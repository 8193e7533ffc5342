//! Keys that are plugged in, as Linux shows them: `/sys/class/hidraw` says which they are, and
//! `/dev/hidraw*` leads to them.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};
use tokio::{io::AsyncReadExt as _, net::unix::pipe};
use towline_client::BoxFuture;
use towline_ctap::hid::{REPORT_SIZE, Report};

use crate::Wire;

/// Where the kernel lists devices.
const SYS: &str = "/sys/class/hidraw";

/// FIDO alliance, and its usage for authenticators (CTAP 2.3 §11.2.8.1).
const FIDO: (u32, u32) = (0xf1d0, 0x01);

/// Descriptors have at most 4096 bytes (Linux: `HID_MAX_DESCRIPTOR_SIZE`).
const LONGEST: usize = 4096;

/// A security key that is plugged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluggedIn {
    /// What it is opened by: `/dev/hidraw3`, say.
    pub node: PathBuf,
    /// What it calls itself, by its maker's words.
    pub name: String,
}

/// Why a key can't be opened. It prints as a sentence for the person.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum HidrawError {
    /// No node of that name, or not one of a security key. Nothing was sent to it.
    #[error("{} is no security key; name one that is plugged in, such as /dev/hidraw0", .0.display())]
    NotAKey(PathBuf),
    /// This user may not open it.
    #[error(
        "{} may not be opened; systemd's rules give keys to whoever is logged in at the machine, \
         and docs/usb-key.md shows a rule for others",
        .0.display()
    )]
    Forbidden(PathBuf),
    /// Something else went wrong.
    #[error("{} can't be opened: {source}", .node.display())]
    Failed {
        /// The node that was named.
        node: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The security keys that are plugged in, by their nodes. None where the kernel shows no devices.
#[must_use]
pub fn plugged_in() -> Vec<PluggedIn> {
    plugged_in_at(Path::new(SYS))
}

fn plugged_in_at(sys: &Path) -> Vec<PluggedIn> {
    let Ok(devices) = fs::read_dir(sys) else { return Vec::new() };
    let mut keys: Vec<_> = devices
        .flatten()
        .filter_map(|device| {
            let facts = device.path().join("device");
            let mut descriptor = fs::read(facts.join("report_descriptor")).ok()?;
            descriptor.truncate(LONGEST);
            is_fido(&descriptor).then(|| PluggedIn {
                node: Path::new("/dev").join(device.file_name()),
                name: name(&facts),
            })
        })
        .collect();
    keys.sort_by(|one, other| one.node.cmp(&other.node));
    keys
}

fn name(facts: &Path) -> String {
    let facts = fs::read_to_string(facts.join("uevent")).unwrap_or_default();
    let name = facts.lines().find_map(|line| line.strip_prefix("HID_NAME="));
    name.map_or_else(|| "security key".to_owned(), str::to_owned)
}

/// Whether a report descriptor (HID 1.11 §6.2.2) is that of an authenticator.
fn is_fido(descriptor: &[u8]) -> bool {
    const LONG: u8 = 0xfe;
    /// Of an item's first byte, all but the length.
    const ITEM: u8 = 0xfc;
    const USAGE_PAGE: u8 = 0x04;
    const USAGE: u8 = 0x08;
    let (mut rest, mut page) = (descriptor, 0);
    while let Some((&first, after)) = rest.split_first() {
        if first == LONG {
            let Some((&length, after)) = after.split_first() else { return false };
            let skipped = usize::from(length).saturating_add(1);
            rest = after.get(skipped..).unwrap_or_default();
            continue;
        }
        let length = match first & 0x03 {
            3 => 4,
            length => usize::from(length),
        };
        let Some((data, after)) = after.split_at_checked(length) else { return false };
        let value = data.iter().rev().fold(0_u32, |value, byte| (value << 8) | u32::from(*byte));
        match first & ITEM {
            USAGE_PAGE => page = value,
            // A usage of four bytes brings its page.
            USAGE if length == 4 && (value >> 16, value & 0xffff) == FIDO => return true,
            USAGE if length < 4 && (page, value) == FIDO => return true,
            _ => {}
        }
        rest = after;
    }
    false
}

/// Opens a key that is plugged in. To be called within a tokio runtime. Nodes of other devices,
/// such as keyboards, are refused before they are opened.
///
/// # Errors
/// [`HidrawError`].
pub fn open(node: &Path) -> Result<Box<dyn Wire>, HidrawError> {
    if !plugged_in().iter().any(|key| key.node == node) {
        return Err(HidrawError::NotAKey(node.to_owned()));
    }
    match Hidraw::open(node) {
        Ok(wire) => Ok(Box::new(wire)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(HidrawError::Forbidden(node.to_owned()))
        }
        Err(source) => Err(HidrawError::Failed { node: node.to_owned(), source }),
    }
}

/// An open node: whole reports in, and whole reports out after a report number.
struct Hidraw {
    reports: pipe::Receiver,
    node: File,
}

impl Hidraw {
    fn open(node: &Path) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let node = rustix::fs::open(node, flags, Mode::empty())?;
        // Nothing but a type for descriptors that can be waited for, whatever its name: it neither
        // asks nor minds what it reads.
        let reports = pipe::Receiver::from_owned_fd_unchecked(node.try_clone()?)?;
        Ok(Self { reports, node: File::from(node) })
    }
}

impl Wire for Hidraw {
    fn send<'a>(&'a mut self, report: &'a Report) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            let mut numbered = [0; REPORT_SIZE + 1];
            let (_number, content) = numbered.split_at_mut(1);
            content.copy_from_slice(report);
            // The kernel takes a report at once, or says why not.
            self.node.write_all(&numbered)
        })
    }

    fn receive(&mut self) -> BoxFuture<'_, io::Result<Report>> {
        Box::pin(async move {
            let mut report = [0; REPORT_SIZE];
            match self.reports.read(&mut report).await? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                // One that is shorter is padded with zeros.
                _ => Ok(report),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 34] = [
        0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x20, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75,
        0x08, 0x95, 0x40, 0x81, 0x02, 0x09, 0x21, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95,
        0x40, 0x91, 0x02, 0xc0,
    ];

    #[test]
    fn a_key_is_told_by_its_usage_and_nothing_else_is() {
        assert!(is_fido(&KEY));
        // The usage with its page, in four bytes.
        assert!(is_fido(&[0x0b, 0x01, 0x00, 0xd0, 0xf1]));
        // Behind a long item.
        assert!(is_fido(&[&[0xfe, 0x02, 0x10, 0x06, 0xd0][..], &KEY].concat()));
        for other in [
            &[][..],
            &[0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0xc0], // a keyboard
            &[0x06, 0xd0, 0xf1, 0x09, 0x02],             // another usage of the page
            &[0x06, 0xd0, 0xf1, 0x05, 0x01, 0x09, 0x01], // another page since
            &[0x06, 0xd0],                               // cut off
            &[0xfe],
            &[0xfe, 0xff, 0x00, 0x06, 0xd0, 0xf1, 0x09, 0x01], // within a long item
        ] {
            assert!(!is_fido(other), "{other:02x?}");
        }
    }

    #[test]
    fn only_keys_are_listed_by_node_and_name() {
        let sys = towline_testkit::Directory::new("hidraw");
        let keyboard = [0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0xc0];
        for (node, descriptor) in [("hidraw2", &KEY[..]), ("hidraw0", &keyboard), ("hidraw1", &KEY)]
        {
            let facts = sys.file(node).join("device");
            fs::create_dir_all(&facts).unwrap();
            fs::write(facts.join("report_descriptor"), descriptor).unwrap();
            fs::write(facts.join("uevent"), format!("HID_ID=3\nHID_NAME=Key {node}\n")).unwrap();
        }
        // One that is pulled out meanwhile.
        fs::create_dir_all(sys.file("hidraw3")).unwrap();
        let listed = plugged_in_at(sys.path());
        let said: Vec<_> =
            listed.iter().map(|key| (key.node.to_str().unwrap(), &*key.name)).collect();
        assert_eq!(said, [("/dev/hidraw1", "Key hidraw1"), ("/dev/hidraw2", "Key hidraw2")]);
        assert_eq!(plugged_in_at(&sys.file("nothing")), []);
    }

    #[tokio::test]
    async fn what_is_no_key_is_not_opened() {
        for node in ["/dev/null", "/dev/hidraw4711", "/etc/passwd"] {
            let refused = open(Path::new(node)).err().unwrap();
            assert!(matches!(refused, HidrawError::NotAKey(_)), "{refused:?}");
            assert!(refused.to_string().starts_with(node), "{refused}");
        }
    }
}
