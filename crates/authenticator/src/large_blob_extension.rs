//! The extension `largeBlob` (CTAP 2.3 §12): a blob that is kept with its credential, and read or
//! written by the request that signs in with it.
//!
//! Where the standard leaves something open, it is decided as the command and `largeBlobKey` have
//! it, which the extension takes the place of:
//!
//! - Only a discoverable credential can have a blob. Another one is made without if the blob is
//!   `preferred`; if it is `required`, the creation is refused with LARGE_BLOB_STORAGE_FULL.
//! - Nothing is read or written without presence. A request that does not ask for that is refused,
//!   as with `hmac-secret`.
//! - To write, the allow list must have exactly one entry, and where the authenticator is protected
//!   by some form of user verification, the person must be verified. To read takes no more than to
//!   sign in.
//! - A blob that is too long, or that the store has no room for, is not written; the sign-in goes
//!   on, and the blob before it stays. A store that fails is an error.
//! - The answer to a read without a blob is an empty map.

use towline_ctap::{
    CredentialId, GetAssertionRequest, Status,
    extension::{LargeBlob, LargeBlobInput, LargeBlobOutput, LargeBlobSupport},
};

use crate::{
    Change, ExtensionData, LargeBlobPlace, LargeBlobs, StoreError, UnixTime, person::proof::Present,
};

/// Whether a new credential can have a blob.
pub(crate) const fn support(wanted: LargeBlobSupport, discoverable: bool) -> Result<bool, Status> {
    match wanted {
        _ if discoverable => Ok(true),
        LargeBlobSupport::Preferred => Ok(false),
        LargeBlobSupport::Required => Err(Status::LargeBlobStorageFull),
    }
}

/// What is asked of an assertion, as far as the request tells whether it can be had.
pub(crate) enum Wish {
    /// It can't, and this is the answer.
    Denied(LargeBlobOutput),
    Read,
    Write(LargeBlob),
}

impl Wish {
    pub(crate) fn new(
        offered: LargeBlobs,
        input: LargeBlobInput,
        request: &GetAssertionRequest,
    ) -> Self {
        match input {
            LargeBlobInput::Read => Self::Read,
            LargeBlobInput::Write(blob) => {
                let most = offered.blob().unwrap_or_default();
                let listed = request.allow_list.as_ref().map_or(0, Vec::len);
                if listed == 1 && blob.compressed.len() <= most {
                    Self::Write(blob)
                } else {
                    Self::Denied(LargeBlobOutput::Written(false))
                }
            }
        }
    }

    /// What becomes of it for a credential, at this time of day.
    pub(crate) fn fulfil(
        &self,
        id: &CredentialId,
        kept: Option<&ExtensionData>,
        may_write: bool,
        at: Option<UnixTime>,
        _: Present,
    ) -> Outcome {
        let place = kept.and_then(|kept| kept.large_blob.as_ref());
        Outcome::Answer(match (self, kept) {
            (Self::Denied(output), _) => output.clone(),
            (Self::Read, _) => LargeBlobOutput::Blob(place.and_then(LargeBlobPlace::blob).cloned()),
            (Self::Write(blob), Some(kept)) if may_write && place.is_some() => {
                let large_blob = Some(LargeBlobPlace::Holds(Box::new(blob.clone())));
                let data = Some(Box::new(ExtensionData { large_blob, ..kept.clone() }));
                return Outcome::Write(Change::SetExtensionData { id: id.clone(), data, at });
            }
            (Self::Write(_), _) => LargeBlobOutput::Written(false),
        })
    }
}

/// What is to be done for an assertion.
pub(crate) enum Outcome {
    Answer(LargeBlobOutput),
    /// The change that writes the blob; [`written`] has the answer.
    Write(Change),
}

/// The answer to a write after it was tried.
pub(crate) fn written(saved: Result<(), StoreError>) -> Result<LargeBlobOutput, Status> {
    match saved {
        Ok(()) => Ok(LargeBlobOutput::Written(true)),
        Err(StoreError::Full) => Ok(LargeBlobOutput::Written(false)),
        Err(error) => Err(error.status()),
    }
}
