//! What can be wrong with a config, and the checks that more than one group makes.

use std::{collections::HashSet, hash::Hash};

/// Why a [`Config`](crate::Config) can't be used. Members are named by their path, as
/// `limits.max_msg_size`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A list is empty that must not be.
    #[error("`{0}` must not be empty")]
    Empty(&'static str),
    /// A list says something twice.
    #[error("`{0}` must not have the same entry twice")]
    Repeated(&'static str),
    /// A version is claimed that is not one, or not one of this authenticator.
    #[error(
        "the version {0} can't be claimed: this authenticator does not have all that it asks for"
    )]
    Version(String),
    /// A number is out of its range.
    #[error("`{member}` must be {allowed}")]
    OutOfRange {
        /// The member of [`Config`](crate::Config), by its path in the source.
        member: &'static str,
        /// The range in words, to complete "must be ..".
        allowed: &'static str,
    },
    /// `uv` needs a PIN/UV token from FIDO_2_1 on.
    #[error(
        "with FIDO_2_1, user verification needs a PIN/UV token; set `without_token` of \
         `verification.built_in` to do as phones do"
    )]
    TokenRequired,
    /// A feature is on whose precondition is off.
    #[error("`{feature}` needs {needs}")]
    Needs {
        /// The feature that is on, as the config calls it.
        feature: &'static str,
        /// The precondition that is off, in words.
        needs: &'static str,
    },
    /// `alwaysUv` excludes `makeCredUvNotRqd`.
    #[error("`always_uv` and `make_cred_uv_not_rqd` exclude each other")]
    AlwaysUvAndNotRequired,
    /// Verification is asked for but can't be had.
    #[error("`{0}` needs built-in verification that is set up")]
    NoVerification(&'static str),
    /// The key store does not make an attestation format that is to be its own.
    #[error("the key store makes no attestation statements of the format `{0}`")]
    NoAttestation(&'static str),
    /// What would be claimed contradicts itself; the rule that is broken.
    #[error("what getInfo would say contradicts itself: {0}")]
    Contradiction(&'static str),
    /// Somebody far away could find out unnoticed what is here.
    #[error("`presence.silent_transports` must not have `hybrid`: its computer is anybody's")]
    SilentHybrid,
    /// The key store has none of the algorithms.
    #[error("the key store has none of the configured algorithms")]
    NoAlgorithm,
}

/// That a list has entries, and none twice.
pub(super) fn distinct<T: Eq + Hash>(member: &'static str, list: &[T]) -> Result<(), ConfigError> {
    if list.is_empty() {
        return Err(ConfigError::Empty(member));
    }
    let mut seen = HashSet::new();
    if list.iter().all(|entry| seen.insert(entry)) {
        Ok(())
    } else {
        Err(ConfigError::Repeated(member))
    }
}

/// That what is on has what it needs.
pub(super) fn needs(
    feature: &'static str,
    on: bool,
    needs: &'static str,
    there: bool,
) -> Result<(), ConfigError> {
    if on && !there { Err(ConfigError::Needs { feature, needs }) } else { Ok(()) }
}

pub(super) const fn out_of_range(member: &'static str, allowed: &'static str) -> ConfigError {
    ConfigError::OutOfRange { member, allowed }
}
