#![doc = include_str!("../README.md")]
//!
//! # The whole loop
//!
//! [`Authenticator`] takes requests from any transport, and gives out what it needs on the way: a
//! [`Question`] for the person, work that would block, a keepalive for the client. What it is and
//! how it behaves is one [`Config`] in groups, with presets for a phone, a security key and a
//! platform.
//! Credentials live behind [`CredentialStore`], keys behind [`KeyStore`]; [`MemoryStore`] and
//! [`SoftwareKeys`] are the ones in memory.
//!
//! An embedder runs one loop:
//!
//! ```
//! use std::time::Instant;
//! use towline_authenticator::{
//!     Answer, Authenticator, ChannelId, Config, MemoryStore, Output, Question, SoftwareKeys,
//! };
//!
//! // Ask as your platform does; here everybody agrees to everything.
//! fn ask(question: &Question) -> Answer {
//!     println!("{question}");
//!     match question {
//!         Question::VerifyUser { .. } => Answer::Verified,
//!         Question::ChooseAccount { .. } => Answer::Account(0),
//!         _ => Answer::Approve,
//!     }
//! }
//!
//! let provider = towline_crypto::rustcrypto::provider();
//! let keys = SoftwareKeys::new(provider.clone());
//! let mut phone = Authenticator::new(Config::phone(), provider, MemoryStore::new(), keys)?;
//!
//! let get_info = [0x04];
//! phone.handle_request(ChannelId(1), &get_info, Instant::now());
//! let mut response = None;
//! while let Some(output) = phone.poll_output() {
//!     match output {
//!         Output::Ask { token, question } => {
//!             phone.handle_answer(token, ask(&question), Instant::now())?
//!         }
//!         Output::Work { token, job } => phone.handle_work(token, job.run(), Instant::now())?,
//!         Output::Response { bytes, .. } => response = Some(bytes),
//!         Output::Event(event) => println!("{event:?}"),
//!         _ => {}
//!     }
//! }
//! assert_eq!(response.unwrap()[0], 0x00); // success
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With real dialogs the loop waits: for an answer, for a job on a thread where blocking is
//! allowed, for a request or a cancel of the client, and until [`Authenticator::poll_timeout`],
//! when it calls [`Authenticator::handle_timeout`].
//!
//! The flags that tell a relying party that the person was present, or verified, come from answered
//! questions, or for the latter from a PIN that matched, and from nowhere else: inside the crate
//! they need a proof that only the handling of an answer, or the comparison of a PIN, can make.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod assertion;
mod attestation;
mod authenticator;
mod authenticator_config;
mod bio_enrollment;
mod claims;
mod client_pin;
mod clock;
mod config;
mod correlation;
mod credential;
mod credential_management;
mod dispatch;
mod durable;
mod enterprise;
mod event;
mod extensions;
mod feed;
mod fingerprint;
mod flow;
mod forget;
mod get_assertion;
mod get_info;
mod get_next_assertion;
mod hmac_secret;
mod job;
mod kept_extensions;
mod keys;
mod large_blob_extension;
mod large_blobs;
mod located;
mod make_credential;
mod memory_store;
mod new_key;
mod options;
mod output;
mod persistent_token;
mod person;
mod pin;
mod pin_protocol;
mod pin_verifier;
mod question;
mod reset;
mod running;
mod selection;
mod sequence;
mod software_keys;
mod state;
mod store;
mod store_access;
mod token;
mod token_use;
mod u2f;
mod u2f_certificate;
mod u2f_touch;
mod unneeded;
mod user_verification;
mod work;
mod wrapped;
mod wrapping;

pub use authenticator::{Authenticator, UnknownJob};
pub use claims::check_claims;
pub use config::{
    AttestationFormat, AttestationPolicy, BackupState, BatchAttestation, BioEnrollment,
    BuiltInVerification, ClientPin, Config, ConfigError, Counters, CredentialPolicy,
    EnterpriseAttestation, ExtensionPolicy, FingerprintKind, LargeBlobs, MessageLimits, Model,
    NonDiscoverable, PinComplexity, PresencePolicy, ResetPolicy, ResetTime, Timing, TokenPolicy,
    VerificationPolicy, certified_aaguid,
};
pub use correlation::{ChannelId, Token};
pub use credential::{
    CredRandom, Credential, DamagedCredential, ExtensionData, KeyHandle, LargeBlobPlace,
    SecretBytes, UnixTime,
};
pub use event::Event;
pub use feed::{Became, CredentialChange, FEED_LENGTH, Feed, FeedCursor, Gathered, MemoryFeed};
pub use fingerprint::{Fingerprint, Template};
pub use job::{Job, JobDone};
pub use keys::{Custody, KeyError, KeyStore, NewKey};
pub use memory_store::MemoryStore;
pub use output::Output;
pub use pin_protocol::PinUvAuthProtocol;
pub use pin_verifier::{PinComparison, PinHash, PinVerifier, PinVerifierError, SoftwarePin};
pub use question::{AccountName, Answer, AnswerError, Purpose, Question};
pub use software_keys::SoftwareKeys;
pub use store::{
    Capacity, Change, Counter, CredentialStore, Cursor, Page, Query, Record, RelyingParties,
    Replaces, StoreError,
};

pub use work::Work;

/// What an application implements can be a `dyn`.
const _: fn(&dyn CredentialStore, &dyn KeyStore, &dyn PinVerifier) = |_, _, _| {};
