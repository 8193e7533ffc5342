//! The Noise handshakes `KNpsk0` (after a QR code) and `NKpsk0` (linked), run by snow over our own
//! cryptography.
//!
//! Everything that snow would panic on or let pass is checked before it is called: lengths, points,
//! empty payloads. A handshake is consumed by its one attempt. snow's own copies of the pre-shared
//! key and of the chaining key can't be wiped from outside: the one exception to that rule here.

mod resolver;

use std::sync::{Arc, OnceLock};

use snow::{Builder, HandshakeState};
use towline_crypto::{CryptoProvider, EcdhKey, P256PublicKey, Secret};
use zeroize::Zeroize;

use self::resolver::{Keys, Resolver};
use crate::secrets::{HandshakeHash, Psk, TrafficKey};

/// Both messages are exactly this long: a point of 65 bytes and the tag of an empty payload.
pub const MESSAGE_LEN: usize = 81;

const KN_NAME: &str = "Noise_KNpsk0_P256_AESGCM_SHA256";
const NK_NAME: &str = "Noise_NKpsk0_P256_AESGCM_SHA256";
/// The prologue says which of the two transactions it is.
const KN_PROLOGUE: &[u8] = &[1];
const NK_PROLOGUE: &[u8] = &[0];

/// Why a handshake failed.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The message is not 81 bytes long.
    #[error("a handshake message has the wrong length")]
    Length,
    /// The message's point is not on the curve.
    #[error("a handshake message has an invalid public key")]
    Point,
    /// The tag does not match: other keys, another advert, or a changed message.
    #[error("a handshake message could not be authenticated")]
    Authentication,
    /// The cryptography failed on this side.
    #[error("{0}")]
    Crypto(#[from] towline_crypto::Error),
}

/// What the computer knows beside the pre-shared key.
#[derive(Clone, Copy)]
pub enum InitiatorKey<'a> {
    /// `KNpsk0`: the private half of the key in its QR code.
    Qr(&'a Arc<dyn EcdhKey>),
    /// `NKpsk0`: the identity of the phone that it is linked with.
    Linked(&'a P256PublicKey),
}

/// What the phone knows beside the pre-shared key.
#[derive(Clone, Copy)]
pub enum ResponderKey<'a> {
    /// `KNpsk0`: the key in the computer's QR code.
    Qr(&'a P256PublicKey),
    /// `NKpsk0`: the private half of its own identity.
    Linked(&'a Arc<dyn EcdhKey>),
}

/// What a finished handshake leaves: the keys of the transport phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Established {
    /// The hash of the handshake, which linking information is signed over.
    pub hash: HandshakeHash,
    /// Encrypts from the computer to the phone.
    pub to_phone: TrafficKey,
    /// Encrypts from the phone to the computer.
    pub to_computer: TrafficKey,
}

/// A handshake whose first message is sent.
pub struct Initiated {
    state: HandshakeState,
    checks: Checks,
}

impl std::fmt::Debug for Initiated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Initiated")
    }
}

/// The computer's first step: its message 1, and what waits for message 2.
///
/// # Errors
/// [`Error::Crypto`] only.
pub fn initiate(
    provider: &CryptoProvider,
    psk: &Psk,
    key: InitiatorKey<'_>,
) -> Result<(Initiated, [u8; MESSAGE_LEN]), Error> {
    let (own, peer) = match key {
        InitiatorKey::Qr(own) => (Some(own), None),
        InitiatorKey::Linked(peer) => (None, Some(peer)),
    };
    let (builder, checks) = builder(provider, psk, own.is_some(), own, peer)?;
    let mut state = builder.build_initiator().map_err(refused)?;
    let message = write(&mut state)?;
    checks.resolver.check()?;
    Ok((Initiated { state, checks }, message))
}

impl Initiated {
    /// The computer's second step, with the phone's message 2.
    ///
    /// # Errors
    /// [`Error`]; the handshake is over either way.
    pub fn finish(mut self, message2: &[u8]) -> Result<Established, Error> {
        read(&mut self.state, &self.checks, message2)?;
        establish(self.state, &self.checks)
    }
}

