//! Writes the seeds of the target `synced`:
//! `cargo run --manifest-path fuzz/Cargo.toml --example synced_seeds`.

use std::{fs, path::Path};

use towline_authenticator::{Credential, ExtensionData, KeyHandle, LargeBlobPlace};
use towline_cbor::{MapWriter, Writer};
use towline_ctap::{CredentialId, RpId, User, UserHandle};
use towline_fuzz::{
    circle::keys,
    synced::{Outcome, run},
};
use zeroize::Zeroizing;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let names = map(|map| {
        map.entry(1, |value| value.text("alice"));
        map.entry(2, |value| value.text("Alice"));
    });
    let blob = map(|map| {
        map.entry(1, |value| value.bytes(b"compressed"));
        map.entry(2, |value| value.uint(99));
    });
    let passkey = [piece(1, &fixed(1)?), piece(2, &names), piece(3, &blob)].concat();
    let stored = |count| Outcome { stored: count, ..Outcome::default() };
    assert_eq!(run(&passkey), stored(1));
    save("passkey", &passkey)?;
    let two = [&passkey[..], &piece(1, &fixed(2)?), &piece(2, &map(|_| {}))].concat();
    assert_eq!(run(&two), stored(2));
    save("two", &two)?;
    // Two keys of one id, and one that is deleted.
    let same = [&passkey[..], &passkey].concat();
    assert_eq!(run(&same), stored(1));
    save("same_id", &same)?;
    let deleted = [&two[..], &piece(4, &[])].concat();
    assert_eq!(run(&deleted), stored(1));
    save("deleted", &deleted)?;

    let later = map(|map| {
        map.entry(1, |value| value.text("alice"));
        map.entry(9, |value| value.array(|array| array.item(|item| item.uint(1))));
    });
    let nested = piece(2, &later);
    let unreadable = Outcome { unreadable: 1, ..Outcome::default() };
    for (name, piece) in [
        ("nested_names", nested),
        ("long_names", piece(2, &map(|map| map.entry(1, |value| value.text(&"a".repeat(20_000)))))),
        ("half_a_blob", piece(3, &blob[..blob.len() / 2])),
        ("half_a_passkey", self::piece(1, &fixed(3)?[..20])),
    ] {
        let seed = match name {
            "half_a_passkey" => piece,
            _ => [&self::piece(1, &fixed(1)?), &self::piece(2, &names)[..], &piece].concat(),
        };
        assert_eq!(run(&seed), unreadable, "{name}");
        save(name, &seed)?;
    }

    let device = |only_here: &[&[u8]]| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let keys = keys().to_bytes()?;
        Ok(map(|map| {
            map.entry(1, |value| value.bytes(&keys[..]));
            map.entry(2, |value| value.text("/home/anna/passkeys"));
            map.entry(3, |value| {
                value.array(|array| {
                    only_here.iter().for_each(|id| array.item(|item| item.bytes(id)));
                });
            });
        }))
    };
    for (name, only_here, devices) in [
        ("device", &[&[1; 16][..], &[2; 16]][..], [1, 0]),
        ("device_alone", &[], [1, 0]),
        ("device_with_no_id", &[&[]], [0, 1]),
    ] {
        let seed = piece(0, &device(only_here)?);
        assert_eq!(run(&seed), Outcome { devices, ..Outcome::default() }, "{name}");
        save(name, &seed)?;
        save(&format!("{name}_and_passkey"), &[&seed[..], &passkey].concat())?;
    }
    Ok(())
}

/// What is fixed of a passkey: it has no names yet, and its site keeps nothing.
fn fixed(number: u8) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let user = User { id: UserHandle::new(&[number])?, name: None, display_name: None };
    let key = KeyHandle::new(-7, Zeroizing::new([number; 32].into()));
    let mut data = ExtensionData::default();
    data.large_blob = Some(LargeBlobPlace::Empty);
    let id = CredentialId::new(&[number; 16])?;
    let credential = Credential {
        discoverable: true,
        backup_eligible: true,
        never_counts: true,
        extensions: Some(Box::new(data)),
        ..Credential::new(id, RpId::new("example.org")?, user, key)
    };
    Ok(credential.to_bytes().to_vec())
}

fn map(build: impl FnOnce(&mut MapWriter<'_>)) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.map(build);
    writer.into_vec()
}

fn piece(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&[kind], length.to_be_bytes().as_slice(), bytes].concat()
}

fn save(name: &str, seed: &[u8]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/synced");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), seed)
}
