//! The peers, each at the work that it shares with towline.

pub mod passkey_rs;
pub mod rounds;
pub mod soft_fido2;
mod soft_webauthn;
pub mod softpasskey;

/// What sites hand to `navigator.credentials.create()`.
pub const CREATION: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw",
    "rp": {"id": "example.com", "name": "Example"},
    "user": {"id": "BQUFBQUFBQUFBQUFBQUFBQ", "name": "alex@example.com", "displayName": "Alex Example"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
    "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
    "attestation": "none"}"#;
/// The origin of it all.
pub const ORIGIN: &str = "https://example.com";

/// What sites hand to `navigator.credentials.get()`, for one credential.
pub fn request(id: &str) -> String {
    format!(
        r#"{{"challenge": "DwAOAQ0CDAMLBAoFCQYIBw", "rpId": "example.com", "userVerification": "required",
            "allowCredentials": [{{"type": "public-key", "id": "{id}"}}]}}"#
    )
}

/// The `id` of a registration in JSON.
pub fn id_of(registration: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(registration).expect("JSON");
    json["id"].as_str().expect("an id").to_owned()
}
