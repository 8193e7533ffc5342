//! What the frames carry: the phone's first message, then messages that start with a type byte
//! (CTAP 2.3, hybrid transports).

use std::fmt;

use towline_cbor::{CTAP_DEPTH, Key, Writer};

/// What the phone can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// CTAP commands (`ctap`).
    pub ctap: bool,
    /// Digital credentials as JSON messages (`dc`).
    pub digital_credentials: bool,
    /// Messages between devices that share passkeys (`towline-circle`), which are towline's own.
    pub circle: bool,
}

impl Features {
    /// CTAP alone: also what a phone that says nothing has.
    pub const CTAP: Self = Self { ctap: true, digital_credentials: false, circle: false };
    /// Messages of circles and nothing else.
    pub(crate) const CIRCLE: Self = Self { ctap: false, digital_credentials: false, circle: true };
}

/// Why a message was refused.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not one map of canonical CBOR.
    #[error("{0}")]
    Cbor(#[from] towline_cbor::Error),
    /// The first message offers CTAP without getInfo, or getInfo without CTAP.
    #[error("the features do not fit the rest of the message")]
    Features,
    /// A message without a type byte.
    #[error("a message is empty")]
    Empty,
    /// A type byte without a meaning.
    #[error("a message has the unknown type {0}")]
    UnknownType(u8),
    /// Too long for a message of constant size.
    #[error("the linking information is too long")]
    TooLong,
}

/// The phone's first message after the handshake. It has no type byte.
#[derive(Clone, PartialEq, Eq)]
pub struct PostHandshake {
    /// What authenticatorGetInfo answers, without its status byte; `None` for a phone without CTAP.
    pub get_info: Option<Vec<u8>>,
    /// What the phone can be asked for.
    pub features: Features,
    /// Linking information in its old position, as its encoding.
    pub linking: Option<Vec<u8>>,
}

/// Linking information has a secret in it.
impl fmt::Debug for PostHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostHandshake")
            .field("get_info", &self.get_info.as_deref().map(<[u8]>::len))
            .field("features", &self.features)
            .field("linking", &self.linking.as_deref().map(<[u8]>::len))
            .finish()
    }
}

impl PostHandshake {
    /// The message with these features and this getInfo.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(256);
        writer.map(|map| {
            map.optional(1, self.get_info.as_deref(), Writer::bytes);
            map.optional(2, self.linking.as_deref(), Writer::raw);
            map.entry(3, |w| {
                w.array(|array| {
                    if self.features.ctap {
                        array.item(|w| w.text("ctap"));
                    }
                    if self.features.digital_credentials {
                        array.item(|w| w.text("dc"));
                    }
                    if self.features.circle {
                        array.item(|w| w.text("towline-circle"));
                    }
                });
            });
        });
        writer.into_vec()
    }

    /// Reads the message. Unknown keys and features are ignored.
    ///
    /// # Errors
    /// [`Error::Cbor`] or [`Error::Features`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (mut get_info, mut features, mut linking) = (None, None, None);
        towline_cbor::decode(bytes, CTAP_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Int(1) => get_info = Some(value.bytes()?.to_vec()),
                    Key::Int(2) => linking = Some(raw_map(value)?),
                    Key::Int(3) => {
                        let mut named = Features::default();
                        value.array(|item| {
                            if item.kind()? == towline_cbor::Kind::Text {
                                match item.text()? {
                                    "ctap" => named.ctap = true,
                                    "dc" => named.digital_credentials = true,
                                    "towline-circle" => named.circle = true,
                                    _ => {}
                                }
                            }
                            Ok::<(), towline_cbor::Error>(())
                        })?;
                        features = Some(named);
                    }
                    _ => {}
                }
                Ok::<(), towline_cbor::Error>(())
            })
        })?;
        let features = features.unwrap_or(Features::CTAP);
        if features.ctap == get_info.is_some() {
            Ok(Self { get_info, features, linking })
        } else {
            Err(Error::Features)
        }
    }
}

/// Every message after the phone's first.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// The computer is done (type 0).
    Shutdown,
    /// A CTAP request or response (type 1).
    Ctap(Vec<u8>),
    /// Linking information or only padding (type 2), still encoded. See [`read_update`].
    Update(Vec<u8>),
    /// A digital credential request or response in JSON (type 3).
    Json(Vec<u8>),
    /// What devices say to each other that share passkeys (type 116, towline's own).
    Circle(Vec<u8>),
}

/// The kind and the length: contents name accounts and carry secrets.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shutdown => f.write_str("Shutdown"),
            Self::Ctap(payload) => write!(f, "Ctap({} bytes)", payload.len()),
            Self::Update(payload) => write!(f, "Update({} bytes)", payload.len()),
            Self::Json(payload) => write!(f, "Json({} bytes)", payload.len()),
            Self::Circle(payload) => write!(f, "Circle({} bytes)", payload.len()),
        }
    }
}

/// What a request is, and its response with it: the two have the same type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ctap,
    Json,
}

impl Kind {
    /// The message that carries this.
    pub(crate) const fn message(self, payload: Vec<u8>) -> Message {
        match self {
            Self::Ctap => Message::Ctap(payload),
            Self::Json => Message::Json(payload),
        }
    }
}

