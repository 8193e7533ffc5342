//! The QR code: `FIDO:/` and the digits of a CBOR map that says how to reach the computer (CTAP
//! 2.3, hybrid transports).

use std::fmt;

use towline_cbor::{CTAP_DEPTH, Key, Kind, Reader, Writer};
use towline_crypto::{CryptoProvider, P256PublicKey, Secret};
use zeroize::Zeroizing;

pub use crate::secrets::QrSecret;
use crate::{digits, domain::TunnelDomain};

/// What a code's text starts with; readers ignore the case.
pub const PREFIX: &str = "FIDO:/";
/// How many digits a reader accepts. Real codes have about 180.
pub const MAX_DIGITS: usize = 1024;

/// Why a text is not a usable code.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// It does not start with [`PREFIX`].
    #[error("it does not start with FIDO:/")]
    Scheme,
    /// It has more than [`MAX_DIGITS`] digits.
    #[error("it is too long")]
    TooLong,
    /// What follows the prefix is not the digits of any bytes.
    #[error("{0}")]
    Digits(#[from] digits::Error),
    /// The bytes are not exactly one item of canonical CBOR.
    #[error("{0}")]
    Cbor(#[from] towline_cbor::Error),
    /// The item is not a map.
    #[error("its content is not a map")]
    NotAMap,
    /// A required key is not there.
    #[error("key {0} is missing")]
    MissingKey(u8),
    /// A key's value is of the wrong type.
    #[error("key {0} has the wrong type")]
    WrongType(u8),
    /// Key 0 is not a compressed point of P-256.
    #[error("the public key is not valid")]
    Point,
    /// Key 1 is not 16 bytes long.
    #[error("the secret does not have 16 bytes")]
    SecretLength,
}

/// What the computer is going to ask for. Only a hint for the person's eyes: it limits nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hint {
    /// To sign in (`ga`); also what every unknown hint means.
    #[default]
    GetAssertion,
    /// To make a passkey (`mc`).
    MakeCredential,
    /// To present a digital credential (`dcp`).
    CredentialPresentation,
    /// To issue a digital credential (`dci`).
    CredentialIssuance,
}

impl Hint {
    /// Its text in the code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GetAssertion => "ga",
            Self::MakeCredential => "mc",
            Self::CredentialPresentation => "dcp",
            Self::CredentialIssuance => "dci",
        }
    }

    /// What a text means.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        [Self::MakeCredential, Self::CredentialPresentation, Self::CredentialIssuance]
            .into_iter()
            .find(|hint| hint.as_str() == text)
            .unwrap_or_default()
    }
}

/// What a device wants that shows a code and is no computer that signs in: towline's own, for
/// devices that share their passkeys, which are a circle. It stands in the place of a [`Hint`], and
/// others take it for one that they do not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircleHint {
    /// To be added to the circle of the device that scans the code (`towline-join`).
    Join,
    /// To add the device that scans the code to its own circle (`towline-invite`).
    Invite,
}

impl CircleHint {
    /// Its text in the code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Join => "towline-join",
            Self::Invite => "towline-invite",
        }
    }
}

/// A way to move data that a computer supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// A WebSocket by way of a tunnel service (0).
    WebSocket,
    /// A Bluetooth LE L2CAP channel (1; CTAP 2.3).
    L2cap,
}

impl ChannelKind {
    /// Its number in key 6.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::WebSocket => 0,
            Self::L2cap => 1,
        }
    }
}

/// The content of a code, key by key. `None` means that the key is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrPayload {
    /// Key 0: the computer's public key for this code only.
    pub public_key: P256PublicKey,
    /// Key 1: the secret, fresh for each code.
    pub secret: QrSecret,
    /// Key 2: how many assigned tunnel domains the computer knows. See [`QrPayload::knows`].
    pub known_domains: Option<u64>,
    /// Key 3: when the code was made, in seconds of Unix time. Not authenticated.
    pub timestamp: Option<u64>,
    /// Key 4: whether the computer can remember the phone.
    pub linking: Option<bool>,
    /// Key 5: the hint as text. See [`QrPayload::request_hint`].
    pub hint: Option<Box<str>>,
    /// Key 6: the numbers of the data channels. See [`QrPayload::data_channels`].
    pub channels: Option<Vec<u64>>,
    /// Keys that have no meaning here, and keys 3 and 6 where their values are of the wrong type,
    /// in the code's order.
    pub extras: Vec<Extra>,
}

