//! Options: what an authenticator can do (CTAP 2.3 §6.4, "options"), and what a request asks for
//! (§6.1, §6.2).

use alloc::{boxed::Box, vec::Vec};

use towline_cbor::{Key, Kind, Member, Reader, Writer};

use crate::Malformed;

/// The options of a makeCredential or getAssertion request; absent ones take the default of the
/// command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestOptions {
    /// Make a discoverable credential. Only for makeCredential.
    pub rk: Option<bool>,
    /// Ask for presence.
    pub up: Option<bool>,
    /// Verify the user by a means that is built into the authenticator.
    pub uv: Option<bool>,
}

impl RequestOptions {
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut options = Self::default();
        reader.members(|key, value| {
            match key {
                Member::Text(b"rk") => options.rk = Some(value.bool()?),
                Member::Text(b"up") => options.up = Some(value.bool()?),
                Member::Text(b"uv") => options.uv = Some(value.bool()?),
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(options)
    }

    pub(crate) fn write(self, writer: &mut Writer) {
        writer.map(|map| {
            map.optional("rk", self.rk, Writer::bool);
            map.optional("up", self.up, Writer::bool);
            map.optional("uv", self.uv, Writer::bool);
        });
    }
}

macro_rules! options {
    ($($(#[$doc:meta])* $field:ident $id:literal)*) => {
        /// The option IDs of an authenticator; `None` is "absent", which is not always the same as
        /// `Some(false)`.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct AuthenticatorOptions {
            $($(#[$doc])* pub $field: Option<bool>,)*
            /// Options that are not known here, as they came.
            pub unknown: Vec<(Box<str>, bool)>,
        }

        impl AuthenticatorOptions {
            pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                let mut options = Self::default();
                reader.map(|key, value| {
                    match key {
                        $(Key::Text($id) => options.$field = Some(value.bool()?),)*
                        Key::Text(id) if value.kind()? == Kind::Bool => {
                            options.unknown.push((id.into(), value.bool()?));
                        }
                        _ => {}
                    }
                    Ok::<(), Malformed>(())
                })?;
                Ok(options)
            }

            pub(crate) fn write(&self, writer: &mut Writer) {
                writer.map(|map| {
                    self.unknown.iter().for_each(|(id, value)| map.entry(&**id, |w| w.bool(*value)));
                    $(map.optional($id, self.$field, Writer::bool);)*
                });
            }
        }
    };
}

// In the order in which they stand on the wire, so that nothing has to be sorted.
options! {
    /// Enterprise attestation: on (`true`), off (`false`), or not there.
    ep "ep"
    /// Can make discoverable credentials. Absent: no.
    rk "rk"
    /// Can test presence. Absent: yes.
    up "up"
    /// Built-in user verification: supported and set up (`true`), supported only (`false`), or not
    /// there.
    uv "uv"
    /// Attached to the client device and not removable. Absent: no.
    plat "plat"
    /// Built-in verification gives the permission to configure.
    uv_acfg "uvAcfg"
    /// The user is verified for every operation: on (`true`), off (`false`), or no such feature.
    always_uv "alwaysUv"
    /// The authenticatorCredentialManagement command exists.
    cred_mgmt "credMgmt"
    /// The authenticatorConfig command exists.
    authnr_cfg "authnrCfg"
    /// Fingerprint enrolment: some are enrolled (`true`), none (`false`), or the command is not
    /// there.
    bio_enroll "bioEnroll"
    /// A PIN is set (`true`), can be set (`false`), or there is no such feature.
    client_pin "clientPin"
    /// The authenticatorLargeBlobs command exists.
    large_blobs "largeBlobs"
    /// Built-in verification gives the permission to enrol fingerprints.
    uv_bio_enroll "uvBioEnroll"
    /// Credentials can be listed with a persistent token.
    per_cred_mgmt_ro "perCredMgmtRO"
    /// The subcommands that give PIN/UV tokens exist.
    pin_uv_auth_token "pinUvAuthToken"
    /// The minimum length of PINs can be set.
    set_min_pin_length "setMinPINLength"
    /// Non-discoverable credentials can be made without user verification.
    make_cred_uv_not_rqd "makeCredUvNotRqd"
    /// The preview form of credential management.
    credential_mgmt_preview "credentialMgmtPreview"
    /// The preview form of fingerprint enrolment.
    user_verification_mgmt_preview "userVerificationMgmtPreview"
    /// The PIN does not permit makeCredential and getAssertion.
    no_mc_ga_permissions_with_client_pin "noMcGaPermissionsWithClientPin"
}
