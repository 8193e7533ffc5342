//! A passkey as the circle has it: what never changes of it, and what may be written again.

use towline_authenticator::{Credential, LargeBlobPlace};
use towline_cbor::{Key, Reader, Writer, decode};
use towline_crypto::CryptoProvider;
use towline_ctap::{User, extension::LargeBlob};
use towline_sync::Content;

/// Of a map.
const DEPTH: u8 = 1;

/// How long each part of a passkey may be, in bytes: more than any has that came from a site or was
/// imported, and little enough that no member fills a store with one. What is longer is in no
/// store, as if a later version had written it.
const MOST_FIXED: usize = 256 << 10;
const MOST_NAMES: usize = 16 << 10;
const MOST_BLOB: usize = 1 << 20;

/// The parts of a passkey.
pub(crate) struct Parts {
    /// Its ids, key, seeds and policies: the credential without what follows, and without what is
    /// this device's alone.
    pub(crate) fixed: Content,
    /// The names of the account.
    pub(crate) names: Content,
    /// What the site keeps in the large blob; empty where it keeps nothing.
    pub(crate) blob: Content,
}

impl Parts {
    pub(crate) fn of(credential: &Credential) -> Self {
        let mut fixed = credential.clone();
        let User { name, display_name, .. } = &credential.user;
        let names = names(name.as_deref(), display_name.as_deref());
        (fixed.user.name, fixed.user.display_name) = (None, None);
        let mut blob = Vec::new();
        if let Some(place) = fixed.extensions.as_mut().and_then(|data| data.large_blob.as_mut()) {
            blob = place.blob().map(blob_bytes).unwrap_or_default();
            *place = LargeBlobPlace::Empty;
        }
        // It may be on several devices from now on, none of which counts.
        fixed.never_counts = true;
        (fixed.changed, fixed.used, fixed.revision, fixed.backed_up) = (None, None, 0, false);
        Self { fixed: Content::new(fixed.to_bytes().to_vec()), names, blob: Content::new(blob) }
    }

    /// The passkey again, which is elsewhere by then. `None` for what a later version wrote, and
    /// what is too long.
    pub(crate) fn credential(
        fixed: &Content,
        names: Option<&Content>,
        blob: Option<&Content>,
    ) -> Option<Credential> {
        let fits = |part: &Content, most| part.expose().len() <= most;
        if !fits(fixed, MOST_FIXED)
            || names.is_some_and(|names| !fits(names, MOST_NAMES))
            || blob.is_some_and(|blob| !fits(blob, MOST_BLOB))
        {
            return None;
        }
        let mut credential = Credential::from_bytes(fixed.expose()).ok()?;
        if let Some(names) = names {
            (credential.user.name, credential.user.display_name) = read_names(names)?;
        }
        if let Some(place) =
            credential.extensions.as_mut().and_then(|data| data.large_blob.as_mut())
            && let Some(blob) = blob.filter(|blob| !blob.expose().is_empty())
        {
            *place = LargeBlobPlace::Holds(Box::new(read_blob(blob)?));
        }
        (credential.backup_eligible, credential.never_counts) = (true, true);
        credential.backed_up = true;
        Some(credential)
    }
}

/// The id of the record of a passkey: the same key that was imported on two devices is one record.
/// `None` where the key can't be read here.
pub(crate) fn record_id(crypto: &CryptoProvider, credential: &Credential) -> Option<[u8; 16]> {
    let algorithm = crypto.signature(credential.key.algorithm())?;
    let key = algorithm.load(credential.key.expose()).ok()?;
    let (site, id) = (credential.rp_id.as_str().as_bytes(), credential.id.as_bytes());
    let lengths = [site, id].map(|part| u32::try_from(part.len()).unwrap_or(u32::MAX));
    let [site_length, id_length] = lengths.map(u32::to_be_bytes);
    let label = b"towline synced 1 record\0".as_slice();
    let parts = [label, &site_length, site, &id_length, id, key.public_key()];
    crypto.sha256.hash(&parts).first_chunk().copied()
}

fn names(name: Option<&str>, display_name: Option<&str>) -> Content {
    let mut writer = Writer::new();
    writer.map(|map| {
        map.optional(1, name, |value, name| value.text(name));
        map.optional(2, display_name, |value, name| value.text(name));
    });
    Content::new(writer.into_vec())
}

/// The name and the display name.
type Names = (Option<String>, Option<String>);

fn read_names(content: &Content) -> Option<Names> {
    let mut names = Names::default();
    let read = decode(content.expose(), DEPTH, |reader: &mut Reader<'_>| {
        reader.map(|key, value| {
            match key {
                Key::Int(1) => names.0 = Some(value.text()?.to_owned()),
                Key::Int(2) => names.1 = Some(value.text()?.to_owned()),
                _ => value.skip()?,
            }
            Ok::<(), towline_cbor::Error>(())
        })
    });
    read.is_ok().then_some(names)
}

fn blob_bytes(blob: &LargeBlob) -> Vec<u8> {
    let mut writer = Writer::with_capacity(blob.compressed.len().saturating_add(32));
    writer.map(|map| {
        map.entry(1, |value| value.bytes(&blob.compressed));
        map.entry(2, |value| value.uint(blob.original_size));
    });
    writer.into_vec()
}

fn read_blob(content: &Content) -> Option<LargeBlob> {
    let (mut compressed, mut original_size) = (None, None);
    let read = decode(content.expose(), DEPTH, |reader: &mut Reader<'_>| {
        reader.map(|key, value| {
            match key {
                Key::Int(1) => compressed = Some(value.bytes()?.to_vec()),
                Key::Int(2) => original_size = Some(value.uint()?),
                _ => value.skip()?,
            }
            Ok::<(), towline_cbor::Error>(())
        })
    });
    read.ok()?;
    Some(LargeBlob { compressed: compressed?, original_size: original_size? })
}
