//! CBOR: the request of a registration read, its response written, by others.

use minicbor::{Decoder, Encoder};
use towline_cbor::{Member, Reader, decode};

/// What all that read a request give, as owned values.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct Owned {
    hash: Vec<u8>,
    rp: (String, Option<String>),
    user: (Vec<u8>, Option<String>, Option<String>),
    algorithms: Vec<i64>,
    exclude: Vec<Vec<u8>>,
    options: [Option<bool>; 3],
}

/// By hand with minicbor, which checks neither the order of keys nor the shortest forms.
pub fn minicbor(map: &[u8]) -> Result<Owned, minicbor::decode::Error> {
    let mut owned = Owned::default();
    let mut d = Decoder::new(map);
    for _ in 0..d.map()?.unwrap_or_default() {
        match d.u8()? {
            1 => owned.hash = d.bytes()?.to_vec(),
            2 => {
                for _ in 0..d.map()?.unwrap_or_default() {
                    match d.str()? {
                        "id" => owned.rp.0 = d.str()?.to_owned(),
                        "name" => owned.rp.1 = Some(d.str()?.to_owned()),
                        _ => d.skip()?,
                    }
                }
            }
            3 => {
                for _ in 0..d.map()?.unwrap_or_default() {
                    match d.str()? {
                        "id" => owned.user.0 = d.bytes()?.to_vec(),
                        "name" => owned.user.1 = Some(d.str()?.to_owned()),
                        "displayName" => owned.user.2 = Some(d.str()?.to_owned()),
                        _ => d.skip()?,
                    }
                }
            }
            4 => {
                for _ in 0..d.array()?.unwrap_or_default() {
                    let (mut alg, mut public_key) = (0, false);
                    for _ in 0..d.map()?.unwrap_or_default() {
                        match d.str()? {
                            "alg" => alg = d.i64()?,
                            "type" => public_key = d.str()? == "public-key",
                            _ => d.skip()?,
                        }
                    }
                    owned.algorithms.extend(public_key.then_some(alg));
                }
            }
            5 => {
                for _ in 0..d.array()?.unwrap_or_default() {
                    let (mut id, mut public_key): (&[u8], _) = (&[], false);
                    for _ in 0..d.map()?.unwrap_or_default() {
                        match d.str()? {
                            "id" => id = d.bytes()?,
                            "type" => public_key = d.str()? == "public-key",
                            _ => d.skip()?,
                        }
                    }
                    owned.exclude.extend(public_key.then(|| id.to_vec()));
                }
            }
            7 => {
                for _ in 0..d.map()?.unwrap_or_default() {
                    match d.str()? {
                        "rk" => owned.options[0] = Some(d.bool()?),
                        "up" => owned.options[1] = Some(d.bool()?),
                        "uv" => owned.options[2] = Some(d.bool()?),
                        _ => d.skip()?,
                    }
                }
            }
            _ => d.skip()?,
        }
    }
    Ok(owned)
}

/// A tree of values.
pub fn ciborium_tree(map: &[u8]) -> ciborium::Value {
    ciborium::from_reader(map).expect("a map")
}

/// towline's reader without types: everything checked, nothing kept.
pub fn borrowed(map: &[u8]) -> Result<usize, towline_cbor::Error> {
    let mut bytes = 0;
    decode(map, towline_cbor::CTAP_DEPTH, |reader: &mut Reader<'_>| {
        reader.members(|key, value| {
            if let (Member::Int(1), Ok(hash)) = (key, value.bytes()) {
                bytes += hash.len();
            }
            Ok::<(), towline_cbor::Error>(())
        })
    })?;
    Ok(bytes)
}

/// The response of a registration without attestation, by hand with minicbor.
pub fn minicbor_response(auth_data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(auth_data.len() + 32);
    bytes.push(0);
    let mut e = Encoder::new(&mut bytes);
    let written = (|| {
        e.map(3)?.u8(1)?.str("none")?.u8(2)?.bytes(auth_data)?.u8(3)?.map(0)?;
        Ok::<(), minicbor::encode::Error<std::convert::Infallible>>(())
    })();
    written.expect("a vector takes everything");
    bytes
}

/// The same by ciborium.
pub fn ciborium_response(auth_data: &[u8]) -> Vec<u8> {
    use ciborium::Value;
    let members = vec![
        (1.into(), "none".into()),
        (2.into(), Value::Bytes(auth_data.to_vec())),
        (3.into(), Value::Map(Vec::new())),
    ];
    let mut bytes = vec![0];
    ciborium::into_writer(&Value::Map(members), &mut bytes).expect("a vector takes everything");
    bytes
}

/// The bytes copied behind a head that is known beforehand: less cannot be done.
pub fn copied_response(auth_data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(auth_data.len() + 16);
    bytes.extend_from_slice(b"\x00\xa3\x01\x64none\x02\x58");
    bytes.push(auth_data.len() as u8);
    bytes.extend_from_slice(auth_data);
    bytes.extend_from_slice(b"\x03\xa0");
    bytes
}
