//! Who takes part, beside the site and the computer's browser.

use serde::{Deserialize, Serialize};
use towline::ctap::{CredentialId, RpId};
use towline_pages::isolated;
use towline_virtual::Passkey;

/// A device of the demonstration, and the browser that asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DeviceId {
    /// The dialog of the browser on the computer.
    Browser,
    /// The phone that remembers computers, if its person wants that.
    PhoneA,
    /// The phone that remembers none, and whose passkeys are on all devices of its person.
    PhoneB,
    /// Another device of the person of phone B.
    Tablet,
    /// What is built into the computer.
    Laptop,
    /// A security key.
    Key,
}

impl DeviceId {
    /// Those that scan codes.
    pub(crate) const HANDSETS: [Self; 3] = [Self::PhoneA, Self::PhoneB, Self::Tablet];

    /// All that keep passkeys.
    pub(crate) const KEEPERS: [Self; 5] =
        [Self::PhoneA, Self::PhoneB, Self::Tablet, Self::Laptop, Self::Key];

    /// What phones call themselves to computers that remember them: their own words, in no
    /// language.
    pub(crate) const fn own_name(self) -> &'static str {
        match self {
            Self::PhoneA => "Phone A",
            Self::PhoneB => "Phone B",
            Self::Tablet => "Tablet B",
            Self::Browser | Self::Laptop => "Computer",
            Self::Key => "Security key",
        }
    }
}

/// What a site is called: its name, where it gave one, is its own claim, so that the RP ID, which
/// the client has checked, always stands behind it.
pub(crate) fn site(id: &RpId, name: Option<&str>) -> String {
    match name.filter(|name| !name.trim().is_empty()) {
        Some(name) => format!("{} ({})", isolated(name), id.as_str()),
        None => id.as_str().to_owned(),
    }
}

/// A passkey, as a device shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PasskeyView {
    #[serde(skip)]
    pub(crate) id: CredentialId,
    #[serde(skip)]
    pub(crate) rp_id: RpId,
    pub(crate) site: String,
    account: String,
    name: String,
    /// Where else it is; nothing where it is bound to the device.
    copies: Option<Copies>,
    /// Since when it is on this device, in milliseconds of Unix time.
    pub(crate) since: u64,
    /// What it is ticked off by, where a device that is lost has it, too.
    exposed: Option<String>,
}

/// Where else a passkey is that may be on several devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Copies {
    /// Nowhere, as far as is known (BE without BS).
    OnlyHere,
    /// Where the other devices get it from (BE and BS).
    Synced,
}

impl PasskeyView {
    /// Copies are told of on devices that share.
    pub(crate) fn of(passkey: &Passkey, since: u64, shares: bool, exposed: Option<String>) -> Self {
        let credential = &passkey.credential;
        let copies = if passkey.backed_up { Copies::Synced } else { Copies::OnlyHere };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            id: credential.id.clone(),
            site: site(&credential.rp_id, credential.rp_name.as_deref()),
            rp_id: credential.rp_id.clone(),
            account: text(&credential.user.name),
            name: text(&credential.user.display_name),
            copies: (shares && credential.backup_eligible).then_some(copies),
            since,
            exposed,
        }
    }
}
