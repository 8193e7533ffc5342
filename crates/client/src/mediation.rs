//! How the person is to be involved, as stands beside `publicKey` (Credential Management Level 1,
//! CredentialMediationRequirement and CredentialUiMode), and what a site hints at.

use crate::{
    Error,
    options::{Dictionary, dom_string, parse},
};

/// How a site wants the person to be involved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mediation {
    /// Not at all: nothing that a passkey can do, so that a sign-in ends with
    /// [`Error::Silent`](crate::Error::Silent).
    Silent,
    /// As always: the person is asked.
    #[default]
    Optional,
    /// As with [`Optional`](Self::Optional): a passkey is never used without its person.
    Required,
    /// Without a dialog. A sign-in offers what there is beside a form, and waits until the site
    /// calls it off where there is nothing, or nothing is taken. A creation follows another way of
    /// signing in, and is not asked for once more.
    Conditional,
    /// `uiMode: "immediate"`: a sign-in with what is on this device, or a refusal at once.
    Immediate,
}

impl Mediation {
    /// What stands beside `publicKey`. A value that is not known is refused, as by Web IDL.
    pub(crate) fn beside(options: Dictionary<'_>) -> Result<Self, Error> {
        let unknown = |name: &str| Err(Error::Options(format!("{name} is not known")));
        let mediation = match options.text("mediation").as_deref() {
            None | Some("optional") => Self::Optional,
            Some("required") => Self::Required,
            Some("silent") => Self::Silent,
            Some("conditional") => Self::Conditional,
            Some(_) => return unknown("mediation"),
        };
        match options.text("uiMode").as_deref() {
            None => Ok(mediation),
            Some("immediate") if mediation == Self::Conditional => Err(Error::MediationConflict),
            Some("immediate") if mediation == Self::Silent => Ok(mediation),
            Some("immediate") => Ok(Self::Immediate),
            Some(_) => unknown("uiMode"),
        }
    }

    /// Whether nobody may be asked before a credential was found.
    pub(crate) const fn looks_first(self) -> bool {
        matches!(self, Self::Conditional | Self::Immediate)
    }
}

/// Which kind of authenticator a site thinks of (PublicKeyCredentialHint, WebAuthn L3 §5.8.7). It
/// forbids nothing.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublicKeyCredentialHint {
    /// `security-key`: a key of its own.
    SecurityKey,
    /// `client-device`: what is built into this device.
    ClientDevice,
    /// `hybrid`: a phone.
    Hybrid,
}

impl PublicKeyCredentialHint {
    /// The hints of creation or request options, alone or in a member `publicKey`, the most welcome
    /// first; none where there are none to be read.
    #[must_use]
    pub fn of_options(options_json: &str) -> Vec<Self> {
        let Ok((options, _)) = parse(options_json) else { return Vec::new() };
        Dictionary::of(&options, "the options").map(Self::all).unwrap_or_default()
    }

    /// The hints of these options, the most welcome first. What is none is passed over, a value
    /// that is no list included: it may not stop anybody.
    pub(crate) fn all(options: Dictionary<'_>) -> Vec<Self> {
        let hints = options.sequence("hints").unwrap_or_default().iter().map(dom_string);
        hints
            .filter_map(|hint| match &*hint {
                "security-key" => Some(Self::SecurityKey),
                "client-device" => Some(Self::ClientDevice),
                "hybrid" => Some(Self::Hybrid),
                _ => None,
            })
            .collect()
    }
}
