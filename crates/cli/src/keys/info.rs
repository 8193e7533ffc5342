//! `towline keys show` and `export-info`: one passkey, and the authenticator, as facts.

use serde_json::{Map, Value, json};
use towline::authenticator::{Credential, UnixTime};
use towline_ctap::{GetInfo, extension::CredentialProtectionPolicy as Level};

use crate::{event::Event, hex::hex};

/// Times are in seconds of Unix time.
const fn seconds(UnixTime(seconds): UnixTime) -> i64 {
    seconds
}

/// Everything about a passkey that is not a secret.
pub(crate) fn passkey(credential: &Credential) -> Event {
    let protection = match credential.protection {
        Level::UserVerificationOptional => "userVerificationOptional",
        Level::UserVerificationOptionalWithCredentialIdList => {
            "userVerificationOptionalWithCredentialIDList"
        }
        Level::UserVerificationRequired => "userVerificationRequired",
    };
    Event::info(
        "passkey",
        json!({
            "id": hex(credential.id.as_bytes()),
            "rp_id": credential.rp_id.as_str(),
            "rp_name": credential.rp_name,
            "account": credential.user.name,
            "display_name": credential.user.display_name,
            "user_id": hex(credential.user.id.as_bytes()),
            "algorithm": credential.key.algorithm(),
            "discoverable": credential.discoverable,
            "protection": protection,
            "backup_eligible": credential.backup_eligible,
            "made": credential.made.map(seconds),
            "changed": credential.changed.map(seconds),
            "used": credential.used.map(seconds),
        }),
    )
}

/// What authenticatorGetInfo says, under the standard's names, and what only the store knows.
pub(crate) fn authenticator(info: &GetInfo, passkeys: usize) -> Event {
    let versions: Vec<_> = info.versions.iter().map(|version| version.as_str()).collect();
    let transports = info.transports.as_ref().map(|transports| {
        transports.iter().map(|transport| transport.as_str()).collect::<Vec<_>>()
    });
    let mut facts = json!({
        "versions": versions,
        "extensions": info.extensions,
        "aaguid": hex(info.aaguid.as_bytes()),
        "maxMsgSize": info.max_msg_size,
        "pinUvAuthProtocols": info.pin_uv_auth_protocols,
        "transports": transports,
        "algorithms": info.algorithms,
        "clientPin": info.options.client_pin,
        "alwaysUv": info.options.always_uv,
        "minPINLength": info.min_pin_length,
        "forcePINChange": info.force_pin_change,
        "attestationFormats": info.attestation_formats,
        "firmwareVersion": info.firmware_version,
        "passkeys": passkeys,
    });
    if let Value::Object(facts) = &mut facts {
        let known: Map<_, _> =
            std::mem::take(facts).into_iter().filter(|(_, value)| !value.is_null()).collect();
        *facts = known;
    }
    Event::info("authenticator", facts)
}
