//! authenticatorLargeBlobs (CTAP 2.3 §6.10): one array of bytes for all relying parties, read and
//! written in fragments. What is in it is the platforms' business.

use std::time::Duration;

use towline_ctap::{LargeBlobsRequest, LargeBlobsResponse, Permissions, PinUvAuth, Status};
use zeroize::Zeroizing;

use crate::{
    Change, Record,
    flow::{Core, Flow, Next, await_commit, await_work},
    options,
    sequence::What,
    token::TokenSerial,
};

/// What a message holds beside a fragment.
const OVERHEAD: usize = 64;

/// The hash at the end of the array.
const HASH: usize = 16;

/// The least there can be: an empty CBOR array and its hash.
const SHORTEST: u64 = 17;

/// How long the next fragment of a write may take.
const BETWEEN: Duration = Duration::from_secs(30);

/// The array as it is at first, and after a reset.
const INITIAL: [u8; 17] = [
    0x80, 0x76, 0xbe, 0x8b, 0x52, 0x8d, 0x00, 0x75, 0xf7, 0xaa, 0xe9, 0x8d, 0x6f, 0xa5, 0x7a, 0x6d,
    0x3c,
];

/// A write under way.
struct ArrayWrite {
    /// The token of the last fragment, where one was needed.
    token: Option<TokenSerial>,
    length: usize,
    written: Vec<u8>,
}

pub(crate) fn start(core: &mut Core, request: LargeBlobsRequest) -> Flow {
    let write = match core.resume() {
        Some((What::LargeBlobWrite { length, written }, token)) => {
            Some(ArrayWrite { token, length, written })
        }
        _ => None,
    };
    match request {
        LargeBlobsRequest::Get { count, offset } => get(core, count, offset),
        LargeBlobsRequest::Set { fragment, offset, length, auth } => {
            set(core, write, Fragment { bytes: fragment, offset, length }, auth.as_ref())
        }
    }
}

const fn max_fragment(core: &Core) -> usize {
    core.config.limits.max_msg_size.saturating_sub(OVERHEAD)
}

fn respond(config: Option<Vec<u8>>) -> Flow {
    Ok(Next::Respond(LargeBlobsResponse { config }.encode()))
}

fn get(core: &mut Core, count: u64, offset: u32) -> Flow {
    let count = usize::try_from(count).ok().filter(|count| *count <= max_fragment(core));
    let count = count.ok_or(Status::InvalidLength)?;
    let work = core.store.record(Record::LargeBlobs);
    await_work(core, work, move |_, stored| {
        let stored = stored.map_err(|error| error.status())?;
        let stored = stored.as_deref().map_or(INITIAL.as_slice(), Vec::as_slice);
        let offset = usize::try_from(offset).map_err(|_| Status::InvalidParameter)?;
        let rest = stored.get(offset..).ok_or(Status::InvalidParameter)?;
        respond(Some(rest.get(..count).unwrap_or(rest).to_vec()))
    })
}

struct Fragment {
    bytes: Vec<u8>,
    offset: u32,
    length: Option<u64>,
}

fn set(
    core: &mut Core,
    write: Option<ArrayWrite>,
    fragment: Fragment,
    auth: Option<&PinUvAuth>,
) -> Flow {
    if fragment.bytes.len() > max_fragment(core) {
        return Err(Status::InvalidLength);
    }
    let mut write = match (fragment.offset, fragment.length) {
        (0, None) | (1.., Some(_)) => return Err(Status::InvalidParameter),
        (0, Some(length)) => {
            let wide = usize::try_from(length).ok();
            let wide =
                wide.filter(|length| Some(*length) <= core.config.extensions.large_blobs.array());
            let length = match wide {
                _ if length < SHORTEST => return Err(Status::InvalidParameter),
                Some(length) => length,
                None => return Err(Status::LargeBlobStorageFull),
            };
            ArrayWrite { token: None, length, written: Vec::new() }
        }
        (offset, None) => {
            let next = |write: &ArrayWrite| u32::try_from(write.written.len()) == Ok(offset);
            write.filter(next).ok_or(Status::InvalidSeq)?
        }
    };
    let bytes = fragment.bytes;
    if core.is_protected() || core.always_uv() {
        let auth = auth.ok_or(Status::PuatRequired)?;
        let message =
            LargeBlobsRequest::authenticated_message(&core.provider, fragment.offset, &bytes);
        let proof = core.verify_token(auth, &[&message])?.permits(Permissions::LBW)?;
        write.token = Some(proof.serial());
    } else if fragment.offset == 0 {
        return options::ask_unless_silent(core, Permissions::LBW, move |core| {
            append(core, write, &bytes)
        });
    }
    append(core, write, &bytes)
}

fn append(core: &mut Core, mut write: ArrayWrite, fragment: &[u8]) -> Flow {
    write.written.extend_from_slice(fragment);
    if write.written.len() > write.length {
        return Err(Status::InvalidParameter);
    }
    if write.written.len() < write.length {
        let ArrayWrite { token, length, written } = write;
        core.remember(BETWEEN, token, What::LargeBlobWrite { length, written });
        return respond(None);
    }
    replace(core, write.written)
}

/// The whole array has come: it takes the place of the old one, or nothing changes.
fn replace(core: &mut Core, array: Vec<u8>) -> Flow {
    let (content, hash) =
        array.split_at_checked(array.len().saturating_sub(HASH)).ok_or(Status::IntegrityFailure)?;
    let whole = core.provider.sha256.hash(&[content]);
    if whole.get(..HASH) != Some(hash) {
        return Err(Status::IntegrityFailure);
    }
    let value = Some(Zeroizing::new(array));
    let work = core.store.commit(vec![Change::Record { record: Record::LargeBlobs, value }]);
    await_commit(core, work, |_, saved| {
        saved.map_err(|error| match error {
            crate::StoreError::Full => Status::LargeBlobStorageFull,
            error => error.status(),
        })?;
        respond(None)
    })
}
