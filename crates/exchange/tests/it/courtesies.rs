//! What two managers keep in forms of their own is read as well.

use serde_json::{Value, json};
use towline_exchange::{
    Import, ImportLimits, Importer, ItemOutcome, KeePassEntry, KeePassWork, Missing, NotCxf,
    check_keepass_work,
};

use crate::parts::{json, plan, provider, vector, words};

fn passkey() -> Value {
    json(&vector("bare-passkey.json"))
}

fn bitwarden(credential_id: &str, counter: &str) -> Value {
    let passkey = passkey();
    json!({
        "encrypted": false,
        "folders": [],
        "items": [
            { "id": "1", "type": 2, "name": "a note", "notes": "not looked at" },
            { "id": "2", "type": 1, "name": "mail", "login": {
                "username": "alice", "password": "secret", "fido2Credentials": [{
                    "credentialId": credential_id,
                    "keyType": "public-key", "keyAlgorithm": "ECDSA", "keyCurve": "P-256",
                    "keyValue": passkey["key"], "rpId": "example.org", "rpName": "Example",
                    "userHandle": passkey["userHandle"], "userName": "alice@example.org",
                    "userDisplayName": "Alice", "counter": counter, "discoverable": "true",
                    "creationDate": "2026-05-28T20:26:40.500Z",
                }],
            }},
        ],
    })
}

#[test]
fn bitwardens_own_json_is_read() {
    for (written, id) in [
        ("00010203-0405-0607-0809-0a0b0c0d0e0f", (0..16).collect::<Vec<u8>>()),
        ("b64.AQIDBA", vec![1, 2, 3, 4]),
    ] {
        let plan = plan(bitwarden(written, "0").to_string().as_bytes()).unwrap();
        assert_eq!(words(&plan), ["imported", "not-a-passkey"]);
        let [credential] = plan.credentials() else { panic!() };
        assert_eq!(credential.id.as_bytes(), id);
        assert_eq!(credential.user.name.as_deref(), Some("alice@example.org"));
        assert_eq!(credential.made.map(|time| time.0), Some(1_780_000_000));
        // The password goes along, sealed.
        let kept = String::from_utf8(credential.foreign.clone().unwrap().expose().to_vec());
        let password = r#""password":{"fieldType":"concealed-string","value":"secret"}"#;
        assert!(kept.unwrap().contains(password));
    }
    let counted = plan(bitwarden("b64.AQ", "7").to_string().as_bytes()).unwrap();
    let partly = ItemOutcome::ImportedPartly(vec![Missing::CounterNotZero]);
    assert_eq!(counted.reports()[0].outcome, partly);
    // An id that is neither becomes no other one.
    let odd = plan(bitwarden("not an id", "0").to_string().as_bytes()).unwrap();
    assert_eq!(words(&odd)[0], "refused");
}

#[test]
fn what_bitwarden_has_sealed_is_told_as_that() {
    let sealed = json!({ "encrypted": true, "items": [], "data": "2.AAAA" }).to_string();
    let read = Import::read(sealed.as_bytes(), &ImportLimits::default());
    assert_eq!(read.unwrap_err(), NotCxf::Sealed);
}

#[test]
fn the_entries_of_keepassxc_are_read() {
    let passkey = passkey();
    let text = |member: &str| passkey[member].as_str().unwrap().to_owned();
    let der = text("key").replace('-', "+").replace('_', "/");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let attribute = |name: &str, value: String| (format!("KPEX_PASSKEY_{name}"), value.into());
    let entry = |id: &str| KeePassEntry {
        title: Some("mail".into()),
        attributes: vec![
            ("URL".into(), String::from("https://example.org").into()),
            attribute("USERNAME", "alice@example.org".into()),
            attribute(id, text("credentialId")),
            attribute("PRIVATE_KEY_PEM", pem.clone()),
            attribute("RELYING_PARTY", "example.org".into()),
            attribute("USER_HANDLE", text("userHandle")),
        ],
    };
    let password = KeePassEntry { title: Some("other".into()), ..KeePassEntry::default() };
    for id in ["CREDENTIAL_ID", "GENERATED_USER_ID"] {
        let entries = [password.clone(), entry(id)];
        let import = Import::of_keepassxc(&entries, &ImportLimits::default());
        let plan = import.plan(|_| Ok::<_, ()>(None), &Importer::new(provider())).unwrap();
        assert_eq!(plan.reports().len(), 1);
        let partly = ItemOutcome::ImportedPartly(vec![Missing::KeyWasPem]);
        assert_eq!(plan.reports()[0].outcome, partly);
        assert_eq!(plan.credentials()[0].rp_id.as_str(), "example.org");
    }
    assert!(!format!("{:?}", entry("CREDENTIAL_ID")).contains("BEGIN"));
    // Whoever opens a database copies nothing of entries without.
    for other in ["Password", "KPH: key", "URL"] {
        assert!(!KeePassEntry::is_about_passkeys(other));
    }
}

