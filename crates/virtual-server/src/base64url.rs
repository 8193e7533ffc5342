//! Bytes in JSON: base64url, read with padding or without, written without.

use std::{borrow::Cow, fmt};

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};
use zeroize::Zeroizing;

/// Padding is taken, since some clients write it, and never written.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes of any length, as base64url in JSON.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Base64Url(pub Vec<u8>);

/// The same of bytes that are secret: they are wiped, and not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBase64Url(pub Zeroizing<Vec<u8>>);

impl Base64Url {
    /// Reads base64url, with padding or without; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        ENGINE.decode(text).ok().map(Self)
    }
}

impl fmt::Display for Base64Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&ENGINE.encode(&self.0))
    }
}

impl fmt::Debug for Base64Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base64Url({self})")
    }
}

impl fmt::Debug for SecretBase64Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBase64Url({} bytes)", self.0.len())
    }
}

impl Serialize for Base64Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for SecretBase64Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(ENGINE.encode(self.0.as_slice())))
    }
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    ENGINE.decode(text.as_bytes()).map_err(|_| D::Error::custom("this is not base64url"))
}

impl<'de> Deserialize<'de> for Base64Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bytes(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for SecretBase64Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bytes(deserializer).map(|bytes| Self(Zeroizing::new(bytes)))
    }
}

fn schema(about: &str) -> RefOr<Schema> {
    let format = SchemaFormat::Custom("base64url".to_owned());
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(format))
        .description(Some(about))
        .into()
}

macro_rules! schemas {
    ($($name:ident $about:literal)+) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                schema($about)
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}
schemas! {
    Base64Url "bytes as base64url, without padding; it may be there when they are read"
    SecretBase64Url "secret bytes as base64url, without padding"
}
