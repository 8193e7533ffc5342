//! Writes the seeds of the targets for relying parties and for pictures:
//! `cargo run --manifest-path fuzz/Cargo.toml --example site_seeds`.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use towline_cbor::{Key, decode};
use towline_ctap::{MESSAGE_DEPTH, Malformed};
use towline_fuzz::site::{self, ORIGIN};
use towline_virtual::{
    Builder, VirtualAuthenticator,
    attestation::{Flaw, Format, TestAttestation},
};
use towline_webauthn_rp::{StrictVerifier, Verifier as _};

/// The statements in the order in which the target `attestation` knows them.
const FORMATS: [(&str, Format); 10] = [
    ("none", Format::None),
    ("packed", Format::Packed),
    ("fido-u2f", Format::FidoU2f),
    ("tpm", Format::Tpm),
    ("android-key", Format::AndroidKey),
    ("android-safetynet", Format::AndroidSafetyNet),
    ("apple", Format::Apple),
    ("compound", Format::Compound),
    ("packed-self", Format::PackedSelf),
    ("enterprise", Format::Enterprise),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    registrations()?;
    assertions()?;
    pictures()
}

fn save(target: &str, name: &str, seed: &[u8]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), seed)
}

/// The same key each time, so that all statements are about it.
fn device(attestation: TestAttestation) -> VirtualAuthenticator {
    Builder::platform().seed(13).attestation(attestation).build().expect("a device")
}

fn register(device: &VirtualAuthenticator, verifier: &StrictVerifier) -> String {
    let begun = verifier.begin_registration(&site::alice(), &[]).expect("options");
    let mut options = begun.options;
    options["pubKeyCredParams"] = serde_json::json!([{"type": "public-key", "alg": -7}]);
    device.create(ORIGIN, &options.to_string()).expect("a registration")
}

fn registrations() -> Result<(), Box<dyn std::error::Error>> {
    for (place, (name, format)) in FORMATS.into_iter().enumerate() {
        // A verifier asks the same once, so that each ceremony has one.
        let verifier = || match format {
            Format::None => site::verifier(),
            _ => site::verifier().with_attestation(site::anchors(true)),
        };
        let good = register(&device(TestAttestation::new(format)), &verifier());
        let verifier_again = verifier();
        let begun = verifier_again.begin_registration(&site::alice(), &[])?;
        verifier_again.finish_registration(begun.state, &serde_json::from_str(&good)?)?;
        save("rp_registration", name, good.as_bytes())?;
        let object = object(&good)?;
        save("attestation", &format!("object-{name}"), &[&[0xff], &object[..]].concat())?;
        let place = match format {
            Format::PackedSelf | Format::Enterprise => 1,
            _ => u8::try_from(place)?,
        };
        let statement = statement(&object)?;
        save("attestation", name, &[&[place], &statement[..]].concat())?;
        for flaw in format.flaws().iter().filter(|flaw| **flaw != Flaw::WrongKey) {
            let flawed = register(&device(TestAttestation::new(format).flawed(*flaw)?), &verifier());
            let statement = self::statement(&self::object(&flawed)?)?;
            let name = format!("{name}-{flaw:?}").to_lowercase();
            save("attestation", &name, &[&[place], &statement[..]].concat())?;
        }
    }
    Ok(())
}

fn assertions() -> Result<(), Box<dyn std::error::Error>> {
    let device = device(TestAttestation::new(Format::None));
    register(&device, &site::verifier());
    for (name, count) in [("zero", None), ("one", Some(1)), ("seven", Some(7))] {
        let id = device.passkeys()[0].id().clone();
        device.change(&id, |passkey| passkey.sign_count = count)?;
        let options = site::verifier().begin_sign_in(None)?.options;
        save("rp_assertion", name, device.get(ORIGIN, &options.to_string())?.as_bytes())?;
    }
    Ok(())
}

fn object(registration: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let registration: Value = serde_json::from_str(registration)?;
    let object = registration["response"]["attestationObject"].as_str().ok_or("no object")?;
    Ok(URL_SAFE_NO_PAD.decode(object).map_err(|error| error.to_string())?)
}

fn statement(object: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut statement = Vec::new();
    decode(object, MESSAGE_DEPTH, |reader| {
        reader.map(|key, value| {
            let item = value.raw()?;
            if key == Key::Text("attStmt") {
                statement = item.to_vec();
            }
            Ok::<(), Malformed>(())
        })
    })?;
    Ok(statement)
}

/// How many light points stand around a code.
const BORDER: usize = 4;

fn pictures() -> Result<(), Box<dyn std::error::Error>> {
    let texts = [("short", "A"), ("text", "two of them"), ("uri", "FIDO:/0254318385320713")];
    for (name, text) in texts {
        let code = qrcode::QrCode::new(text)?;
        let side = code.width() + 2 * BORDER;
        let mut bits = vec![0_u8; (side * side).div_ceil(8)];
        for (at, colour) in code.to_colors().into_iter().enumerate() {
            let (x, y) = (at % code.width() + BORDER, at / code.width() + BORDER);
            let at = y * side + x;
            bits[at / 8] |= u8::from(colour == qrcode::Color::Dark) << (at % 8);
        }
        let hows = [("", 3), ("-inverted", 2 << 3 | 2), ("-fading", 4 << 3 | 5)];
        for (kind, how) in hows {
            let seed = [&[how, u8::try_from(side)?], &bits[..]].concat();
            let (width, levels) = towline_fuzz::picture::levels(&seed).ok_or("no picture")?;
            assert_eq!(towline_qr::codes(width, &levels), [text], "{name}{kind}");
            save("picture", &format!("{name}{kind}"), &seed)?;
        }
    }
    let levels: Vec<u8> = (0..=255).collect();
    save("picture", "levels", &[&[0x80, 16], &levels[..]].concat())?;
    Ok(())
}
