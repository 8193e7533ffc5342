//! What a new virtual authenticator is, as JSON: a superset of WebDriver's properties (WebAuthn L3
//! §11.3) and of DevTools' `VirtualAuthenticatorOptions`.

mod build;
mod extension;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use self::build::{Built, client, refused};

/// What a new virtual authenticator is. All members are optional.
///
/// Without `protocol`, `transport` and `ctap2Version` it starts from `preset`, and each other
/// member changes one thing of that. With one of those three and without `preset`, all that is not
/// said is as WebDriver has it: `false`.
///
/// The AAGUID is always that of towline's test authenticators, and can't be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct VirtualAuthenticatorOptions {
    /// What it is like, where nothing else is said: `synced-passkey` if this is missing as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// A name for people, in the log and on the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it speaks: `ctap1/u2f` (DevTools: `u2f`), `ctap2`, `ctap2_1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Which version of CTAP2 (DevTools); not with `ctap2_1` as protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctap2_version: Option<Ctap2Version>,
    /// How it is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// Whether it makes discoverable passkeys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_resident_key: Option<bool>,
    /// Whether it verifies the person by itself: a screen lock, a fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_user_verification: Option<bool>,
    /// Whether the person agrees; otherwise questions stay open. `true` if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none", alias = "automaticPresenceSimulation")]
    pub is_user_consenting: Option<bool>,
    /// Whether the verification succeeds. `true` with a preset, otherwise `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_user_verified: Option<bool>,
    /// Exactly these extensions, beside `credProtect`: `credBlob`, `credProtect`, `hmac-secret`,
    /// `hmac-secret-mc`, `largeBlob`, `largeBlobKey`, `minPinLength`, `prf`, `thirdPartyPayment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Vec<String>>,
    /// Has `largeBlob` (DevTools).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_large_blob: Option<bool>,
    /// Has `credBlob` (DevTools).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_cred_blob: Option<bool>,
    /// Has `minPinLength` (DevTools).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_min_pin_length: Option<bool>,
    /// Has `prf` (DevTools).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_prf: Option<bool>,
    /// Has `hmac-secret` (DevTools).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_hmac_secret: Option<bool>,
    /// Has `hmac-secret-mc` (DevTools).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_hmac_secret_mc: Option<bool>,
    /// Whether new passkeys may be backed up (BE).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_backup_eligibility: Option<bool>,
    /// Whether new passkeys are backed up (BS); only with BE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_backup_state: Option<bool>,
    /// A PIN that is set; the person knows it. An empty one is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// The COSE algorithms, by preference: -7 (ES256), -8 (`EdDSA`), -35 (ES384),
    /// -257 (RS256).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithms: Option<Vec<i64>>,
    /// How many passkeys there is room for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<usize>,
    /// Whether new passkeys count their signatures; otherwise they say 0 for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts_signatures: Option<bool>,
    /// Nothing happens without verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub always_uv: Option<bool>,
    /// Whether accounts are chosen on the authenticator, and not in the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_display: Option<bool>,
    /// All randomness follows from this number, so that a run is repeated to the last byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// A ready-made kind of authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Preset {
    /// On USB, touched; counts its signatures. With a PIN if `pin` sets one.
    SecurityKey,
    /// The same with a fingerprint sensor that knows the person.
    FingerprintKey,
    /// Built into a computer, with its screen lock; its passkeys stay there.
    Platform,
    /// A provider that syncs: passkeys are backed up, counters are zero.
    SyncedPasskey,
    /// A phone over the hybrid transport.
    Phone,
    /// A key that speaks U2F alone.
    U2fKey,
    /// As phones with Android.
    AndroidPhone,
    /// As iPhones.
    Iphone,
    /// As platform authenticators that sync and know ES256 alone.
    SyncedPlatform,
    /// As security keys of 2019.
    #[serde(rename = "ctap2.0-key")]
    Ctap20Key,
    /// A security key that takes one credential a list, and no silent requests.
    NarrowKey,
}

/// What an authenticator speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Protocol {
    /// U2F alone.
    #[serde(rename = "ctap1/u2f", alias = "u2f")]
    U2f,
    /// CTAP2; CTAP 2.0 if no version is named.
    #[serde(rename = "ctap2")]
    Ctap2,
    /// CTAP 2.1.
    #[serde(rename = "ctap2_1")]
    Ctap2_1,
}

/// A version of CTAP2, as DevTools names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Ctap2Version {
    /// CTAP 2.0.
    #[serde(rename = "ctap2_0")]
    V2_0,
    /// CTAP 2.1.
    #[serde(rename = "ctap2_1")]
    V2_1,
    /// CTAP 2.2 and later. getInfo claims 2.3, since nothing may claim 2.2.
    #[serde(rename = "ctap2_2")]
    V2_2,
}

/// How an authenticator is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// On USB.
    Usb,
    /// By near-field communication.
    Nfc,
    /// By Bluetooth Low Energy.
    Ble,
    /// As a smart card with contacts.
    SmartCard,
    /// A phone, by the hybrid transport (DevTools: `cable` as well).
    #[serde(alias = "cable")]
    Hybrid,
    /// A part of the client's device: the platform's attachment. All others are cross-platform.
    Internal,
}
