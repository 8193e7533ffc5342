//! Whether there is a Bluetooth adapter, as Linux tells in `/sys`.

use std::{fs, path::Path};

use super::Finding;
use crate::event::Outcome;

/// Looks below `sys`, which is `/sys` but for tests. The adapter is not needed by this version, so
/// that its lack is no more than a note.
pub(super) fn check(sys: &Path) -> Finding {
    if !cfg!(target_os = "linux") {
        return Finding::new(
            "adapter",
            Outcome::NotChecked,
            "how to find a Bluetooth adapter is only known on Linux",
        );
    }
    let adapters =
        names(&sys.join("class/bluetooth"), |name| name.starts_with("hci") && !name.contains(':'));
    if adapters.is_empty() {
        let message = if cfg!(feature = "bluetooth") {
            "there is no Bluetooth adapter; plug one in"
        } else {
            "there is no Bluetooth adapter, and this program, which was built without Bluetooth, has no use for one"
        };
        return Finding::new("adapter", Outcome::Note, message);
    }
    let list = adapters.join(", ");
    let switches = sys.join("class/rfkill");
    let blocked = |kind: &str| {
        names(&switches, |name| name.starts_with("rfkill")).iter().any(|name| {
            let read =
                |file: &str| fs::read_to_string(switches.join(name).join(file)).unwrap_or_default();
            read("type").trim() == "bluetooth" && read(kind).trim() == "1"
        })
    };
    let message = if blocked("hard") {
        format!("{list} is switched off by a switch or in the firmware; switch it on there")
    } else if blocked("soft") {
        format!("{list} is switched off; switch it on with `rfkill unblock bluetooth`")
    } else {
        format!(
            "{list} is there and not blocked; whether the Bluetooth service runs was not checked"
        )
    };
    Finding::new("adapter", Outcome::Note, message)
}

/// The matching names in a directory, sorted; none where there is no such directory.
fn names(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| wanted(name))
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn look(files: &[(&str, &str)]) -> String {
        let name = std::thread::current().name().unwrap().replace("::", "-");
        let sys = std::env::temp_dir().join(format!("towline-{name}-{}", std::process::id()));
        fs::create_dir_all(&sys).unwrap();
        for (file, content) in files {
            let path = sys.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let finding = check(&sys);
        fs::remove_dir_all(sys).unwrap();
        assert_eq!(finding.outcome, Outcome::Note);
        finding.message
    }

    #[test]
    fn a_machine_without_an_adapter_is_told_so() {
        let told = look(&[]);
        assert!(told.contains("no Bluetooth adapter"), "{told}");
        let of_use = cfg!(feature = "bluetooth");
        assert_eq!(told.contains("plug one in"), of_use, "{told}");
    }

    #[test]
    fn a_connection_is_not_taken_for_an_adapter() {
        assert!(look(&[("class/bluetooth/hci0:11/x", "")]).contains("no Bluetooth adapter"));
    }

    #[test]
    fn an_adapter_that_is_switched_off_is_told_so() {
        let adapter = ("class/bluetooth/hci0/x", "");
        let kind = ("class/rfkill/rfkill3/type", "bluetooth\n");
        let soft = look(&[
            adapter,
            kind,
            ("class/rfkill/rfkill3/soft", "1\n"),
            ("class/rfkill/rfkill3/hard", "0\n"),
        ]);
        assert!(soft.contains("rfkill unblock"), "{soft}");
        let hard = look(&[
            adapter,
            kind,
            ("class/rfkill/rfkill3/soft", "1\n"),
            ("class/rfkill/rfkill3/hard", "1\n"),
        ]);
        assert!(hard.contains("firmware"), "{hard}");
    }

    #[test]
    fn the_switch_of_another_radio_does_not_count() {
        let found = look(&[
            ("class/bluetooth/hci0/x", ""),
            ("class/rfkill/rfkill0/type", "wlan\n"),
            ("class/rfkill/rfkill0/soft", "1\n"),
        ]);
        assert!(found.contains("hci0 is there") && found.contains("not checked"), "{found}");
    }
}