/// A key and value without a meaning.
#[derive(Clone, PartialEq, Eq)]
pub struct Extra {
    /// The key of the map's entry.
    pub key: ExtraKey,
    /// The encoding of the value.
    pub value: Vec<u8>,
}

/// Nobody knows what it is.
impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extra({:?}, {} bytes)", self.key, self.value.len())
    }
}

/// The key of an [`Extra`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtraKey {
    /// An integer, where the standard adds its keys.
    Int(i64),
    /// A text string, for whoever tries something out.
    Text(Box<str>),
    /// Any other, as its encoding.
    Other(Box<[u8]>),
}

impl ExtraKey {
    fn as_key(&self) -> Key<'_> {
        match self {
            Self::Int(number) => Key::Int(*number),
            Self::Text(text) => Key::Text(text),
            Self::Other(encoding) => Key::Other(encoding),
        }
    }
}

impl From<Key<'_>> for ExtraKey {
    fn from(key: Key<'_>) -> Self {
        match key {
            Key::Int(number) => Self::Int(number),
            Key::Text(text) => Self::Text(text.into()),
            Key::Other(encoding) => Self::Other(encoding.into()),
        }
    }
}

impl QrPayload {
    /// A code of this library's own: keys 2, 4 and 5 are always there, since some phones need each
    /// of them, and linking is not offered until [`QrPayload::linking`] is set.
    #[must_use]
    pub fn new(public_key: P256PublicKey, secret: QrSecret, hint: Hint) -> Self {
        Self {
            public_key,
            secret,
            known_domains: Some(TunnelDomain::ASSIGNED_COUNT),
            timestamp: None,
            linking: Some(false),
            hint: Some(hint.as_str().into()),
            channels: None,
            extras: Vec::new(),
        }
    }

    /// What the computer says it is going to ask for.
    #[must_use]
    pub fn request_hint(&self) -> Hint {
        self.hint.as_deref().map(Hint::from_text).unwrap_or_default()
    }

    /// What a device wants that shares its passkeys; `None` for a code of the standard.
    #[must_use]
    pub fn circle_hint(&self) -> Option<CircleHint> {
        let known = [CircleHint::Join, CircleHint::Invite];
        known.into_iter().find(|hint| self.hint.as_deref() == Some(hint.as_str()))
    }

    /// The data channels that this library knows, in the code's order; the WebSocket alone when key
    /// 6 names none.
    #[must_use]
    pub fn data_channels(&self) -> Vec<ChannelKind> {
        let known: Vec<_> = self
            .channels
            .iter()
            .flatten()
            .filter_map(|number| {
                [ChannelKind::WebSocket, ChannelKind::L2cap]
                    .into_iter()
                    .find(|channel| channel.number() == *number)
            })
            .collect();
        if known.is_empty() { vec![ChannelKind::WebSocket] } else { known }
    }

    /// Whether the computer can decode this tunnel domain. Every computer can derive domains from
    /// 256 on.
    #[must_use]
    pub fn knows(&self, domain: TunnelDomain) -> bool {
        domain.is_derived() || u64::from(domain.encoded()) < self.known_domains.unwrap_or(0)
    }

    /// The text of the code: upper case, so that it fits one alphanumeric and one numeric segment.
    #[must_use]
    pub fn to_uri(&self) -> String {
        let digits = Zeroizing::new(digits::encode(&Zeroizing::new(self.to_cbor())));
        [PREFIX, &digits].concat()
    }

