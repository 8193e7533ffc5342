//! Requests that make sense, or nearly: what they consist of comes from the fuzzer, what they refer
//! to is there.

use std::fmt::Debug;

use arbitrary::Arbitrary;
use towline_ctap::{
    CredentialId, PinUvAuth, PublicKeyCredentialDescriptor, RequestOptions, RpId, UserHandle,
};

use crate::watch::{RPS, Watch};

pub mod authenticator_config;
pub mod bio_enrollment;
pub mod client_pin;
pub mod credential_management;
pub mod extensions;
pub mod get_assertion;
pub mod large_blobs;
pub mod make_credential;
pub mod plain;

/// A request of one command.
pub trait Sensible: Debug + for<'a> Arbitrary<'a> {
    /// The whole message.
    fn message(&self, watch: &Watch) -> Vec<u8>;
}

/// A proof that is right most of the time.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Proof(u8);

impl Proof {
    fn parts(self, watch: &Watch) -> (Option<u64>, Option<Vec<u8>>) {
        let (protocol, good) = (watch.protocol(), watch.param());
        match self.0 {
            0..32 => (None, None),
            32 => (Some(protocol), Some(Vec::new())),
            33 => (Some(protocol), Some(good[1..].to_vec())),
            34 => (Some(3 - protocol.min(2)), Some(good)),
            35 => (Some(7), Some(good)),
            36 => (None, Some(good)),
            37 => (Some(protocol), None),
            _ => (Some(protocol), Some(good)),
        }
    }

    fn auth(self, watch: &Watch) -> Option<PinUvAuth> {
        match self.parts(watch) {
            (Some(protocol), Some(param)) => Some(PinUvAuth { protocol, param }),
            _ => None,
        }
    }
}

/// A relying party, one of three.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Party(u8);

impl Party {
    fn text(self) -> &'static str {
        RPS[usize::from(self.0) % RPS.len()]
    }

    fn id(self) -> RpId {
        RpId::new(self.text()).expect("an RP ID")
    }
}

/// A credential that is there, or one that is not.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Listed(u8);

impl Listed {
    fn id(self, watch: &Watch) -> CredentialId {
        let credentials = watch.store.credentials();
        let known = credentials.get(usize::from(self.0)).map(|credential| credential.id.clone());
        known.unwrap_or_else(|| CredentialId::new(&[self.0; 32]).expect("an id"))
    }

    fn descriptor(self, watch: &Watch) -> PublicKeyCredentialDescriptor {
        PublicKeyCredentialDescriptor::new(self.id(watch))
    }
}

/// An account, one of few.
fn handle(number: u8) -> UserHandle {
    UserHandle::new(&[b'u', number % 5]).expect("a handle")
}

/// The options of makeCredential and getAssertion.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Options {
    rk: Option<bool>,
    up: Option<bool>,
    uv: Option<bool>,
}

impl From<Options> for RequestOptions {
    fn from(options: Options) -> Self {
        Self { rk: options.rk, up: options.up, uv: options.uv }
    }
}

/// A name, which may be long, or none.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Name(u16);

impl Name {
    fn text(self) -> Option<String> {
        let length = usize::from(self.0 >> 4) % 300;
        match self.0 % 4 {
            0 => None,
            1 => Some("\u{e4}".repeat(length)),
            2 => Some("\u{202e}".repeat(length / 8)),
            _ => Some("n".repeat(length / 4)),
        }
    }
}
