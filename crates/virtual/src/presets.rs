//! Ready-made authenticators, for tests that need nothing special.

use crate::{Builder, VirtualAuthenticator};

macro_rules! presets {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        impl VirtualAuthenticator {
            $(
                $(#[$doc])*
                #[must_use]
                #[allow(clippy::expect_used, reason = "a test builds every preset")]
                pub fn $name() -> Self {
                    Builder::$name().build().expect("the preset is consistent")
                }
            )+
        }
    };
}

presets! {
    /// A security key on USB: [`Builder::security_key`].
    security_key,
    /// A security key with a fingerprint sensor: [`Builder::fingerprint_key`].
    fingerprint_key,
    /// What is built into a computer: [`Builder::platform`].
    platform,
    /// A passkey provider that syncs: [`Builder::synced_passkey`].
    synced_passkey,
    /// A phone over the hybrid transport: [`Builder::phone`].
    phone,
    /// A key of U2F alone: [`Builder::u2f_key`].
    u2f_key,
}
