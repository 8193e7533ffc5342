//! What the answer of a registration tells beside the key: the model, and how to reach it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use towline_cbor::{Key, decode};
use towline_ctap::{Aaguid, AuthenticatorData, MESSAGE_DEPTH, Malformed};

use crate::store::keys::Learned;

/// The transports that the standard names (WebAuthn L3 §5.8.4); others are not kept.
const TRANSPORTS: [&str; 6] = ["ble", "hybrid", "internal", "nfc", "smart-card", "usb"];

/// Reads what is there. The answer has been verified; whatever can't be read is not known.
pub(crate) fn from_registration(credential: &Value) -> Learned {
    let transports = credential.pointer("/response/transports").and_then(Value::as_array);
    let mut transports: Vec<&str> =
        transports.into_iter().flatten().filter_map(Value::as_str).collect();
    transports.retain(|name| TRANSPORTS.contains(name));
    let attachment = credential.get("authenticatorAttachment").and_then(Value::as_str);
    Learned {
        attestation_asked: false,
        aaguid: model(credential).filter(|model| *model != Aaguid::ZERO).map(|m| m.to_string()),
        transports: transports.join(","),
        attachment: attachment
            .filter(|name| ["platform", "cross-platform"].contains(name))
            .map(str::to_owned),
    }
}

fn model(credential: &Value) -> Option<Aaguid> {
    let object = credential.pointer("/response/attestationObject")?.as_str()?;
    let object = URL_SAFE_NO_PAD.decode(object).ok()?;
    let mut data = None;
    decode(&object, MESSAGE_DEPTH, |reader| {
        reader.map(|key, value| {
            if key == Key::Text("authData") {
                data = Some(value.bytes()?);
            }
            Ok::<(), Malformed>(())
        })
    })
    .ok()?;
    AuthenticatorData::decode(data?).ok()?.attested.map(|attested| attested.aaguid)
}
