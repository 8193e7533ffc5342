//! The strict reader against a lenient oracle: what we accept, it accepts with the same meaning,
//! and writing that meaning again gives the same bytes.
#![no_main]

use ciborium::Value;
use libfuzzer_sys::fuzz_target;
use towline_cbor::{CTAP_DEPTH, Key, Kind, Reader, Writer, decode};

fuzz_target!(|bytes: &[u8]| {
    let mut comparable = true;
    if decode(bytes, CTAP_DEPTH, |reader| walk(reader, &mut comparable)).is_err() || !comparable {
        return;
    }
    let value: Value =
        ciborium::from_reader(bytes).expect("the lenient decoder accepts what the strict one does");
    let mut writer = Writer::new();
    write(&mut writer, &value);
    assert_eq!(writer.into_vec(), bytes);
});

/// Notes values that the oracle or the writer does not keep apart: floats, simple values,
/// `undefined`, huge integers.
fn walk(reader: &mut Reader<'_>, comparable: &mut bool) -> Result<(), towline_cbor::Error> {
    match reader.kind()? {
        Kind::Float | Kind::Simple | Kind::Undefined => *comparable = false,
        Kind::Uint | Kind::Nint => *comparable &= reader.int().is_ok(),
        Kind::Array => reader.array(|element| walk(element, comparable))?,
        Kind::Map => reader.map(|key, value| {
            *comparable &= !matches!(key, Key::Other(_));
            walk(value, comparable)
        })?,
        _ => reader.skip()?,
    }
    Ok(())
}

fn write(writer: &mut Writer, value: &Value) {
    match value {
        Value::Integer(n) => writer.int(i128::from(*n).try_into().expect("noted by walk")),
        Value::Bytes(bytes) => writer.bytes(bytes),
        Value::Text(text) => writer.text(text),
        Value::Bool(value) => writer.bool(*value),
        Value::Null => writer.null(),
        Value::Array(items) => {
            writer.array(|array| items.iter().for_each(|item| array.item(|w| write(w, item))))
        }
        Value::Map(entries) => writer.map(|map| {
            for (key, value) in entries {
                match key {
                    Value::Integer(n) => {
                        map.entry(i64::try_from(i128::from(*n)).unwrap(), |w| write(w, value))
                    }
                    Value::Text(text) => map.entry(text.as_str(), |w| write(w, value)),
                    _ => unreachable!("noted by walk"),
                }
            }
        }),
        other => unreachable!("the strict reader accepted {other:?}"),
    }
}
