//! `largeBlob` (WebAuthn L3 §10.1.5): a blob of the site's that is kept with a passkey. It goes in
//! the same message to authenticators that speak the extension of that name, and through
//! authenticatorLargeBlobs, encrypted under `largeBlobKey`, to the others that have it.

mod flow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec_with_limit};
use serde::Serialize;
use towline_ctap::{
    Extensions, GetInfo, MakeCredentialResponse,
    extension::{
        ExtensionValue as _, GetLargeBlobKey, LargeBlob, LargeBlobInput, LargeBlobOutput,
        LargeBlobSupport, LargeBlobSupported,
    },
};

pub(crate) use flow::{BlobFlow, BlobStep, Room};

use crate::{
    Error,
    error::Misbehaviour,
    options::{Dictionary, Texts},
};

/// No site keeps more than this with a passkey; what claims to be longer is not unpacked.
const MAX_SIZE: usize = 1 << 20;

/// What a site wants of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BlobWish {
    Read,
    Write(Vec<u8>),
}

/// How an authenticator keeps blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlobWay {
    /// In the same message.
    Message,
    /// In the array, under a key.
    Array,
}

impl BlobWay {
    pub(crate) fn of(info: &GetInfo) -> Option<Self> {
        if info.supports_extension(LargeBlobSupport::ID) {
            return Some(Self::Message);
        }
        let array = info.options.large_blobs == Some(true);
        (array && info.supports_extension(GetLargeBlobKey::ID)).then_some(Self::Array)
    }
}

/// AuthenticationExtensionsLargeBlobInputs of a creation.
pub(crate) fn support(extensions: Dictionary<'_>) -> Result<Option<LargeBlobSupport>, Error> {
    if extensions.optional("largeBlob").is_none() {
        return Ok(None);
    }
    let input = extensions.dictionary("largeBlob")?;
    if input.optional("read").is_some() || input.optional("write").is_some() {
        return Err(Error::LargeBlobInput);
    }
    Ok(Some(match input.text("support").as_deref() {
        Some("required") => LargeBlobSupport::Required,
        _ => LargeBlobSupport::Preferred,
    }))
}

/// The same of a sign-in, with a list of so many credentials.
pub(crate) fn wish(
    extensions: Dictionary<'_>,
    listed: usize,
    texts: &mut Texts,
) -> Result<Option<Result<BlobWish, Error>>, Error> {
    if extensions.optional("largeBlob").is_none() {
        return Ok(None);
    }
    let input = extensions.dictionary("largeBlob")?;
    let write = input.text("write").map(|text| texts.bytes(&text, "largeBlob.write"));
    let (read, support) = (input.optional("read").is_some(), input.optional("support").is_some());
    // These are looked at after all texts.
    Ok(match write {
        _ if support => Some(Err(Error::LargeBlobInput)),
        Some(_) if read || listed != 1 => Some(Err(Error::LargeBlobInput)),
        Some(blob) => Some(Ok(BlobWish::Write(blob))),
        None => input.boolean("read").then_some(Ok(BlobWish::Read)),
    })
}

/// Asks for it at a creation.
pub(crate) fn ask_creation(
    wanted: Option<LargeBlobSupport>,
    discoverable: bool,
    info: &GetInfo,
    inputs: &mut Extensions,
) -> Result<(), Error> {
    let Some(wanted) = wanted else { return Ok(()) };
    // Only passkeys have blobs.
    match BlobWay::of(info).filter(|_| discoverable) {
        Some(BlobWay::Message) => inputs.set(&wanted),
        Some(BlobWay::Array) => inputs.set(&GetLargeBlobKey(true)),
        None if wanted == LargeBlobSupport::Required => return Err(Error::LargeBlobUnsupported),
        None => {}
    }
    Ok(())
}

/// Asks for it at a sign-in.
pub(crate) fn ask(wish: &BlobWish, way: Option<BlobWay>, inputs: &mut Extensions) {
    match (way, wish) {
        (Some(BlobWay::Message), BlobWish::Read) => inputs.set(&LargeBlobInput::Read),
        (Some(BlobWay::Message), BlobWish::Write(blob)) => {
            inputs.set(&LargeBlobInput::Write(pack(blob)));
        }
        (Some(BlobWay::Array), _) => inputs.set(&GetLargeBlobKey(true)),
        (None, _) => {}
    }
}

/// AuthenticationExtensionsLargeBlobOutputsJSON.
#[derive(Serialize, Default)]
pub(crate) struct BlobOutputs {
    #[serde(skip_serializing_if = "Option::is_none")]
    supported: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<bool>,
}

impl BlobOutputs {
    /// Whether a new passkey can have a blob.
    pub(crate) fn of_creation(response: &MakeCredentialResponse) -> Result<Self, Misbehaviour> {
        let output = response.unsigned_extension_outputs.get::<LargeBlobSupported>();
        let output = output.map_err(Misbehaviour::Malformed)?;
        let by_message = output.is_some_and(|output| output.0);
        let supported = Some(by_message || response.large_blob_key.is_some());
        Ok(Self { supported, ..Self::default() })
    }

    /// What came of it in the same message.
    pub(crate) fn of_assertion(
        wish: &BlobWish,
        outputs: &Extensions,
    ) -> Result<Self, Misbehaviour> {
        let output = outputs.get::<LargeBlobOutput>().map_err(Misbehaviour::Malformed)?;
        Ok(match (wish, output) {
            (BlobWish::Read, Some(LargeBlobOutput::Blob(Some(blob)))) => Self::read(unpack(&blob)),
            (BlobWish::Read, _) => Self::read(None),
            (BlobWish::Write(_), Some(LargeBlobOutput::Written(written))) => Self::written(written),
            (BlobWish::Write(_), _) => Self::written(false),
        })
    }

    pub(crate) fn read(blob: Option<Vec<u8>>) -> Self {
        Self { blob: blob.map(|blob| URL_SAFE_NO_PAD.encode(blob)), ..Self::default() }
    }

    pub(crate) fn written(written: bool) -> Self {
        Self { written: Some(written), ..Self::default() }
    }
}

/// Compressed, by raw DEFLATE.
fn pack(blob: &[u8]) -> LargeBlob {
    let original_size = u64::try_from(blob.len()).unwrap_or(u64::MAX);
    LargeBlob { compressed: compress_to_vec(blob, 6), original_size }
}

/// As it was; `None` where it is not what it says.
fn unpack(blob: &LargeBlob) -> Option<Vec<u8>> {
    let size = usize::try_from(blob.original_size).ok().filter(|size| *size <= MAX_SIZE)?;
    let unpacked = decompress_to_vec_with_limit(&blob.compressed, size).ok()?;
    (unpacked.len() == size).then_some(unpacked)
}
