//! The hybrid transport: codes, adverts, handshakes, frames.

use std::sync::Arc;

use towline_crypto::{AeadKey, CryptoProvider, EcdhKey, HmacKey, P256PublicKey, Secret};
use towline_hybrid::{
    domain::TunnelDomain,
    ids::RoutingId,
    internal::eid::{Eid, EidKey, Expected, Opened, Outstanding},
    internal::frame::{Opener, Sealer},
    internal::noise::{self, InitiatorKey, ResponderKey},
    internal::secrets::{Psk, QrSecret, TrafficKey},
    qr::{Hint, QrPayload},
};

use crate::provider;

/// A QR code as a computer shows it.
pub struct Code {
    provider: CryptoProvider,
    payload: QrPayload,
    uri: String,
}

impl Code {
    /// A code with a fresh key.
    #[must_use]
    pub fn new() -> Self {
        let provider = provider();
        let key = provider.ecdh.generate(&*provider.random).unwrap();
        let secret = QrSecret::generate(&*provider.random).unwrap();
        let mut payload = QrPayload::new(*key.public_key(), secret, Hint::GetAssertion);
        payload.timestamp = Some(1_790_000_000);
        let uri = payload.to_uri();
        Self { provider, payload, uri }
    }

    /// The payload as text.
    #[must_use]
    pub fn encode(&self) -> String {
        self.payload.to_uri()
    }

    /// The text as payload, its public key checked.
    #[must_use]
    pub fn decode(&self) -> QrPayload {
        QrPayload::from_uri(&self.provider, &self.uri).unwrap()
    }

    /// What of reading a code is the curve's: to find y for the x in the code.
    #[must_use]
    pub fn decompress(&self) -> P256PublicKey {
        self.provider.ecdh.public_key(&self.payload.public_key.compressed()).unwrap()
    }
}

impl Default for Code {
    fn default() -> Self {
        Self::new()
    }
}

/// Adverts that arrive while so many codes are on show.
pub struct Adverts {
    keys: usize,
    outstanding: Outstanding<usize>,
    foreign: [u8; 20],
    ours: [u8; 20],
    mac: Box<dyn HmacKey>,
}

impl Adverts {
    /// So many codes on show. An advert that matches does so with the last of them.
    ///
    /// # Panics
    /// With no code at all.
    #[must_use]
    pub fn new(keys: usize) -> Self {
        Self::with_provider(&provider(), keys)
    }

    /// The same with another provider than the portable one.
    ///
    /// # Panics
    /// With no code at all.
    #[must_use]
    pub fn with_provider(provider: &CryptoProvider, keys: usize) -> Self {
        let mut outstanding = Outstanding::default();
        let prepare = || {
            let secret = QrSecret::generate(&*provider.random).unwrap();
            EidKey::qr(provider, &secret).unwrap().prepare(provider)
        };
        let eid = Eid::qr([7; 10], RoutingId::new([1, 2, 3]), TunnelDomain::new(0).unwrap());
        let foreign = *prepare().seal(&eid).as_bytes();
        let mut ours = None;
        for index in 0..keys {
            let key = prepare();
            ours = Some(*key.seal(&eid).as_bytes());
            outstanding.insert(key, Expected::Qr, index);
        }
        let mac = provider.hmac.key(&[5; 32]);
        Self { keys, outstanding, foreign, ours: ours.expect("at least one key"), mac }
    }

    /// An advert for none of the codes.
    #[must_use]
    pub fn reject(&self) -> bool {
        self.outstanding.open(&self.foreign).is_none()
    }

    /// An advert for the last of the codes.
    #[must_use]
    pub fn accept(&self) -> Option<(&usize, Opened)> {
        self.outstanding.open(&self.ours)
    }

    /// Which of the codes an advert is for, as a scan heard it.
    #[must_use]
    pub fn hear(&self, service_data: &[u8]) -> Option<usize> {
        let (index, _) = self.outstanding.open(service_data)?;
        Some(*index)
    }

    /// What the phone advertises that scanned the last of the codes.
    #[must_use]
    pub const fn ours(&self) -> &[u8; 20] {
        &self.ours
    }

    /// As many bare HMACs, with a prepared key, as there are codes.
    #[must_use]
    pub fn bare_hmacs(&self) -> u8 {
        let (block, _) = self.foreign.split_at(16);
        (0..self.keys).fold(0, |sum, _| sum ^ self.mac.sign(&[block])[0])
    }
}

/// Both sides of a handshake.
pub struct Handshake {
    provider: CryptoProvider,
    psk: Psk,
    long_lived: Arc<dyn EcdhKey>,
}

