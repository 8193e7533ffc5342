//! Each byte of each document is changed: it never panics, and nothing is taken in silence.

use serde_json::{Value, json};
use towline_exchange::{Import, ImportLimits, NotCxf};

use crate::parts::{index, json, plan, vector, words};

/// The documents, item by item where there are many, so that each change is judged in a short one.
fn documents() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for document in index()["documents"].as_array().unwrap() {
        let file = document["file"].as_str().unwrap();
        let bytes = vector(file);
        let split = |whole: &Value| {
            let items = whole["accounts"][0]["items"].as_array()?.clone();
            let parts = items.iter().map(|item| {
                let mut part = whole.clone();
                part["accounts"][0]["items"] = json!([item]);
                (format!("{file}: {}", item["title"]), serde_json::to_vec(&part).unwrap())
            });
            Some(parts.collect::<Vec<_>>())
        };
        match serde_json::from_slice::<Value>(&bytes).ok().as_ref().and_then(split) {
            Some(parts) if bytes.len() > 5000 => all.extend(parts),
            _ => all.push((file.to_owned(), bytes)),
        }
    }
    all
}

/// What is read of a document is what is in it: a changed byte changes what is read, or the
/// document can't be read any more, or it is one that no passkey depends on: of the header, of the
/// account and its collections, a space, or bits at the end of base64url that stand for nothing.
#[test]
fn a_changed_byte_is_never_overlooked() {
    let mut changed = 0;
    for (name, bytes) in documents() {
        let Ok(original) = Import::read(&bytes, &ImportLimits::default()) else { continue };
        // What is refused already may be wrong in another way, and what a counter says is no matter.
        let counts = text_of(&bytes).contains("signCount");
        if counts || words(&plan(&bytes).unwrap()).contains(&"refused") {
            continue;
        }
        let text = text_of(&bytes);
        if !text.contains("\"credentialId\"") {
            continue;
        }
        let items = text.rfind("\"items\"").unwrap_or(0);
        for place in 0..bytes.len() {
            // A letter becomes another, a capital, or no character at all.
            let with = [0x01, 0x20, 0x80][place % 3];
            let mut other = bytes.clone();
            other[place] ^= with;
            let Ok(read) = Import::read(&other, &ImportLimits::default()) else { continue };
            changed += 1;
            let is_space = |bytes: &[u8]| bytes[place].is_ascii_whitespace();
            let of_no_passkey = place < items || is_space(&bytes) && is_space(&other);
            // Behind the items there are only members of the account and the header.
            let behind = text.rfind("\"type\"").is_some_and(|last| place > last);
            assert!(
                read != original
                    || of_no_passkey
                    || behind && is_outside(&bytes, place)
                    || bytes.get(place + 1) == Some(&b'"') && other[place].is_ascii_graphic(),
                "{name}: byte {place} ({:?}) changed by {with:#x} is not seen",
                char::from(bytes[place]),
            );
        }
    }
    assert!(changed > 5_000, "{changed}");
}

fn text_of(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// Whether a byte is behind the list of items of the last account.
fn is_outside(bytes: &[u8], place: usize) -> bool {
    let mut depth = 0_i32;
    let rest = &bytes[place..];
    for byte in rest {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    // The end of the document closes the account, the accounts and the document at most.
    depth >= -3
}

/// The key package has its public key in it: no changed byte of it makes a key that goes in, and
/// none takes its neighbours along.
#[test]
fn no_changed_byte_of_a_key_makes_another_key() {
    let mut document = json(&vector("two-accounts.json"));
    let account = document["accounts"][0].take();
    let mut items = account["items"].as_array().unwrap().clone();
    items.extend(document["accounts"][1]["items"].as_array().unwrap().iter().cloned());
    let document = json!({"id": "AA", "items": items}).to_string();
    assert_eq!(words(&plan(document.as_bytes()).unwrap()), ["imported", "imported"]);
    let key = items[0]["credentials"][0]["key"].as_str().unwrap();
    let start = document.find(key).unwrap();
    for place in start..start + key.len() {
        let mut other = document.clone().into_bytes();
        other[place] = if other[place] == b'A' { b'B' } else { b'A' };
        let words = words(&plan(&other).unwrap());
        // The last character has bits that stand for nothing.
        let spare = place == start + key.len() - 1 && words[0] == "imported";
        assert!(words[0] == "refused" || spare, "byte {place}: {words:?}");
        assert_eq!(words[1], "imported", "byte {place}");
    }
}

#[test]
fn a_document_cut_short_is_refused_as_a_whole() {
    let whole = vector("errata-example-shape.json");
    let end = whole.trim_ascii_end().len();
    for cut in 0..end {
        let read = Import::read(&whole[..cut], &ImportLimits::default());
        assert_eq!(read.unwrap_err(), NotCxf::NotJson, "cut at {cut}");
    }
    let limits = ImportLimits { document: end - 1, ..ImportLimits::default() };
    assert_eq!(Import::read(&whole[..end], &limits).unwrap_err(), NotCxf::TooLarge(end - 1));
}
