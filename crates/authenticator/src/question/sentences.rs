//! Questions as sentences.
//!
//! The RP ID comes before every name, in a sentence without one: names are the site's words, and
//! say what they like. The name that a site gives itself is not shown at all.

use std::fmt;

use towline_ctap::Permissions;

use super::{
    Purpose, Question,
    names::{Apart, Site},
};

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfirmPresence { purpose } => {
                purpose.fmt(f)?;
                f.write_str(if purpose.only_tells() { TOLD_ANYWAY } else { "" })
            }
            Self::VerifyUser { purpose, failed_before, .. } => {
                f.write_str(if *failed_before { "That did not work; try again. " } else { "" })?;
                purpose.fmt(f)?;
                f.write_str(if purpose.only_tells() { UNLOCK_TO_TELL } else { UNLOCK })
            }
            Self::ChooseAccount { rp_id, .. } => {
                write!(f, "Which account do you want to use on {}?", Site(rp_id))
            }
            Self::NothingToUse { rp_id } => write!(
                f,
                "No passkey for {} on this device. Use the device that has it, or sign in another way. Let the site know?",
                Site(rp_id)
            ),
            Self::EnrollFingerprint { samples_left, .. } => write!(
                f,
                "Touch the fingerprint sensor with the finger that you want to use. Touches left: {samples_left}."
            ),
            Self::VendorCommand { command, .. } => {
                write!(
                    f,
                    "Let this computer run the manufacturer's command {command} on this device?"
                )
            }
        }
    }
}

const TOLD_ANYWAY: &str = " The site is told so, whatever you answer.";
const UNLOCK_TO_TELL: &str = " The site is told so when you confirm with your screen lock.";
const UNLOCK: &str = " Confirm with your screen lock.";

impl Purpose {
    /// Whether nothing can come of it, so that the answer decides at most what the site learns.
    const fn only_tells(&self) -> bool {
        matches!(self, Self::AlreadyRegistered { .. })
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { rp, user, replaces: false } => {
                write!(f, "Create a passkey for {}? {}", Site(&rp.id), Apart(user))
            }
            Self::Create { rp, user, replaces: true } => {
                let what = "Replace your passkey for";
                write!(f, "{what} {}? {} The old one is deleted.", Site(&rp.id), Apart(user))
            }
            Self::AlreadyRegistered { rp, user, holder } => {
                write!(f, "This device already has a passkey for {}.", Site(&rp.id))?;
                match holder {
                    Some(holder) if holder.id == user.id => write!(f, " {}", Apart(holder))?,
                    // The accounts may be called the same.
                    Some(holder) => write!(f, " It is of another account. {}", Apart(holder))?,
                    None => {}
                }
                f.write_str(" No second one is made: sign in with that one.")
            }
            Self::Use { rp_id, user: Some(user) } => {
                write!(f, "Sign in to {}? {}", Site(rp_id), Apart(user))
            }
            Self::Use { rp_id, user: None } => write!(f, "Sign in to {}?", Site(rp_id)),
            Self::SelectDevice { rp_id } => {
                match rp_id {
                    Some(rp_id) => write!(f, "Use this device for {}?", Site(rp_id))?,
                    None => {
                        f.write_str("Use this device? The computer does not say for which site.")?
                    }
                }
                f.write_str(
                    " It asks so to find the device that you mean, or because the site wants what this one can't do. \
                     No passkey is made or used yet.",
                )
            }
            Self::RegisterU2f { tells_model, .. } => {
                let model =
                    if *tells_model { " It learns which model of device this is." } else { "" };
                write!(f, "Register this device with a website that does not say its name?{model}")
            }
            Self::UseU2f { .. } => f.write_str("Sign in to a website that does not say its name?"),
            Self::Attest { rp } => write!(
                f,
                "Let {} know which model of device this is? The passkey is made either way.",
                Site(&rp.id)
            ),
            Self::Identify { rp } => write!(
                f,
                "Let {} know exactly which device this is? It can tell it from all others from then on. The passkey is \
                 made either way.",
                Site(&rp.id)
            ),
            Self::Authorize { rp_id, permissions } => {
                let named = USES.iter().filter(|(bit, _)| permissions.contains(*bit));
                let mut what: Vec<&str> = named.map(|(_, what)| *what).collect();
                if what.is_empty() {
                    what.push("use this device");
                }
                write!(f, "Let this computer {}", what.join(", "))?;
                match rp_id {
                    Some(rp_id) => write!(f, " for {}?", Site(rp_id)),
                    None => f.write_str("?"),
                }
            }
            Self::Reset { long_touch } => {
                f.write_str(
                    "Delete every passkey on this device? The accounts that have no other way in can't be signed in \
                     to afterwards.",
                )?;
                f.write_str(if *long_touch { " Touch it for five seconds to agree." } else { "" })
            }
        }
    }
}

/// What each permission lets a client do.
const USES: [(Permissions, &str); 7] = [
    (Permissions::MC, "create passkeys"),
    (Permissions::GA, "sign in"),
    (Permissions::CM, "see, change and delete passkeys"),
    (Permissions::BE, "manage fingerprints"),
    (Permissions::LBW, "store data"),
    (Permissions::ACFG, "change the settings of this device"),
    (Permissions::PCMR, "see the passkeys on this device from now on"),
];
