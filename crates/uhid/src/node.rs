//! Which node is the device's: the kernel does not say it on `/dev/uhid`, but `/sys` knows.

use std::{fs, path::PathBuf};

/// The node of the HID device with this physical address, which is ours alone.
pub(crate) fn of(physical: &str) -> Option<PathBuf> {
    let wanted = format!("HID_PHYS={physical}");
    fs::read_dir("/sys/class/hidraw").ok()?.flatten().find_map(|node| {
        let facts = fs::read_to_string(node.path().join("device/uevent")).ok()?;
        let found = facts.lines().any(|line| line == wanted);
        found.then(|| PathBuf::from("/dev").join(node.file_name()))
    })
}
