//! Who makes or keeps a key, by its AAGUID.
//!
//! The identifiers of passkey providers are public (the community list of passkey-authenticator
//! AAGUIDs, and FIDO's metadata). A device says its own, and nobody vouches for it here.

/// Who keeps keys of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Provider {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// What the picture of a key shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A password manager, or an account whose passkeys are on several devices.
    Manager,
    /// The computer or phone itself.
    Device,
    /// A phone that was reached by a code.
    Phone,
    /// A key to plug in or to hold to a reader.
    SecurityKey,
    /// A device that exists for tests only.
    Test,
}

const fn manager(name: &'static str) -> Provider {
    Provider { name, kind: Kind::Manager }
}

const fn device(name: &'static str) -> Provider {
    Provider { name, kind: Kind::Device }
}

const fn security_key(name: &'static str) -> Provider {
    Provider { name, kind: Kind::SecurityKey }
}

const KNOWN: [(&str, Provider); 23] = [
    (
        "01020304-0506-0708-0102-030405060708",
        Provider { name: "Chrome DevTools", kind: Kind::Test },
    ),
    ("08987058-cadc-4b81-b6e1-30de50dcbe96", device("Windows Hello")),
    ("0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6", manager("Keeper")),
    ("2fc0579f-8113-47ea-b116-bb5a8db9202a", security_key("YubiKey 5 NFC")),
    ("50726f74-6f6e-5061-7373-50726f746f6e", manager("Proton Pass")),
    ("531126d6-e717-415c-9320-3d9aa6981239", manager("Dashlane")),
    ("53414d53-554e-4700-0000-000000000000", manager("Samsung Pass")),
    ("6028b017-b1d4-4c02-b4b3-afcdafc96bb2", device("Windows Hello")),
    (
        "746f776c-696e-652d-7465-73742d6b6579",
        Provider { name: "towline virtual authenticator", kind: Kind::Test },
    ),
    ("771b48fd-d3d4-4f74-9232-fc157ab0507a", device("Edge on Mac")),
    ("9ddd1817-af5a-4672-a2b9-3e3dd95000a9", device("Windows Hello")),
    ("adce0002-35bc-c60a-648b-0b25f1f05503", device("Chrome on Mac")),
    ("b5397666-4885-aa6b-cebf-e52262a439a2", device("Chromium Browser")),
    ("b84e4048-15dc-4dd0-8640-f4f60813c8af", manager("NordPass")),
    ("bada5566-a7aa-401f-bd96-45619a55120d", manager("1Password")),
    ("cb69481e-8ff7-4039-93ec-0a2729a154a8", security_key("YubiKey 5")),
    ("d548826e-79b4-db40-a3d8-11116f7e8349", manager("Bitwarden")),
    ("dd4ec289-e01d-41c9-bb89-70fa845d4bf2", manager("iCloud Keychain (managed)")),
    ("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4", manager("Google Password Manager")),
    ("ee882879-721c-4913-9775-3dfcce97072a", security_key("YubiKey 5")),
    ("f3809540-7f14-49c1-a8b3-8f813b225541", manager("Enpass")),
    ("fbfc3007-154e-4ecc-8c0b-6e020557d7bd", manager("Apple Passwords")),
    ("fdb141b2-5d84-443e-8a35-4698c205a502", manager("KeePassXC")),
];

/// Whose a model is.
pub(crate) fn of_model(aaguid: Option<&str>) -> Option<Provider> {
    let aaguid = aaguid?;
    KNOWN
        .binary_search_by_key(&aaguid, |(known, _)| known)
        .ok()
        .and_then(|found| KNOWN.get(found))
        .map(|(_, provider)| *provider)
}

/// What a key is, by its maker where that is known, otherwise by the way in which it is reached.
pub(crate) fn kind(aaguid: Option<&str>, transports: &str, attachment: Option<&str>) -> Kind {
    if let Some(provider) = of_model(aaguid) {
        return provider.kind;
    }
    let reached_by = |names: &[&str]| transports.split(',').any(|one| names.contains(&one));
    if reached_by(&["usb", "nfc", "ble", "smart-card"]) {
        Kind::SecurityKey
    } else if attachment == Some("cross-platform") && reached_by(&["hybrid"]) {
        Kind::Phone
    } else {
        Kind::Device
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_found_by_its_aaguid() {
        assert!(KNOWN.is_sorted_by_key(|(aaguid, _)| *aaguid));
        for (aaguid, provider) in KNOWN {
            assert_eq!(of_model(Some(aaguid)), Some(provider));
        }
        assert_eq!(of_model(Some("00000000-0000-0000-0000-000000000000")), None);
        assert_eq!(of_model(None), None);
    }

    #[test]
    fn an_unknown_key_is_known_by_how_it_is_reached() {
        for (transports, attachment, what) in [
            ("usb,nfc", Some("cross-platform"), Kind::SecurityKey),
            ("hybrid,internal", Some("cross-platform"), Kind::Phone),
            ("hybrid,internal", Some("platform"), Kind::Device),
            ("internal", None, Kind::Device),
            ("", None, Kind::Device),
        ] {
            assert_eq!(kind(None, transports, attachment), what, "{transports}");
        }
    }
}