/// The phone's only step: the computer's message 1 in, its own message 2 out.
///
/// # Errors
/// [`Error`]; this key material must not be used again.
pub fn respond(
    provider: &CryptoProvider,
    psk: &Psk,
    key: ResponderKey<'_>,
    message1: &[u8],
) -> Result<([u8; MESSAGE_LEN], Established), Error> {
    let (own, peer) = match key {
        ResponderKey::Qr(peer) => (None, Some(peer)),
        ResponderKey::Linked(own) => (Some(own), None),
    };
    let (builder, checks) = builder(provider, psk, own.is_none(), own, peer)?;
    let mut state = builder.build_responder().map_err(refused)?;
    read(&mut state, &checks, message1)?;
    let message2 = write(&mut state)?;
    Ok((message2, establish(state, &checks)?))
}

/// What is needed after snow has taken everything else.
struct Checks {
    provider: CryptoProvider,
    resolver: resolver::Health,
}

fn builder<'a>(
    provider: &CryptoProvider,
    psk: &'a Psk,
    kn: bool,
    own: Option<&Arc<dyn EcdhKey>>,
    peer: Option<&'a P256PublicKey>,
) -> Result<(Builder<'a>, Checks), Error> {
    let ephemeral = provider.ecdh.generate(&*provider.random)?;
    let peer_ephemeral = OnceLock::new();
    let keys = Keys { own: own.cloned(), ephemeral, peer: peer.copied(), peer_ephemeral };
    let (resolver, health) = Resolver::new(provider, keys);
    let (name, prologue) = if kn { (KN_NAME, KN_PROLOGUE) } else { (NK_NAME, NK_PROLOGUE) };
    let params = name.parse().map_err(refused)?;
    let mut builder = Builder::with_resolver(params, Box::new(resolver))
        .prologue(prologue)
        .and_then(|builder| builder.psk(0, psk.expose()))
        .map_err(refused)?;
    if own.is_some() {
        builder = builder.local_private_key(resolver::OWN_KEY).map_err(refused)?;
    }
    if let Some(peer) = peer {
        builder = builder.remote_public_key(peer.as_bytes()).map_err(refused)?;
    }
    Ok((builder, Checks { provider: provider.clone(), resolver: health }))
}

fn write(state: &mut HandshakeState) -> Result<[u8; MESSAGE_LEN], Error> {
    let mut message = [0; MESSAGE_LEN];
    match state.write_message(&[], &mut message).map_err(refused)? {
        MESSAGE_LEN => Ok(message),
        _ => Err(Error::Length),
    }
}

fn read(state: &mut HandshakeState, checks: &Checks, message: &[u8]) -> Result<(), Error> {
    let message: &[u8; MESSAGE_LEN] = message.try_into().map_err(|_| Error::Length)?;
    let (point, _tag) = message.split_at(65);
    let ephemeral = checks.provider.ecdh.public_key(point).map_err(|_| Error::Point)?;
    checks.resolver.knows(ephemeral);
    // The length leaves no room for a payload.
    let payload = state.read_message(message, &mut []).map_err(refused)?;
    checks.resolver.check()?;
    if payload == 0 { Ok(()) } else { Err(Error::Length) }
}

fn establish(mut state: HandshakeState, checks: &Checks) -> Result<Established, Error> {
    // Before its end, the raw split would give keys that are not authenticated.
    if !state.is_handshake_finished() {
        return Err(Error::Authentication);
    }
    let hash = state.get_handshake_hash().try_into().map_err(|_| Error::Length)?;
    let (mut to_phone, mut to_computer) = state.dangerously_get_raw_split();
    let established = Established {
        hash: HandshakeHash(hash),
        to_phone: TrafficKey::new(Secret::new(to_phone)),
        to_computer: TrafficKey::new(Secret::new(to_computer)),
    };
    to_phone.zeroize();
    to_computer.zeroize();
    checks.resolver.check()?;
    Ok(established)
}

/// What snow reports, in our terms. What is not about the peer's message can't happen with the
/// fixed patterns here.
fn refused(error: snow::Error) -> Error {
    match error {
        snow::Error::Decrypt => Error::Authentication,
        snow::Error::Dh => Error::Point,
        snow::Error::Input => Error::Length,
        snow::Error::Rng => Error::Crypto(towline_crypto::Error::Random),
        _ => Error::Crypto(towline_crypto::Error::Unsupported),
    }
}
