//! What known authenticators do otherwise than the standard says, or than others do: as data.

use towline_authenticator::AttestationFormat;
use towline_ctap::{
    AuthenticatorOptions, GetAssertionResponse, GetInfo, Request, Status, Version, algorithm,
};

use crate::{Builder, Extension};

/// One thing that some authenticators do otherwise.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quirk {
    /// getInfo says no more than CTAP 2.0 knows: no algorithms, no transports, no limits of lists.
    SparseInfo,
    /// An assertion does not name its credential after an allow list of one entry, as CTAP 2.0
    /// permits.
    OmitsSingleCredential,
    /// An assertion does not name the account after an allow list.
    OmitsUserOfLists,
    /// A creation without `displayName` is refused.
    NeedsDisplayName,
    /// A creation with an empty `displayName` is refused.
    RefusesEmptyDisplayName,
    /// Lists of more than one credential are refused.
    RefusesLongerLists,
    /// A sign-in without presence (`up: false`) is refused.
    RefusesSilence,
}

/// A known kind of authenticator: a preset, and what it does otherwise. None of them claims to be
/// one: the AAGUID is [`TEST_AAGUID`](crate::TEST_AAGUID) in every case.
#[non_exhaustive]
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// A short name, for tables and command lines.
    pub name: &'static str,
    /// What it imitates, for people.
    pub about: &'static str,
    /// What it does otherwise.
    pub quirks: &'static [Quirk],
    preset: fn() -> Builder,
}

/// The families that are known.
pub const FAMILIES: [Family; 5] = [
    Family {
        name: "android-phone",
        about: "a phone with Android, over the hybrid transport",
        quirks: &[Quirk::OmitsUserOfLists],
        preset: Builder::phone,
    },
    Family {
        name: "iphone",
        about: "an iPhone, over the hybrid transport: ES256 alone",
        quirks: &[Quirk::NeedsDisplayName],
        preset: || Builder::phone().algorithms(&[algorithm::ES256]),
    },
    Family {
        name: "synced-platform",
        about: "a platform authenticator that syncs: ES256 alone, no attestation",
        quirks: &[],
        preset: || Builder::synced_passkey().algorithms(&[algorithm::ES256]),
    },
    Family {
        name: "ctap2.0-key",
        about: "a security key of 2019: CTAP 2.0, a short getInfo, terse assertions",
        quirks: &[Quirk::SparseInfo, Quirk::OmitsSingleCredential],
        preset: first_keys,
    },
    Family {
        name: "narrow-key",
        about: "a security key that takes one credential a list, and no silent requests",
        quirks: &[Quirk::RefusesLongerLists, Quirk::RefusesSilence],
        preset: || Builder::security_key().limits(1200, 1),
    },
];

fn first_keys() -> Builder {
    Builder::security_key()
        .versions(&[Version::U2fV2, Version::Fido2_0])
        .algorithms(&[algorithm::ES256, algorithm::EDDSA])
        .extensions([Extension::HmacSecret])
        .limits(1200, 8)
        .attestation_formats(&[AttestationFormat::PackedSelf])
}

impl Family {
    /// The family of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        FAMILIES.into_iter().find(|family| family.name == name)
    }

    /// An authenticator of this family, with everything still to choose.
    #[must_use]
    pub fn builder(&self) -> Builder {
        (self.preset)().quirks(self.quirks)
    }
}

impl Quirk {
    /// The status of a request that is refused for it.
    pub(crate) fn refusal(self, request: &Request) -> Option<Status> {
        let (lists, up) = match request {
            Request::MakeCredential(it) => (it.exclude_list.len(), None),
            Request::GetAssertion(it) => {
                (it.allow_list.as_ref().map_or(0, Vec::len), it.options.up)
            }
            _ => return None,
        };
        let display_name = match request {
            Request::MakeCredential(it) => Some(it.user.display_name.as_deref()),
            _ => None,
        };
        let refused = match self {
            Self::NeedsDisplayName => display_name == Some(None),
            Self::RefusesEmptyDisplayName => display_name == Some(Some("")),
            Self::RefusesLongerLists => lists > 1,
            Self::RefusesSilence => up == Some(false),
            Self::SparseInfo | Self::OmitsSingleCredential | Self::OmitsUserOfLists => false,
        };
        refused.then_some(match self {
            Self::NeedsDisplayName => Status::MissingParameter,
            Self::RefusesLongerLists => Status::LimitExceeded,
            Self::RefusesSilence => Status::InvalidOption,
            _ => Status::InvalidParameter,
        })
    }

    /// What it makes of a response.
    pub(crate) fn bend(self, request: &Request, response: &mut Vec<u8>) {
        match (self, request) {
            (Self::SparseInfo, Request::GetInfo) => {
                if let Ok(info) = GetInfo::decode(response) {
                    *response = sparse(info).encode();
                }
            }
            (Self::OmitsSingleCredential, Request::GetAssertion(asked)) => {
                let single = asked.allow_list.as_ref().is_some_and(|list| list.len() == 1);
                bend_assertion(response, |it| {
                    it.credential = it.credential.take().filter(|_| !single)
                });
            }
            (Self::OmitsUserOfLists, Request::GetAssertion(asked)) => {
                let listed = asked.allow_list.is_some();
                bend_assertion(response, |it| it.user = it.user.take().filter(|_| !listed));
            }
            _ => {}
        }
    }
}

fn bend_assertion(response: &mut Vec<u8>, bend: impl FnOnce(&mut GetAssertionResponse)) {
    if let Ok(mut assertion) = GetAssertionResponse::decode(response) {
        bend(&mut assertion);
        *response = assertion.encode();
    }
}

/// What CTAP 2.0 knows of it.
fn sparse(info: GetInfo) -> GetInfo {
    let AuthenticatorOptions { plat, rk, client_pin, up, uv, .. } = info.options;
    let mut sparse = GetInfo::new(info.aaguid, info.versions);
    sparse.options =
        AuthenticatorOptions { plat, rk, client_pin, up, uv, ..AuthenticatorOptions::default() };
    sparse.extensions = info.extensions;
    sparse.max_msg_size = info.max_msg_size;
    sparse.pin_uv_auth_protocols = info.pin_uv_auth_protocols;
    sparse
}
