//! The known-answer vectors in `tests/vectors/hybrid.json`, positive and negative: every row, but
//! for what concerns L2CAP, which no channel uses.

mod adverts;
mod codes;
mod handshakes;
mod links;
mod sessions;
mod transport;

use std::{
    collections::VecDeque,
    sync::{Arc, LazyLock, Mutex},
};

use serde_json::Value;
use towline_crypto::{CryptoProvider, EcdhKey, Error, P256PublicKey, Random, Secret};
use towline_testkit::hex;

static VECTORS: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/hybrid.json");
    serde_json::from_slice(&std::fs::read(path).expect("the vectors are in the repository"))
        .unwrap()
});

/// The rows of one section; `a/b` goes down two levels.
fn rows(section: &str) -> &'static [Value] {
    let rows = VECTORS.pointer(&format!("/{section}")).and_then(Value::as_array);
    let rows = rows.unwrap_or_else(|| panic!("no section {section}"));
    assert!(!rows.is_empty());
    rows
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_else(|| panic!("{field} of {row}"))
}

fn number(row: &Value, field: &str) -> u64 {
    row[field].as_u64().unwrap_or_else(|| panic!("{field} of {row}"))
}

fn bytes(row: &Value, field: &str) -> Vec<u8> {
    hex(text(row, field))
}

fn array<const N: usize>(row: &Value, field: &str) -> [u8; N] {
    bytes(row, field).try_into().unwrap_or_else(|_| panic!("{field} of {row}"))
}

fn secret<const N: usize>(row: &Value, field: &str) -> Secret<N> {
    Secret::new(array(row, field))
}

fn provider() -> CryptoProvider {
    towline_crypto::rustcrypto::provider()
}

fn private_key(row: &Value, field: &str) -> Arc<dyn EcdhKey> {
    provider().ecdh.load(&secret(row, field)).unwrap().into()
}

fn public_key(row: &Value, field: &str) -> P256PublicKey {
    provider().ecdh.public_key(&bytes(row, field)).unwrap()
}

/// A source of randomness that gives the bytes it was given, in order, and nothing after them.
struct Script(Mutex<VecDeque<u8>>);

impl Random for Script {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        let mut script = self.0.lock().unwrap();
        for byte in buffer {
            *byte = script.pop_front().ok_or(Error::Random)?;
        }
        Ok(())
    }
}

/// A provider whose random bytes are these, one after the other.
fn scripted(parts: &[Vec<u8>]) -> CryptoProvider {
    let script = parts.concat().into();
    CryptoProvider { random: Arc::new(Script(Mutex::new(script))), ..provider() }
}
