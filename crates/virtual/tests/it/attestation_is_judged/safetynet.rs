//! The JWS of `android-safetynet` (WebAuthn L3 §8.5).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ciborium::Value;
use serde_json::Value as Json;

use super::verifier::{About, Verdict, ensure, extension, holds, member, parse, sha256};
use crate::options::bytes;

pub(super) fn verify(about: &About, statement: &Value) -> Verdict {
    ensure(member(statement, "ver").and_then(Value::as_text).is_some(), "ver")?;
    let response = member(statement, "response").and_then(Value::as_bytes).ok_or("response")?;
    let response = str::from_utf8(response).map_err(|_| "response")?;
    let (input, signature) = response.rsplit_once('.').ok_or("response")?;
    let (header, payload) = input.split_once('.').ok_or("response")?;
    let [header, payload] =
        [header, payload].map(|part| serde_json::from_slice::<Json>(&bytes(part)).unwrap());
    let certificates = header["x5c"].as_array().ok_or("x5c")?.iter();
    let x5c: Vec<Vec<u8>> =
        certificates.map(|it| STANDARD.decode(it.as_str().unwrap()).unwrap()).collect();
    let leaf = parse(&x5c[0])?;
    ensure(header["alg"] == "ES256", "alg")?;
    ensure(holds(&leaf, input.as_bytes(), &der(&bytes(signature))), "signature")?;
    let nonce = sha256().hash(&[&about.auth_data, &about.hash]);
    ensure(payload["nonce"] == STANDARD.encode(nonce), "nonce")?;
    ensure(payload["ctsProfileMatch"] == true, "integrity")?;
    ensure(payload["timestampMs"].as_u64() == Some(1_767_225_600_000), "time")?;
    let host = [&b"\x30\x14\x82\x12"[..], b"attest.android.com"].concat();
    ensure(extension(&leaf, "2.5.29.17") == Some((false, &host)), "host")?;
    about.check_chain(&x5c)
}

/// A signature in DER, from its two numbers.
fn der(fixed: &[u8]) -> Vec<u8> {
    let number = |half: &[u8]| {
        let digits: Vec<u8> = half.iter().copied().skip_while(|byte| *byte == 0).collect();
        let digits = if digits[0] > 0x7f { [&[0], &digits[..]].concat() } else { digits };
        [&[2, u8::try_from(digits.len()).unwrap()], &digits[..]].concat()
    };
    let numbers = [number(&fixed[..32]), number(&fixed[32..])].concat();
    [&[0x30, u8::try_from(numbers.len()).unwrap()], &numbers[..]].concat()
}
