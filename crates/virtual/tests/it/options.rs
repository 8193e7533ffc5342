//! What sites ask for, in short.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Where the site is.
pub(crate) const ORIGIN: &str = "https://example.org";

/// The options of a registration.
pub(crate) fn create(name: &str) -> String {
    create_with(name, "")
}

/// The same with more members.
pub(crate) fn create_with(name: &str, more: &str) -> String {
    let id = name.bytes().fold(String::new(), |all, byte| format!("{all}{byte:02x}"));
    format!(
        r#"{{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {{"name": "Example", "id": "example.org"}},
        "user": {{"id": "{id}AA", "name": "{name}", "displayName": "{name}"}},
        "pubKeyCredParams": [{{"type": "public-key", "alg": -7}}, {{"type": "public-key", "alg": -8}}],
        "authenticatorSelection": {{"residentKey": "preferred", "userVerification": "preferred"}}
        {more}}}"#
    )
}

/// The options of a sign-in with whatever passkey there is.
pub(crate) fn get() -> String {
    get_with("")
}

/// The same with more members.
pub(crate) fn get_with(more: &str) -> String {
    format!(r#"{{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rpId": "example.org"{more}}}"#)
}

/// A list of this one credential.
pub(crate) fn list(name: &str, id: &towline_ctap::CredentialId) -> String {
    format!(r#", "{name}": [{{"type": "public-key", "id": "{}"}}]"#, base64url(id.as_bytes()))
}

/// Base64url without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What base64url says.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