impl Handshake {
    /// Keys for any number of handshakes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_provider(provider())
    }

    /// The same with another provider than the portable one.
    #[must_use]
    pub fn with_provider(provider: CryptoProvider) -> Self {
        let long_lived = Arc::from(provider.ecdh.generate(&*provider.random).unwrap());
        Self { provider, psk: Psk::new(Secret::new([3; 32])), long_lived }
    }

    /// `KNpsk0`, as after a QR code: both messages, made and read.
    #[must_use]
    pub fn kn(&self) -> noise::Established {
        let public = *self.long_lived.public_key();
        self.run(InitiatorKey::Qr(&self.long_lived), ResponderKey::Qr(&public))
    }

    /// `NKpsk0`, as between linked devices: both messages, made and read.
    #[must_use]
    pub fn nk(&self) -> noise::Established {
        let public = *self.long_lived.public_key();
        self.run(InitiatorKey::Linked(&public), ResponderKey::Linked(&self.long_lived))
    }

    fn run(&self, computer: InitiatorKey<'_>, phone: ResponderKey<'_>) -> noise::Established {
        let (initiated, message1) = noise::initiate(&self.provider, &self.psk, computer).unwrap();
        let (message2, _) = noise::respond(&self.provider, &self.psk, phone, &message1).unwrap();
        initiated.finish(&message2).unwrap()
    }

    /// What either handshake can't do without: two ephemeral key pairs and four key agreements.
    #[must_use]
    pub fn bare_primitives(&self) -> [Secret<32>; 4] {
        let generate = || self.provider.ecdh.generate(&*self.provider.random).unwrap();
        let (computer, phone, long_lived) = (generate(), generate(), &self.long_lived);
        let (for_computer, for_phone) = (*phone.public_key(), *computer.public_key());
        [
            computer.agree(&for_computer).unwrap(),
            phone.agree(&for_phone).unwrap(),
            long_lived.agree(&for_computer).unwrap(),
            phone.agree(long_lived.public_key()).unwrap(),
        ]
    }
}

impl Default for Handshake {
    fn default() -> Self {
        Self::new()
    }
}

/// Messages of one size, from one end of a connection to the other.
pub struct Frames {
    provider: CryptoProvider,
    ends: (Sealer, Opener),
    bare: Box<dyn AeadKey>,
    message: Vec<u8>,
    sent: u32,
}

const TRAFFIC_KEY: [u8; 32] = [8; 32];

impl Frames {
    /// Messages of so many bytes.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let provider = provider();
        let bare = provider.aead.key(&TRAFFIC_KEY);
        Self { ends: ends(&provider), bare, message: vec![1; size], sent: 0, provider }
    }

    /// A message padded, sealed, opened and unpadded.
    #[must_use]
    pub fn round_trip(&mut self) -> Vec<u8> {
        // The numbers of a connection are used up after 2^24 frames.
        self.sent += 1;
        if self.sent == 1 << 23 {
            self.ends = ends(&self.provider);
            self.sent = 0;
        }
        let (sealer, opener) = &mut self.ends;
        let frame = sealer.seal(self.message.clone()).unwrap();
        opener.open(frame).unwrap()
    }

    /// As many bytes, padding included, sealed and opened by the bare AEAD, with room for the tag
    /// from the start.
    #[must_use]
    pub fn bare_aead(&self) -> Vec<u8> {
        let padded = (self.message.len() + 1).next_multiple_of(32);
        let mut data = Vec::with_capacity(padded + 16);
        data.extend_from_slice(&self.message);
        data.resize(padded, 0);
        self.bare.seal(&[0; 12], &[], &mut data).unwrap();
        self.bare.open(&[0; 12], &[], &mut data).unwrap();
        data
    }
}

fn ends(provider: &CryptoProvider) -> (Sealer, Opener) {
    let key = TrafficKey::new(Secret::new(TRAFFIC_KEY));
    (Sealer::new(provider, &key), Opener::new(provider, &key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_as_what_was_written() {
        let code = Code::new();
        assert_eq!(code.encode(), code.uri);
        assert_eq!(code.decode(), code.payload);
        assert_eq!(code.decompress(), code.payload.public_key);
    }

    #[test]
    fn foreign_adverts_are_rejected_and_the_last_key_is_found() {
        for keys in [1, 32] {
            let adverts = Adverts::new(keys);
            assert!(adverts.reject());
            assert_eq!(adverts.accept().map(|(index, _)| *index), Some(keys - 1));
        }
    }

    #[test]
    fn handshakes_end_in_fresh_keys() {
        let handshake = Handshake::new();
        assert_ne!(handshake.kn(), handshake.kn());
        assert_ne!(handshake.nk(), handshake.kn());
        let [computer, phone, static_computer, static_phone] = handshake.bare_primitives();
        assert_eq!(computer, phone);
        assert_eq!(static_computer, static_phone);
    }

    #[test]
    fn frames_arrive_as_they_were_sent() {
        let mut frames = Frames::new(64);
        assert_eq!(frames.round_trip(), [1; 64]);
        assert_eq!(frames.round_trip(), [1; 64]);
        assert_eq!(frames.bare_aead().len(), 96);
    }
}
