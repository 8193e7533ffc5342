//! A message of CTAP2 as JSON, member by member. Byte strings are base64url.

use serde_json::{Map, Value, json};
use towline_cbor::{Error, Key, Kind, Reader};
use towline_ctap::{Command, Status};

use super::{Exchange, names};
use crate::Base64Url;

/// How deep the CBOR of messages nests at most; what is deeper is shown as bytes.
const DEPTH: u8 = 16;

impl Exchange {
    /// The message as JSON: `command`; `status` of a response; `members`, by their names, or
    /// `malformed` with the reason where the bytes are not what CTAP allows; `bytes` as they went.
    #[must_use]
    pub fn decoded(&self) -> Value {
        let command = Command::from_u8(self.command);
        let mut json = Map::new();
        let name = command.map_or_else(
            || format!("0x{:02x}", self.command),
            |command| names::command(command).to_owned(),
        );
        json.insert("command".into(), name.into());
        let body = match self.bytes.split_first() {
            Some((first, body)) => {
                if self.is_response {
                    let status = Status::from_u8(*first);
                    json.insert("status".into(), status.name().into());
                }
                body
            }
            None => {
                json.insert("malformed".into(), "there is nothing".into());
                &[]
            }
        };
        if !body.is_empty() {
            let names = command.map_or(&[][..], |it| names::members(it, self.is_response));
            match read(body, names) {
                Ok(members) => json.insert("members".into(), members),
                Err(error) => json.insert("malformed".into(), error.to_string().into()),
            };
        }
        json.insert("bytes".into(), bytes(&self.bytes));
        Value::Object(json)
    }
}

fn bytes(bytes: &[u8]) -> Value {
    Base64Url(bytes.to_vec()).to_string().into()
}

fn read(cbor: &[u8], names: &[&str]) -> Result<Value, Error> {
    let mut reader = Reader::new(cbor, DEPTH);
    let value = item(&mut reader, names)?;
    reader.finish()?;
    Ok(value)
}

/// One item; `names` are those of its numbered members, if it is the map of the message.
fn item(reader: &mut Reader<'_>, names: &[&str]) -> Result<Value, Error> {
    Ok(match reader.kind()? {
        Kind::Uint => reader.uint()?.into(),
        Kind::Nint => reader.int()?.into(),
        Kind::Bytes => bytes(reader.bytes()?),
        Kind::Text => reader.text_lossy()?.into_owned().into(),
        Kind::Bool => reader.bool()?.into(),
        Kind::Null => {
            reader.null()?;
            Value::Null
        }
        Kind::Array => {
            let mut items = Vec::new();
            reader.array(|element| {
                items.push(item(element, &[])?);
                Ok::<(), Error>(())
            })?;
            items.into()
        }
        Kind::Map => {
            let mut members = Map::new();
            reader.map(|key, value| {
                let name = name(key, names);
                let shown = match (name.as_str(), value.kind()?) {
                    ("authData", Kind::Bytes) => {
                        let data = value.bytes()?;
                        auth_data(data).unwrap_or_else(|| bytes(data))
                    }
                    _ => item(value, &[])?,
                };
                members.insert(name, shown);
                Ok::<(), Error>(())
            })?;
            members.into()
        }
        _ => bytes(reader.raw()?),
    })
}

fn name(key: Key<'_>, names: &[&str]) -> String {
    match key {
        Key::Text(text) => text.to_owned(),
        Key::Other(encoded) => Base64Url(encoded.to_vec()).to_string(),
        Key::Int(number) => {
            let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            let name = place.and_then(|place| names.get(place)).filter(|name| !name.is_empty());
            name.map_or_else(|| number.to_string(), |name| (*name).to_owned())
        }
    }
}

/// Authenticator data, part by part (WebAuthn L3 §6.1); `None` where they are too short.
fn auth_data(data: &[u8]) -> Option<Value> {
    let (rp_id_hash, rest) = data.split_first_chunk::<32>()?;
    let (flags, rest) = rest.split_first()?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let set = (0..8_u32).zip(names::FLAGS).filter(|(bit, _)| flags & 1_u8.wrapping_shl(*bit) != 0);
    let set: Vec<&str> = set.map(|(_, name)| name).collect();
    let mut json = json!({
        "rpIdHash": bytes(rp_id_hash),
        "flags": set,
        "signCount": u32::from_be_bytes(*count),
    });
    let mut put = |name: &str, value: Value| {
        if let Value::Object(map) = &mut json {
            map.insert(name.to_owned(), value);
        }
    };
    if set.contains(&"AT") {
        let (aaguid, after) = rest.split_first_chunk::<16>()?;
        let (length, after) = after.split_first_chunk::<2>()?;
        let (id, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
        put("aaguid", bytes(aaguid));
        put("credentialId", bytes(id));
        let mut reader = Reader::new(after, DEPTH);
        let length = reader.raw().ok()?.len();
        let (key, after) = after.split_at_checked(length)?;
        put("credentialPublicKey", read(key, &[]).ok()?);
        rest = after;
    }
    if set.contains(&"ED") {
        put("extensions", read(rest, &[]).ok()?);
    }
    Some(json)
}
