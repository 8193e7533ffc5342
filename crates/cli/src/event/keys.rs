//! Where private keys are.

use serde::Serialize;
use towline_tpm::KeyState;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Keys {
    Software,
    Tpm,
    AnotherTpm,
}

impl Keys {
    /// What is put behind a passkey in a list.
    pub(super) const fn place(self) -> &'static str {
        match self {
            Self::Software => "",
            Self::Tpm => "  (in the TPM)",
            Self::AnotherTpm => "  (in another TPM, or before it was cleared: can't sign in here)",
        }
    }
}

impl From<KeyState> for Keys {
    fn from(state: KeyState) -> Self {
        match state {
            KeyState::Software => Self::Software,
            KeyState::Here => Self::Tpm,
            KeyState::AnotherTpm => Self::AnotherTpm,
        }
    }
}
