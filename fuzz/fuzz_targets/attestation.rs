//! Attestation objects of any bytes, and statements of any bytes about a key that is good. What is
//! trusted led to a root: without one, nothing is.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use towline_cbor::{Key, Writer, decode};
use towline_ctap::{MESSAGE_DEPTH, Malformed};
use towline_fuzz::site;
use towline_webauthn_rp::{Procedure, Verifier as _};

const FORMATS: [&str; 8] = [
    "none",
    "packed",
    "fido-u2f",
    "tpm",
    "android-key",
    "android-safetynet",
    "apple",
    "compound",
];

/// A response, and the authenticator data in its attestation object.
static GOOD: LazyLock<(Value, Vec<u8>)> = LazyLock::new(|| {
    let good = include_str!("../corpus/rp_registration/packed");
    let good: Value = serde_json::from_str(good).expect("a seed");
    let object = good["response"]["attestationObject"].as_str().expect("an object");
    let object = URL_SAFE_NO_PAD.decode(object).expect("base64url");
    let mut data = Vec::new();
    decode(&object, MESSAGE_DEPTH, |reader| {
        reader.map(|key, value| {
            match key {
                Key::Text("authData") => data = value.bytes()?.to_vec(),
                _ => drop(value.raw()?),
            }
            Ok::<(), Malformed>(())
        })
    })
    .expect("an attestation object");
    (good, data)
});

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let (good, data) = &*GOOD;
    let object = match FORMATS.get(usize::from(*first)) {
        Some(format) => {
            let mut writer = Writer::new();
            // Maps of the writer are canonical, which a statement that is none would break.
            if decode(rest, MESSAGE_DEPTH, |reader| reader.raw().map(drop)).is_err() {
                return;
            }
            writer.map(|map| {
                map.entry("fmt", |w| w.text(format));
                map.entry("attStmt", |w| w.raw(rest));
                map.entry("authData", |w| w.bytes(data));
            });
            writer.into_vec()
        }
        None => rest.to_vec(),
    };
    let mut response = good.clone();
    response["response"]["attestationObject"] = URL_SAFE_NO_PAD.encode(object).into();
    for trusting in [true, false] {
        let verifier = site::verifier().with_attestation(site::anchors(trusting));
        let begun = verifier.begin_registration(&site::alice(), &[]).expect("options");
        match verifier.finish_registration(begun.state, &response) {
            Ok(check) => assert!(trusting || !check.attestation_trusted),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert!(error.step(Procedure::Registration).is_none_or(|step| step <= 27));
            }
        }
    }
});
