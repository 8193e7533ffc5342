//! What an authenticator is, and says that it is.

use towline_ctap::{Aaguid, Transport, Version};

use super::error::{ConfigError, distinct};

/// The model: what getInfo says that does not depend on what the authenticator can do.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The versions that are claimed.
    pub versions: Vec<Version>,
    /// The identifier of the model. All zero if it is not to be known.
    pub aaguid: Aaguid,
    /// How the authenticator can be reached.
    pub transports: Vec<Transport>,
    /// Whether it is a part of the client's device (`plat`).
    pub platform: bool,
    /// Whether there is a display on which the person sees the account and chooses among several.
    /// Otherwise the client lets them choose, and is told the names for that.
    pub has_display: bool,
    /// The version of the firmware, if it is to be told. It must grow with every change.
    pub firmware_version: Option<u64>,
    /// Certifications and their levels, by the names of the standard, such as `FIDO`
    /// (`certifications`).
    pub certifications: Vec<(String, u64)>,
}

impl Model {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        distinct("identity.versions", &self.versions)?;
        distinct("identity.transports", &self.transports)?;
        if !self.certifications.is_empty() {
            let names: Vec<&String> = self.certifications.iter().map(|(name, _)| name).collect();
            distinct("identity.certifications", &names)?;
        }
        Ok(())
    }
}
