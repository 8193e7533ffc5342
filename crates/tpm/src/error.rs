//! What goes wrong with a TPM.

use std::time::Duration;

use crate::{code::ResponseCode, wire::Unreadable};

/// Why an operation on a TPM failed. Each says what to do.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The device or the socket can't be opened.
    #[error(transparent)]
    Open(#[from] crate::transport::TpmOpenError),
    /// The connection to the TPM broke.
    #[error("the connection to the TPM broke: {0}")]
    Connection(#[source] std::io::Error),
    /// It takes too long. It may still be done.
    #[error("the TPM has not answered for {} seconds: try again later", .0.as_secs())]
    Late(Duration),
    /// The TPM has refused.
    #[error("{0}")]
    Response(ResponseCode),
    /// What the TPM says is nothing that a TPM says.
    #[error("the TPM answers what no TPM answers ({0})")]
    Malformed(#[from] Unreadable),
    /// What came back was not what the TPM has sent.
    #[error(
        "somebody between this program and the TPM changes what it says: don't use this machine"
    )]
    Tampered,
    /// A command was put together wrongly.
    #[error("a command for the TPM needs a session")]
    NoSession,
    /// The cryptography of this program failed.
    #[error("the cryptography failed: {0}")]
    Crypto(#[from] towline_crypto::Error),
    /// It is not the TPM that is expected.
    #[error(
        "this is another TPM, or it was cleared: what was made with the one before can't be used \
         here any more"
    )]
    AnotherTpm,
    /// It is the TPM that is expected, and it was cleared since: its parent is another one now.
    #[error(
        "this TPM was cleared, in the firmware settings or by its owner: what was made with it \
         before can't be used any more"
    )]
    Cleared,
    /// The key opens with the PIN only, which was not given.
    #[error("the key opens with the PIN only")]
    PinNeeded,
    /// What was kept of a key is damaged.
    #[error("what was kept of the key is damaged")]
    Damaged,
    /// What an authority gave for an attestation key is no certificate of it.
    #[error("the certificates of the authority are of no use: {0}")]
    Certificates(&'static str),
    /// The owner of the TPM has a password, and left no parent for keys.
    #[error(
        "the TPM's owner has set a password and no storage root key on P-256 at 0x81000001: make \
         one (`tpm2_createprimary -C o -G ecc`, `tpm2_evictcontrol`), or clear the TPM in the \
         firmware settings"
    )]
    OwnerPassword,
    /// Something that is needed is not in the TPM.
    #[error("the TPM does not have {0}")]
    Missing(&'static str),
    /// The worker that has the TPM is gone.
    #[error("the thread that uses the TPM has ended")]
    Ended,
}

impl Error {
    /// The code, where the TPM has refused.
    #[must_use]
    pub const fn code(&self) -> Option<ResponseCode> {
        match self {
            Self::Response(code) => Some(*code),
            _ => None,
        }
    }
}
