//! Signed tokens: JSON Web Signatures with ES256 (RFC 7515, RFC 7518 §3.4).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use towline_crypto::{CryptoProvider, SigningKey};

use crate::{ApiError, ErrorCode};

/// COSE's number of ES256.
const ES256: i64 = -7;

/// The provider's signing key, and what sites are told of it.
pub(super) struct Signer {
    key: Box<dyn SigningKey>,
    /// The public half as a JSON Web Key.
    public: Value,
    header: String,
}

fn failed(error: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::Internal, format!("Tokens can't be signed: {error}."))
}

impl Signer {
    /// The private half of a new key.
    pub(super) fn generate(provider: &CryptoProvider) -> Result<Vec<u8>, ApiError> {
        let algorithm = provider.signature(ES256).ok_or_else(|| failed("there is no ES256"))?;
        let key = algorithm.generate(&*provider.random).map_err(failed)?;
        Ok(key.private_bytes().map_err(failed)?.to_vec())
    }

    pub(super) fn load(provider: &CryptoProvider, private: &[u8]) -> Result<Self, ApiError> {
        let algorithm = provider.signature(ES256).ok_or_else(|| failed("there is no ES256"))?;
        let key = algorithm.load(private).map_err(failed)?;
        let point = key.public_key();
        let coordinates = point.get(1..33).zip(point.get(33..65));
        let (x, y) = coordinates.ok_or_else(|| failed("its point is of another form"))?;
        let id =
            URL_SAFE_NO_PAD.encode(provider.sha256.hash(&[point]).get(..9).unwrap_or_default());
        let public = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        });
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": id }).to_string();
        Ok(Self { key, public, header: URL_SAFE_NO_PAD.encode(header) })
    }

    pub(super) const fn public_key(&self) -> &Value {
        &self.public
    }

    /// A token with these claims.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, ApiError> {
        let signed = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.key.sign(&[signed.as_bytes()]).map_err(failed)?;
        let signature =
            plain(&signature).ok_or_else(|| failed("the signature is of another form"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The two numbers of an ECDSA signature in ASN.1 DER, side by side, 32 bytes each.
fn plain(der: &[u8]) -> Option<[u8; 64]> {
    let [0x30, length, rest @ ..] = der else { return None };
    if rest.len() != usize::from(*length) {
        return None;
    }
    let mut plain = [0; 64];
    let (r, s) = plain.split_at_mut(32);
    let rest = number(rest, r)?;
    number(rest, s)?.is_empty().then_some(plain)
}

/// Reads a positive integer into its place, and gives what follows it.
fn number<'a>(der: &'a [u8], place: &mut [u8]) -> Option<&'a [u8]> {
    let [0x02, length, rest @ ..] = der else { return None };
    let (mut bytes, rest) = rest.split_at_checked(usize::from(*length))?;
    while let [0, more @ ..] = bytes {
        bytes = more;
    }
    let start = place.len().checked_sub(bytes.len())?;
    place.get_mut(start..)?.copy_from_slice(bytes);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_two_numbers_of_32_bytes() {
        let short = [0x30, 0x08, 0x02, 0x02, 0x00, 0xff, 0x02, 0x02, 0x01, 0x02];
        let plain_short = plain(&short).unwrap();
        assert_eq!((plain_short[31], &plain_short[62..]), (0xff, &[1, 2][..]));
        assert!(plain_short[..31].iter().all(|byte| *byte == 0));
        for cut in 0..short.len() {
            assert!(plain(&short[..cut]).is_none());
        }
        assert!(plain(&[&short[..], &[0]].concat()).is_none());
        let long = [&[0x30, 0x26, 0x02, 0x21][..], &[1; 33], &[0x02, 0x01, 0x01]].concat();
        assert!(plain(&long).is_none(), "33 bytes");
    }
}
