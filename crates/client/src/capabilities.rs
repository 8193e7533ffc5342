//! `PublicKeyCredential.getClientCapabilities()` (WebAuthn L3 §5.1.7).

use std::collections::BTreeMap;

use towline_ctap::GetInfo;

use crate::Client;

/// What a client can reach beside the authenticators themselves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reach<'a> {
    /// Phones, over the hybrid transport.
    pub hybrid: bool,
    /// Other sites' `/.well-known/webauthn`.
    pub related_origins: bool,
    /// A store of passkeys that follows a [`Signal`](crate::Signal).
    pub signals: bool,
    /// What is built into this device, if anything is.
    pub platform: Option<&'a GetInfo>,
}

impl Client {
    /// The capabilities by name, in the order in which a page gets them. Every name that is known
    /// here is there, so that "can't" differs from "does not know".
    ///
    /// ```
    /// use towline_client::{Client, Reach};
    ///
    /// let client = Client::new(towline_crypto::rustcrypto::provider());
    /// let capabilities = client.capabilities(&Reach { hybrid: true, ..Reach::default() });
    /// assert!(capabilities["hybridTransport"] && capabilities["extension:prf"]);
    /// assert!(!capabilities["userVerifyingPlatformAuthenticator"]);
    /// ```
    #[must_use]
    pub fn capabilities(&self, reach: &Reach<'_>) -> BTreeMap<&'static str, bool> {
        let verifies = reach.platform.is_some_and(|info| info.options.uv == Some(true));
        let discoverable = reach.platform.is_some_and(|info| info.options.rk == Some(true));
        let passkeys = verifies && discoverable;
        BTreeMap::from([
            ("conditionalCreate", self.conditional_create && passkeys),
            ("conditionalGet", true),
            ("extension:appid", true),
            ("extension:appidExclude", true),
            ("extension:credBlob", true),
            ("extension:credProps", true),
            ("extension:credentialProtectionPolicy", true),
            ("extension:enforceCredentialProtectionPolicy", true),
            ("extension:getCredBlob", true),
            ("extension:largeBlob", true),
            ("extension:minPinLength", true),
            ("extension:prf", true),
            ("hybridTransport", reach.hybrid),
            ("immediateGet", discoverable),
            // A phone verifies, and keeps passkeys.
            ("passkeyPlatformAuthenticator", passkeys || reach.hybrid),
            ("relatedOrigins", reach.related_origins),
            ("signalAllAcceptedCredentials", reach.signals),
            ("signalCurrentUserDetails", reach.signals),
            ("signalUnknownCredential", reach.signals),
            ("userVerifyingPlatformAuthenticator", verifies),
        ])
    }
}
