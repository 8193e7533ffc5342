//! Against an independent, lenient decoder: what we write it reads with the same meaning, and what
//! we accept we would have written ourselves.

use ciborium::Value;
use proptest::prelude::*;
use towline_cbor::{Error, Key, Reader, Writer, decode};

/// Writes what the lenient decoder understood. `None` for what CTAP messages never hold: tags,
/// floats, big integers.
fn write(writer: &mut Writer, value: &Value) -> Option<()> {
    let mut complete = Some(());
    match value {
        Value::Integer(n) => writer.int(i64::try_from(i128::from(*n)).ok()?),
        Value::Bytes(bytes) => writer.bytes(bytes),
        Value::Text(text) => writer.text(text),
        Value::Bool(value) => writer.bool(*value),
        Value::Null => writer.null(),
        Value::Array(items) => writer.array(|array| {
            for item in items {
                array.item(|w| complete = complete.and(write(w, item)));
            }
        }),
        Value::Map(entries) => writer.map(|map| {
            for (key, value) in entries {
                let mut encoded = Writer::new();
                complete = complete.and(write(&mut encoded, key));
                map.entry(Key::Other(&encoded.into_vec()), |w| {
                    complete = complete.and(write(w, value))
                });
            }
        }),
        _ => return None,
    }
    complete
}

fn values() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        any::<i64>().prop_map(|n| Value::Integer(n.into())),
        (-30..300_i64).prop_map(|n| Value::Integer(n.into())),
        ".{0,6}".prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::Bytes),
    ];
    let leaf = prop_oneof![
        key.clone(),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(3, 64, 30, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..30).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..30).prop_map(|mut entries| {
                let mut seen = Vec::new();
                entries.retain(|(key, _)| {
                    !seen.contains(key) && {
                        seen.push(key.clone());
                        true
                    }
                });
                Value::Map(entries)
            }),
        ]
    })
}

/// The same value with map entries in any order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            entries.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap());
            Value::Map(entries)
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn what_we_write_means_the_same_to_the_oracle(value in values()) {
        let mut writer = Writer::new();
        write(&mut writer, &value).expect("only values that CTAP knows are drawn");
        let bytes = writer.into_vec();
        prop_assert_eq!(decode(&bytes, 8, Reader::skip), Ok(()));
        let read: Value = ciborium::from_reader(bytes.as_slice()).unwrap();
        prop_assert_eq!(sorted(&read), sorted(&value));
    }

    #[test]
    fn what_we_accept_is_what_we_would_have_written(
        value in values(),
        position in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut writer = Writer::new();
        write(&mut writer, &value).unwrap();
        let mut bytes = writer.into_vec();
        let position = position.index(bytes.len());
        bytes[position] = byte;
        if decode(&bytes, 8, Reader::skip).is_ok()
            && let Ok(value) = ciborium::from_reader::<Value, _>(bytes.as_slice())
        {
            let mut again = Writer::new();
            if write(&mut again, &value).is_some() && !holds_undefined(&bytes) {
                prop_assert_eq!(again.into_vec(), bytes);
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic_or_read_beyond_its_input(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes, 8, |r| r.raw().map(|raw| assert!(raw.len() <= bytes.len())));
    }
}

/// The oracle takes `undefined` for `null`.
fn holds_undefined(bytes: &[u8]) -> bool {
    fn walk(reader: &mut Reader<'_>, found: &mut bool) -> Result<(), Error> {
        match reader.kind()? {
            towline_cbor::Kind::Undefined => *found = true,
            towline_cbor::Kind::Array => reader.array(|r| walk(r, found))?,
            towline_cbor::Kind::Map => reader.map(|key, r| {
                *found |= key == Key::Other(&[0xf7]);
                walk(r, found)
            })?,
            _ => {}
        }
        Ok(())
    }
    let mut found = false;
    let _ = decode(bytes, 8, |r| walk(r, &mut found));
    found
}
