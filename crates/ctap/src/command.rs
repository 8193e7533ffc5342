//! Command bytes: the first byte of every request (CTAP 2.3 §6).

/// A command that the standard names; the first byte of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// authenticatorMakeCredential
    MakeCredential,
    /// authenticatorGetAssertion
    GetAssertion,
    /// authenticatorGetInfo
    GetInfo,
    /// authenticatorClientPIN
    ClientPin,
    /// authenticatorReset
    Reset,
    /// authenticatorGetNextAssertion
    GetNextAssertion,
    /// authenticatorBioEnrollment
    BioEnrollment,
    /// authenticatorCredentialManagement
    CredentialManagement,
    /// authenticatorSelection
    Selection,
    /// authenticatorLargeBlobs
    LargeBlobs,
    /// authenticatorConfig
    Config,
}

impl Command {
    /// Every command, in the order of their bytes.
    pub const ALL: &'static [Self] = &[
        Self::MakeCredential,
        Self::GetAssertion,
        Self::GetInfo,
        Self::ClientPin,
        Self::Reset,
        Self::GetNextAssertion,
        Self::BioEnrollment,
        Self::CredentialManagement,
        Self::Selection,
        Self::LargeBlobs,
        Self::Config,
    ];

    /// The command of a byte, if the standard names one.
    #[must_use]
    pub fn from_u8(byte: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|command| command.to_u8() == byte)
    }

    /// The byte on the wire.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        match self {
            Self::MakeCredential => 0x01,
            Self::GetAssertion => 0x02,
            Self::GetInfo => 0x04,
            Self::ClientPin => 0x06,
            Self::Reset => 0x07,
            Self::GetNextAssertion => 0x08,
            Self::BioEnrollment => 0x09,
            Self::CredentialManagement => 0x0a,
            Self::Selection => 0x0b,
            Self::LargeBlobs => 0x0c,
            Self::Config => 0x0d,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn only_the_bytes_of_the_standard_are_commands() {
        for byte in 0..=u8::MAX {
            let known = matches!(byte, 0x01 | 0x02 | 0x04 | 0x06..=0x0d);
            assert_eq!(Command::from_u8(byte).is_some(), known, "{byte:#04x}");
            assert!(Command::from_u8(byte).is_none_or(|command| command.to_u8() == byte));
        }
    }
}
