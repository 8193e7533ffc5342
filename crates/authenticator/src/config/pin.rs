//! The PIN.

use super::error::{ConfigError, out_of_range};

/// How the PIN works (authenticatorClientPIN, CTAP 2.3 §6.5).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPin {
    /// How many wrong PINs there may be before nothing but a reset helps: 1 to 8. Three in a row
    /// need a power-up.
    pub max_retries: u8,
    /// The shortest PIN, in code points: 4 to 63.
    pub min_length: u8,
    /// The longest PIN, in code points: 8 to 63, and not less than the shortest. More than 63 bytes
    /// are never taken.
    pub max_length: u8,
    /// setMinPINLength of authenticatorConfig and the extension `minPinLength`, and how many
    /// relying parties may be chosen to learn the minimum; with a policy on the complexity of PINs,
    /// the extension `pinComplexityPolicy` too. `None`: the minimum is fixed.
    pub min_length_rp_ids: Option<usize>,
    /// Whether every relying party learns the minimum, as if all were on the list that a vendor
    /// may have fixed (CTAP 2.3 §12.5). It is for devices of tests: others learn too much by it.
    pub min_length_for_all: bool,
    /// Whether the PIN permits to create and to use credentials; otherwise
    /// `noMcGaPermissionsWithClientPin` is claimed.
    pub permits_mc_ga: bool,
    /// Whether simple PINs are refused: one character repeated, or characters that follow one
    /// another.
    pub complexity: PinComplexity,
    /// Where the policy is explained: a URL (`pinComplexityPolicyURL`), if there is a policy.
    pub complexity_url: Option<String>,
}

/// The policy on the complexity of PINs (`pinComplexityPolicy`).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinComplexity {
    /// There is none, and it can't be turned on.
    None,
    /// It is off until authenticatorConfig turns it on.
    Configurable,
    /// It is always on, and can't be turned off.
    Enforced,
}

impl ClientPin {
    /// A PIN of 4 to 63 characters and 8 tries, good for everything.
    #[must_use]
    pub const fn standard() -> Self {
        Self {
            max_retries: 8,
            min_length: 4,
            max_length: 63,
            min_length_rp_ids: None,
            min_length_for_all: false,
            permits_mc_ga: true,
            complexity: PinComplexity::None,
            complexity_url: None,
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if !(1..=8).contains(&self.max_retries) {
            return Err(out_of_range("pin.max_retries", "1 to 8"));
        }
        if !(4..=63).contains(&self.min_length) {
            return Err(out_of_range("pin.min_length", "4 to 63"));
        }
        if !(8..=63).contains(&self.max_length) || self.max_length < self.min_length {
            return Err(out_of_range("pin.max_length", "8 to 63, and not less than `min_length`"));
        }
        let explained = self.complexity_url.as_ref();
        if explained.is_some_and(|url| url.is_empty() || self.complexity == PinComplexity::None) {
            let needs = "a text, and a policy that it explains";
            return Err(ConfigError::Needs { feature: "pin.complexity_url", needs });
        }
        Ok(())
    }
}
