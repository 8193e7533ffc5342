//! The extensions of makeCredential and getAssertion that are offered.

use super::error::{ConfigError, needs, out_of_range};

/// The extensions of makeCredential and getAssertion that are offered: `credProtect` alone, if
/// nothing is said. `minPinLength` and `pinComplexityPolicy` come with
/// [`ClientPin::min_length_rp_ids`](crate::ClientPin::min_length_rp_ids).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionPolicy {
    /// The extension `credProtect`. `FIDO_2_3` asks for it where there are discoverable
    /// credentials.
    pub cred_protect: bool,
    /// The extension `hmac-secret`, which needs a PIN/UV auth protocol.
    pub hmac_secret: bool,
    /// The extension `hmac-secret-mc`, which needs `hmac-secret`.
    pub hmac_secret_mc: bool,
    /// The extension `prf`, as phones speak it over the hybrid transport.
    pub prf: bool,
    /// The extension `credBlob`, and how many bytes a credential may keep so: 32 or more.
    pub cred_blob: Option<usize>,
    /// How large blobs are offered.
    pub large_blobs: LargeBlobs,
    /// The extension `thirdPartyPayment`.
    pub third_party_payment: bool,
}

/// How large blobs are offered: by a command, or by an extension of the requests that use a
/// credential. The two exclude each other (CTAP 2.3 §12).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LargeBlobs {
    /// Large blobs are not offered.
    #[default]
    None,
    /// By authenticatorLargeBlobs and the extension `largeBlobKey`, and how many bytes the array
    /// for all credentials may have: 1024 or more.
    Command(usize),
    /// By the extension `largeBlob`, which needs discoverable credentials, and how many bytes each
    /// credential may keep, compressed: 1 or more. The longest response must fit into
    /// `limits.max_msg_size` with it.
    Extension(usize),
}

impl LargeBlobs {
    /// How many bytes the array of the command may have.
    pub(crate) const fn array(self) -> Option<usize> {
        match self {
            Self::Command(capacity) => Some(capacity),
            Self::None | Self::Extension(_) => None,
        }
    }

    /// How many bytes a blob of the extension may have.
    pub(crate) const fn blob(self) -> Option<usize> {
        match self {
            Self::Extension(length) => Some(length),
            Self::None | Self::Command(_) => None,
        }
    }
}

impl Default for ExtensionPolicy {
    fn default() -> Self {
        Self {
            cred_protect: true,
            hmac_secret: false,
            hmac_secret_mc: false,
            prf: false,
            cred_blob: None,
            large_blobs: LargeBlobs::None,
            third_party_payment: false,
        }
    }
}

impl ExtensionPolicy {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let mc = self.hmac_secret_mc;
        needs("extensions.hmac_secret_mc", mc, "`hmac_secret`", self.hmac_secret)?;
        if self.cred_blob.is_some_and(|length| length < 32) {
            return Err(out_of_range("extensions.cred_blob", "at least 32"));
        }
        if self.large_blobs.array().is_some_and(|capacity| capacity < 1024) {
            return Err(out_of_range("extensions.large_blobs", "at least 1024"));
        }
        Ok(())
    }
}
