//! `credProtect`: who may use a credential, and who may find it (CTAP 2.3 §12.1).

use towline_cbor::{Reader, Writer};

use super::ExtensionValue;
use crate::Malformed;

/// How well a credential is protected. Input of a creation, and, as the level in force, its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum CredentialProtectionPolicy {
    /// Level 1, `userVerificationOptional`: as if there were no such extension.
    #[default]
    UserVerificationOptional,
    /// Level 2, `userVerificationOptionalWithCredentialIDList`: found without a list only after
    /// user verification.
    UserVerificationOptionalWithCredentialIdList,
    /// Level 3, `userVerificationRequired`: usable only after user verification.
    UserVerificationRequired,
}

impl CredentialProtectionPolicy {
    /// The level on the wire.
    #[must_use]
    pub const fn level(self) -> u8 {
        match self {
            Self::UserVerificationOptional => 1,
            Self::UserVerificationOptionalWithCredentialIdList => 2,
            Self::UserVerificationRequired => 3,
        }
    }

    /// The policy of a level, if there is one.
    #[must_use]
    pub const fn from_level(level: u64) -> Option<Self> {
        match level {
            1 => Some(Self::UserVerificationOptional),
            2 => Some(Self::UserVerificationOptionalWithCredentialIdList),
            3 => Some(Self::UserVerificationRequired),
            _ => None,
        }
    }
}

impl ExtensionValue for CredentialProtectionPolicy {
    const ID: &'static str = "credProtect";

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::from_level(reader.uint()?).ok_or(Malformed::Value("credProtect"))
    }

    fn write(&self, writer: &mut Writer) {
        writer.uint(self.level().into());
    }
}
