#![doc = include_str!("../README.md")]
//! # Behaviour
//!
//! There is none but that of the channels in [`hid`], which needs the feature `std` for its
//! deadlines.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod attestation;
mod auth_data;
mod command;
mod cose;
mod descriptor;
mod entity;
mod error;
pub mod extension;
mod get_info;
#[cfg(feature = "std")]
pub mod hid;
mod hidden;
mod ids;
mod large_blob_array;
mod options;
mod pin_uv_auth;
mod request;
mod response;
mod rsa;
mod status;
mod template;
pub mod u2f;

pub use attestation::{
    AttestationStatement, FidoU2fAttestation, OtherAttestation, PackedAttestation,
    attestation_object,
};
pub use auth_data::{AttestedCredentialData, AuthenticatorData, Flags};
pub use command::Command;
pub use cose::{CosePublicKey, OtherKey, algorithm};
pub use descriptor::{PublicKeyCredentialDescriptor, Transport};
pub use entity::{Rp, User};
pub use error::{DecodeError, IdError, Malformed, ResponseError};
pub use extension::Extensions;
pub use get_info::{GetInfo, Version};
pub use ids::{Aaguid, ClientDataHash, CredentialId, RpId, RpIdHash, UserHandle};
pub use large_blob_array::{LargeBlobArray, LargeBlobMap};
pub use options::{AuthenticatorOptions, RequestOptions};
pub use pin_uv_auth::{KeyAgreementKey, PinUvAuth};
pub use request::{
    BioEnrollmentRequest, ClientPinRequest, ConfigRequest, ConfigSubcommand,
    CredentialManagementRequest, CredentialManagementSubcommand, FingerprintRequest,
    FingerprintSubcommand, GetAssertionRequest, LargeBlobsRequest, MakeCredentialRequest,
    Permissions, Request, SetMinPinLength,
};
pub use response::{
    BioEnrollmentResponse, ClientPinResponse, CredentialManagementResponse, GetAssertionResponse,
    LargeBlobKey, LargeBlobsResponse, MakeCredentialResponse, Response, SampleStatus,
};
pub use status::{Status, UnknownStatus};
pub use template::{TemplateId, TemplateInfo};

/// How deep messages may nest. CTAP 2.3 §8 asks for 4 levels, but browsers send the `prf` extension
/// over the hybrid transport, whose `evalByCredential` reaches the fifth level of a request, and a
/// compound attestation goes deeper than that in a response.
pub const MESSAGE_DEPTH: u8 = 8;

/// The size in bytes that every authenticator accepts, and the limit where getInfo does not name
/// one (CTAP 2.3 §6.4).
pub const DEFAULT_MAX_MSG_SIZE: usize = 1024;
