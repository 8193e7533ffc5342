//! The JWS of `android-safetynet` (WebAuthn L3 §8.5).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ciborium::Value;
use serde_json::Value as Json;
use webauthn_rs_core::{crypto::verify_signature, proto::AttestationCaList};

use super::verifier::{About, Verdict, ensure, extension, member, parse, sha256};
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
    ensure(header["alg"] == "RS256", "alg")?;
    ensure(holds(&x5c[0], input.as_bytes(), &bytes(signature)), "signature")?;
    let nonce = sha256().hash(&[&about.auth_data, &about.hash]);
    ensure(payload["nonce"] == STANDARD.encode(nonce), "nonce")?;
    ensure(payload["ctsProfileMatch"] == true, "integrity")?;
    ensure(payload["timestampMs"].as_u64() == Some(1_767_225_600_000), "time")?;
    let host = [&b"\x30\x14\x82\x12"[..], b"attest.android.com"].concat();
    ensure(extension(&leaf, "2.5.29.17") == Some((false, &host)), "host")?;
    about.check_chain(&x5c)
}

/// Somebody else's RSA.
fn holds(certificate: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let text = STANDARD.encode(certificate);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    let pem =
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    let list = AttestationCaList::try_from(pem.as_bytes()).unwrap();
    let certificate = list.cas().values().next().unwrap().ca();
    verify_signature(certificate, signature, message).unwrap()
}