const SHUTDOWN: u8 = 0;
const CTAP: u8 = 1;
const UPDATE: u8 = 2;
const JSON: u8 = 3;
/// Far from those of the standard, which counts up from 0.
const CIRCLE: u8 = b't';

impl Message {
    /// The type byte and the payload.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let (kind, mut payload) = match self {
            Self::Shutdown => (SHUTDOWN, Vec::new()),
            Self::Ctap(payload) => (CTAP, payload),
            Self::Update(payload) => (UPDATE, payload),
            Self::Json(payload) => (JSON, payload),
            Self::Circle(payload) => (CIRCLE, payload),
        };
        payload.insert(0, kind);
        payload
    }

    /// Reads the type byte. A shutdown may carry anything: it is not looked at.
    ///
    /// # Errors
    /// [`Error::Empty`] or [`Error::UnknownType`].
    pub fn decode(mut bytes: Vec<u8>) -> Result<Self, Error> {
        if bytes.is_empty() {
            return Err(Error::Empty);
        }
        match bytes.remove(0) {
            SHUTDOWN => Ok(Self::Shutdown),
            CTAP => Ok(Self::Ctap(bytes)),
            UPDATE => Ok(Self::Update(bytes)),
            JSON => Ok(Self::Json(bytes)),
            CIRCLE => Ok(Self::Circle(bytes)),
            other => Err(Error::UnknownType(other)),
        }
    }
}

/// What an update message is filled up to before the frame's own padding, so that nobody sees
/// whether the person allowed the computer to remember the phone: all frames of updates are 528
/// bytes long.
const UPDATE_TARGET: usize = 512 - 16 - 4;

/// The content of an update: linking information, as its encoding, or nothing, always of the same
/// padded size.
///
/// # Errors
/// [`Error::TooLong`] when the linking information does not fit.
pub fn write_update(linking: Option<&[u8]>) -> Result<Vec<u8>, Error> {
    // A map's head and the key take two bytes.
    let needed = linking.map_or(0, |linking| linking.len().saturating_add(2));
    let padding = UPDATE_TARGET.checked_sub(needed).ok_or(Error::TooLong)?;
    // Room for the type byte, the frame's padding and its tag: a copy would leave the link secret
    // behind.
    let mut writer = Writer::with_capacity(544);
    writer.map(|map| {
        map.entry(0, |w| w.bytes(&vec![0; padding]));
        map.optional(1, linking, Writer::raw);
    });
    Ok(writer.into_vec())
}

/// The linking information in an update, as its encoding, if there is any.
///
/// # Errors
/// [`Error::Cbor`].
pub fn read_update(bytes: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let mut linking = None;
    towline_cbor::decode(bytes, CTAP_DEPTH, |reader| {
        reader.map(|key, value| {
            if key == Key::Int(1) {
                linking = Some(raw_map(value)?);
            }
            Ok::<(), towline_cbor::Error>(())
        })
    })?;
    Ok(linking)
}

/// The encoding of a map.
fn raw_map(value: &mut towline_cbor::Reader<'_>) -> Result<Vec<u8>, towline_cbor::Error> {
    let raw = value.raw()?;
    towline_cbor::decode(raw, CTAP_DEPTH, |map| map.map(|_, _| Ok::<(), towline_cbor::Error>(())))?;
    Ok(raw.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn updates_have_the_same_padded_size_whatever_they_say() {
        for length in
            [None, Some(1), Some(100), Some(240), Some(466), Some(467), Some(468), Some(490)]
        {
            let linking = length.map(|length| {
                let mut writer = Writer::new();
                writer.bytes(&vec![7; length]);
                let mut bytes = writer.into_vec();
                bytes.truncate(length);
                bytes
            });
            let payload = write_update(linking.as_deref()).unwrap();
            let mut frame = Message::Update(payload).encode();
            crate::frame::pad(&mut frame);
            assert_eq!(frame.len(), 512, "{length:?}");
        }
    }

    #[test]
    fn linking_information_that_would_show_is_refused() {
        assert_eq!(write_update(Some(&[0; 491])), Err(Error::TooLong));
    }

    #[test]
    fn a_message_without_or_with_an_unknown_type_is_refused() {
        assert_eq!(Message::decode(vec![]), Err(Error::Empty));
        for kind in (4..=255).filter(|kind| *kind != CIRCLE) {
            assert_eq!(Message::decode(vec![kind]), Err(Error::UnknownType(kind)));
        }
    }

    #[test]
    fn a_first_message_must_offer_get_info_exactly_when_it_offers_ctap() {
        for (bytes, error) in [
            (&[0xa0][..], Error::Features),
            (&[0xa2, 1, 0x41, 0xa0, 3, 0x81, 0x62, b'd', b'c'], Error::Features),
            (&[0xa1, 3, 0x81, 0x64, b'c', b't', b'a', b'p'], Error::Features),
        ] {
            assert_eq!(PostHandshake::decode(bytes), Err(error));
        }
        for bytes in [&[][..], &[0x80], &[0xa1, 1, 1], &[0xa2, 1, 0x41, 0xa0, 3, 0x62, b'd', b'c']]
        {
            assert!(matches!(PostHandshake::decode(bytes), Err(Error::Cbor(_))), "{bytes:02x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = PostHandshake::decode(&bytes);
            let _ = read_update(&bytes);
            let _ = Message::decode(bytes);
        }
    }
}
