//! What proves to a client that its request was understood (RFC 6455 §4.2.2).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest as _, Sha1};

/// The only version of the protocol there is: `Sec-WebSocket-Version` (RFC 6455 §4.1).
pub const VERSION: &str = "13";

/// What is hashed after the client's key (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The answer to `Sec-WebSocket-Key`: `Sec-WebSocket-Accept`, 28 characters. `None` for what is not
/// 16 bytes in base64, by its length and its end; what the bytes are does not matter.
#[must_use]
pub fn accept(key: &str) -> Option<String> {
    if key.len() != 24 || !key.ends_with("==") {
        return None;
    }
    Some(STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize()))
}

#[cfg(test)]
mod tests {
    use super::accept;

    #[test]
    fn the_standards_own_example() {
        // RFC 6455 §1.3.
        let accepted = accept("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accepted.as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[test]
    fn what_is_not_sixteen_bytes_is_refused() {
        for key in ["", "AAAA", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZSE="] {
            assert_eq!(accept(key), None, "{key}");
        }
    }
}
