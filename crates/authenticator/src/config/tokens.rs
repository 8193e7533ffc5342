//! PIN/UV tokens, and what is done with them.

use towline_ctap::Status;

use super::error::{ConfigError, distinct};
use crate::PinUvAuthProtocol;

/// PIN/UV tokens, and what is done with them.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenPolicy {
    /// The PIN/UV auth protocols, by preference. With any, PIN/UV tokens are given out
    /// (`pinUvAuthToken`), for the PIN and for built-in verification, whichever there is.
    pub pin_uv_auth_protocols: Vec<PinUvAuthProtocol>,
    /// authenticatorCredentialManagement (`credMgmt`): discoverable credentials can be listed,
    /// renamed and deleted by whoever has a PIN/UV token for that.
    pub credential_management: bool,
    /// The persistent token (`perCredMgmtRO`), which lets a client list credentials for as long as
    /// the PIN stays the same; with it, an identity in getInfo that only its holders can read
    /// (`encIdentifier`, `encCredStoreState`).
    pub persistent_token: bool,
    /// Takes the command bytes 0x40 and 0x41 of FIDO_2_1_PRE for authenticatorBioEnrollment and
    /// authenticatorCredentialManagement as well, with the same checks: libfido2 up to 1.14 sends
    /// no others. Not claimed.
    pub preview_commands: bool,
    /// vendorPrototype of authenticatorConfig: the vendor's own commands, which are carried out by
    /// whoever answers [`Question::VendorCommand`](crate::Question::VendorCommand). Empty: there
    /// are none.
    pub vendor_config_commands: Vec<u64>,
}

impl TokenPolicy {
    /// The protocol of this number, if it is supported.
    pub(crate) fn protocol(&self, identifier: u64) -> Result<PinUvAuthProtocol, Status> {
        let mut known = self.pin_uv_auth_protocols.iter().copied();
        known.find(|protocol| protocol.identifier() == identifier).ok_or(Status::InvalidParameter)
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if !self.pin_uv_auth_protocols.is_empty() {
            distinct("tokens.pin_uv_auth_protocols", &self.pin_uv_auth_protocols)?;
        }
        if !self.vendor_config_commands.is_empty() {
            distinct("tokens.vendor_config_commands", &self.vendor_config_commands)?;
        }
        Ok(())
    }
}