/// The outer header of a database, with a length of so many bytes before each field.
fn header(major: u8, fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut all =
        [&[0x03, 0xd9, 0xa2, 0x9a, 0x67, 0xfb, 0x4b, 0xb5][..], &[0, 0, major, 0]].concat();
    for (kind, value) in fields {
        all.push(*kind);
        let length = u32::try_from(value.len()).unwrap().to_le_bytes();
        all.extend(&length[..if major == 3 { 2 } else { 4 }]);
        all.extend(*value);
    }
    all
}

/// Of numbers of so many bytes each, by their names.
fn dictionary(numbers: &[(&str, &[u8])]) -> Vec<u8> {
    let mut all = vec![0, 1];
    for (name, value) in numbers {
        all.push(if value.len() == 4 { 4 } else { 5 });
        for part in [name.as_bytes(), value] {
            all.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
            all.extend(part);
        }
    }
    all.push(0);
    all
}

fn argon2(memory: u64, iterations: u64, lanes: u32) -> Result<(), KeePassWork> {
    let (memory, iterations) = (memory.to_le_bytes(), iterations.to_le_bytes());
    let numbers = dictionary(&[("M", &memory), ("I", &iterations), ("P", &lanes.to_le_bytes())]);
    check_keepass_work(&header(4, &[(3, &[1, 0, 0, 0]), (11, &numbers), (0, b"")]))
}

#[test]
fn what_a_keepass_database_asks_for_has_bounds() {
    const MIB: u64 = 1 << 20;
    assert_eq!(argon2(64 * MIB, 30, 2), Ok(()));
    assert_eq!(argon2(1024 * MIB, 64, 64), Ok(()));
    assert_eq!(argon2(1024 * MIB + 1, 1, 1), Err(KeePassWork::Memory(1025)));
    assert_eq!(argon2(u64::MAX, 1, 1), Err(KeePassWork::Memory(1 << 44)));
    assert_eq!(argon2(1024 * MIB, 65, 2), Err(KeePassWork::Time));
    assert_eq!(argon2(0, u64::MAX, 2), Err(KeePassWork::Time));
    assert_eq!(argon2(64 * MIB, 2, 65), Err(KeePassWork::Time));

    let aes = |rounds: u64| {
        let (rounds, end) = (rounds.to_le_bytes(), (0, &b"\r\n\r\n"[..]));
        let older = check_keepass_work(&header(3, &[(6, &rounds), end]));
        let numbers = dictionary(&[("R", &rounds)]);
        assert_eq!(check_keepass_work(&header(4, &[(11, &numbers), end])), older);
        older
    };
    assert_eq!(aes(100_000_000), Ok(()));
    assert_eq!(aes(100_000_001), Err(KeePassWork::Time));
    // The one that a reader takes may be either.
    let [few, many] = [1_u64, u64::MAX].map(u64::to_le_bytes);
    for rounds in [[few, many], [many, few]] {
        let [first, second] = &rounds;
        let twice = header(3, &[(6, first), (6, second), (0, b"")]);
        assert_eq!(check_keepass_work(&twice), Err(KeePassWork::Time));
        let twice = dictionary(&[("R", first), ("R", second)]);
        let twice = header(4, &[(11, &twice), (0, b"")]);
        assert_eq!(check_keepass_work(&twice), Err(KeePassWork::Time));
    }
}

#[test]
fn a_header_of_keepass_that_is_not_whole_is_refused() {
    let whole = include_bytes!("../../../../tests/vectors/keepassxc.kdbx");
    assert_eq!(check_keepass_work(whole), Ok(()));
    // The last of it is 32 bytes of a hash, 32 of a code, and what is sealed.
    let end = whole.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
    for length in 0..end {
        let cut = check_keepass_work(&whole[..length]);
        assert_eq!(cut, Err(KeePassWork::Header), "{length}");
    }
    assert_eq!(check_keepass_work(&whole[..end]), Ok(()));
    let short = dictionary(&[("R", &[1, 2])]);
    let headers = [
        header(4, &[(11, &short), (0, b"")]),
        header(4, &[(12, &short), (0, b"")]),
        header(4, &[(3, b"12"), (0, b"")]),
        header(3, &[(6, b"12"), (0, b"")]),
        header(3, &[(10, b""), (0, b"")]),
        header(5, &[(0, b"")]),
    ];
    for header in headers {
        assert_eq!(check_keepass_work(&header), Err(KeePassWork::Header), "{header:?}");
    }
}