    /// The map in canonical CBOR.
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(128);
        writer.map(|map| {
            for extra in &self.extras {
                map.entry(extra.key.as_key(), |w| w.raw(&extra.value));
            }
            map.entry(0, |w| w.bytes(&self.public_key.compressed()));
            map.entry(1, |w| w.bytes(self.secret.expose()));
            map.optional(2, self.known_domains, Writer::uint);
            map.optional(3, self.timestamp, Writer::uint);
            map.optional(4, self.linking, Writer::bool);
            map.optional(5, self.hint.as_deref(), Writer::text);
            map.optional(6, self.channels.as_deref(), |w, channels| {
                w.array(|array| channels.iter().for_each(|id| array.item(|w| w.uint(*id))));
            });
        });
        writer.into_vec()
    }

    /// Reads the text of a code.
    ///
    /// # Errors
    /// [`QrError`] says what is wrong with it.
    pub fn from_uri(provider: &CryptoProvider, text: &str) -> Result<Self, QrError> {
        let (prefix, digits) = text.split_at_checked(PREFIX.len()).ok_or(QrError::Scheme)?;
        if !prefix.eq_ignore_ascii_case(PREFIX) {
            return Err(QrError::Scheme);
        }
        if digits.len() > MAX_DIGITS {
            return Err(QrError::TooLong);
        }
        Self::from_cbor(provider, &Zeroizing::new(digits::decode(digits)?))
    }

    /// Reads the map.
    ///
    /// # Errors
    /// [`QrError`] says what is wrong with it.
    pub fn from_cbor(provider: &CryptoProvider, bytes: &[u8]) -> Result<Self, QrError> {
        // The form of the whole comes first, so that a wrong type is only reported in well-formed
        // CBOR.
        towline_cbor::decode(bytes, CTAP_DEPTH, Reader::skip)?;
        let mut fields = Fields::default();
        towline_cbor::decode(bytes, CTAP_DEPTH, |reader| {
            if reader.kind()? != Kind::Map {
                return Err(QrError::NotAMap);
            }
            reader.map(|key, value| fields.read(key, value))
        })?;
        fields.check(provider)
    }
}

/// The keys as they are read, before any value is looked at closely.
#[derive(Default)]
struct Fields<'a> {
    public_key: Option<&'a [u8]>,
    secret: Option<&'a [u8]>,
    known_domains: Option<u64>,
    timestamp: Option<u64>,
    linking: Option<bool>,
    hint: Option<Box<str>>,
    channels: Option<Vec<u64>>,
    extras: Vec<Extra>,
}

impl<'a> Fields<'a> {
    fn read(&mut self, key: Key<'a>, value: &mut Reader<'a>) -> Result<(), QrError> {
        match key {
            Key::Int(0) => {
                self.public_key = Some(value.bytes().map_err(|_| QrError::WrongType(0))?)
            }
            Key::Int(1) => self.secret = Some(value.bytes().map_err(|_| QrError::WrongType(1))?),
            Key::Int(2) => {
                self.known_domains = Some(value.uint().map_err(|_| QrError::WrongType(2))?);
            }
            Key::Int(4) => self.linking = Some(value.bool().map_err(|_| QrError::WrongType(4))?),
            Key::Int(5) => {
                self.hint = Some(value.text().map_err(|_| QrError::WrongType(5))?.into())
            }
            Key::Int(3) if value.kind()? == Kind::Uint => self.timestamp = Some(value.uint()?),
            _ => {
                let raw = value.raw()?;
                match (key, read_channels(raw)) {
                    (Key::Int(6), Some(channels)) => self.channels = Some(channels),
                    _ => self.extras.push(Extra { key: key.into(), value: raw.into() }),
                }
            }
        }
        Ok(())
    }

    fn check(self, provider: &CryptoProvider) -> Result<QrPayload, QrError> {
        let public_key = self.public_key.ok_or(QrError::MissingKey(0))?;
        let secret = self.secret.ok_or(QrError::MissingKey(1))?;
        let secret = Secret::from_slice(secret).map_err(|_| QrError::SecretLength)?;
        let compressed: &[u8; 33] = public_key.try_into().map_err(|_| QrError::Point)?;
        Ok(QrPayload {
            public_key: provider.ecdh.public_key(compressed).map_err(|_| QrError::Point)?,
            secret: QrSecret::new(secret),
            known_domains: self.known_domains,
            timestamp: self.timestamp,
            linking: self.linking,
            hint: self.hint,
            channels: self.channels,
            extras: self.extras,
        })
    }
}

/// An array of unsigned integers, or nothing: older codes have a boolean here.
fn read_channels(raw: &[u8]) -> Option<Vec<u64>> {
    let mut channels = Vec::new();
    towline_cbor::decode(raw, CTAP_DEPTH, |reader| {
        reader.array(|item| {
            channels.push(item.uint()?);
            Ok::<(), towline_cbor::Error>(())
        })
    })
    .ok()
    .map(|()| channels)
}
