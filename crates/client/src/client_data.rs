//! Client data: what the site gets to see of the request, and the authenticator signs the hash of
//! (WebAuthn L3 §5.8.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use towline_crypto::CryptoProvider;
use towline_ctap::ClientDataHash;

use crate::Caller;

/// Serialized client data and their hash.
#[derive(Debug, Clone)]
pub(crate) struct ClientData {
    pub(crate) json: String,
    pub(crate) hash: ClientDataHash,
}

impl ClientData {
    /// Serializes exactly as WebAuthn L3 §5.8.1.1 says, so that a relying party may compare bytes
    /// (§5.8.1.2).
    pub(crate) fn new(
        kind: &str,
        challenge: &[u8],
        caller: &Caller,
        provider: &CryptoProvider,
    ) -> Self {
        let mut json = String::with_capacity(256);
        json.push_str("{\"type\":");
        push_string(&mut json, kind);
        json.push_str(",\"challenge\":\"");
        URL_SAFE_NO_PAD.encode_string(challenge, &mut json);
        json.push_str("\",\"origin\":");
        push_string(&mut json, caller.origin.as_str());
        json.push_str(",\"crossOrigin\":");
        json.push_str(if caller.top_origin.is_some() { "true" } else { "false" });
        if let Some(top_origin) = &caller.top_origin {
            json.push_str(",\"topOrigin\":");
            push_string(&mut json, top_origin.as_str());
        }
        json.push('}');
        let hash = ClientDataHash::new(provider.sha256.hash(&[json.as_bytes()]));
        Self { json, hash }
    }
}

/// CCDToString (WebAuthn L3 §5.8.1.1): a text of JSON.
pub(crate) fn push_string(json: &mut String, text: &str) {
    json.push('"');
    if text.bytes().all(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        json.push_str(text);
    } else {
        push_escaped(json, text);
    }
    json.push('"');
}

fn push_escaped(json: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\0'..='\u{1f}' => json.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => json.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use towline_crypto::rustcrypto;

    use super::*;
    use crate::Origin;

    fn json(caller: &Caller) -> String {
        ClientData::new("webauthn.create", &[0xfb, 0xff], caller, &rustcrypto::provider()).json
    }

    #[test]
    fn members_come_in_the_order_of_the_standard() {
        let caller = Origin::parse("https://login.example.org:8443/").unwrap().into();
        assert_eq!(
            json(&caller),
            r#"{"type":"webauthn.create","challenge":"-_8","origin":"https://login.example.org:8443","crossOrigin":false}"#
        );
    }

    #[test]
    fn an_embedded_page_names_the_top_origin() {
        let caller = Caller::embedded(
            Origin::parse("https://pay.example").unwrap(),
            Origin::parse("https://shop.example").unwrap(),
        );
        assert_eq!(
            json(&caller),
            r#"{"type":"webauthn.create","challenge":"-_8","origin":"https://pay.example","crossOrigin":true,"topOrigin":"https://shop.example"}"#
        );
    }

    #[test]
    fn only_quotes_backslashes_and_control_characters_are_escaped() {
        let mut out = String::new();
        push_string(&mut out, "a\"b\\c\n\0\u{1f}\u{7f}/é😀");
        assert_eq!(out, "\"a\\\"b\\\\c\\u000a\\u0000\\u001f\u{7f}/é😀\"");
    }

    #[test]
    fn the_hash_is_over_the_serialized_bytes() {
        let provider = rustcrypto::provider();
        let caller = Origin::parse("https://example.org").unwrap().into();
        let data = ClientData::new("webauthn.get", &[1], &caller, &provider);
        assert_eq!(data.hash.as_bytes(), &provider.sha256.hash(&[data.json.as_bytes()]));
    }
}
