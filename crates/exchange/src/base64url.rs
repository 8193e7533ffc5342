//! Bytes in text (RFC 4648): base64url without padding is written, all that is in use is read.

use base64::{
    Engine as _,
    alphabet::{Alphabet, STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);

const fn engine(alphabet: &Alphabet) -> GeneralPurpose {
    GeneralPurpose::new(alphabet, LENIENT)
}

const URL: GeneralPurpose = engine(&URL_SAFE);
const OTHER: GeneralPurpose = engine(&STANDARD);

/// Which alphabet a text is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Base64Url,
    /// The older alphabet, in place of base64url.
    Standard,
}

/// The bytes, and the alphabet that they are in; `None` where it is neither.
pub(crate) fn read(text: &str) -> Option<(Zeroizing<Vec<u8>>, Form)> {
    let form = if text.contains(['+', '/']) { Form::Standard } else { Form::Base64Url };
    let engine = if form == Form::Standard { &OTHER } else { &URL };
    let room = text.len();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    engine.decode_vec(text, &mut bytes).ok()?;
    Some((bytes, form))
}

/// The text. It is wiped.
pub(crate) fn write(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(2)));
    URL.encode_string(bytes, &mut text);
    text
}
