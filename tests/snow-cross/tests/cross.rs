//! towline's handshakes against snow with snow's own cryptography: the same messages, the same
//! keys, the same refusals.

use std::sync::Arc;

use snow::{Builder, HandshakeState};
use towline_crypto::{CryptoProvider, EcdhKey, P256PublicKey, Secret, rustcrypto};
use towline_crypto_test::ScriptedRandom;
use towline_hybrid::{
    internal::noise::{self, Established, InitiatorKey, ResponderKey},
    internal::secrets::Psk,
};

/// `KNpsk0` after a QR code, `NKpsk0` when linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Kn,
    Nk,
}

use Pattern::{Kn, Nk};

/// Everything that determines a handshake.
struct Fixture {
    pattern: Pattern,
    psk: [u8; 32],
    /// The QR key (of the initiator) or the identity (of the responder).
    fixed: Arc<dyn EcdhKey>,
    initiator_ephemeral: [u8; 32],
    responder_ephemeral: [u8; 32],
}

impl Fixture {
    fn new(pattern: Pattern, seed: u8) -> Self {
        // Below the group order whatever the seed is.
        let scalar = |purpose: u8| {
            let hash = rustcrypto::provider().sha256.hash(&[&[seed, purpose]]);
            let mut scalar = hash;
            scalar[0] &= 0x7f;
            scalar
        };
        let fixed = rustcrypto::provider().ecdh.load(&Secret::new(scalar(1))).unwrap();
        Self {
            pattern,
            psk: rustcrypto::provider().sha256.hash(&[&[seed, 0]]),
            fixed: Arc::from(fixed),
            initiator_ephemeral: scalar(2),
            responder_ephemeral: scalar(3),
        }
    }

    fn psk(&self) -> Psk {
        Psk::new(Secret::new(self.psk))
    }

    fn public(&self) -> P256PublicKey {
        *self.fixed.public_key()
    }

    fn initiator_key<'a>(&'a self, public: &'a P256PublicKey) -> InitiatorKey<'a> {
        match self.pattern {
            Kn => InitiatorKey::Qr(&self.fixed),
            Nk => InitiatorKey::Linked(public),
        }
    }

    fn responder_key<'a>(&'a self, public: &'a P256PublicKey) -> ResponderKey<'a> {
        match self.pattern {
            Kn => ResponderKey::Qr(public),
            Nk => ResponderKey::Linked(&self.fixed),
        }
    }

    fn initiate(&self, provider: &CryptoProvider) -> (noise::Initiated, Vec<u8>) {
        let (initiated, message) =
            noise::initiate(provider, &self.psk(), self.initiator_key(&self.public())).unwrap();
        (initiated, message.to_vec())
    }

    fn respond(
        &self,
        provider: &CryptoProvider,
        message: &[u8],
    ) -> Result<(Vec<u8>, Established), noise::Error> {
        noise::respond(provider, &self.psk(), self.responder_key(&self.public()), message)
            .map(|(message, established)| (message.to_vec(), established))
    }

    /// snow as the initiator, with snow's cryptography; with its own random ephemeral key unless
    /// one is given.
    fn snow_initiator(&self, ephemeral: Option<&[u8; 32]>) -> HandshakeState {
        self.snow(ephemeral, self.pattern == Kn, |builder| builder.build_initiator())
    }

    fn snow_responder(&self, ephemeral: Option<&[u8; 32]>) -> HandshakeState {
        self.snow(ephemeral, self.pattern == Nk, |builder| builder.build_responder())
    }

    fn snow(
        &self,
        ephemeral: Option<&[u8; 32]>,
        holds_the_key: bool,
        build: impl FnOnce(Builder<'_>) -> Result<HandshakeState, snow::Error>,
    ) -> HandshakeState {
        let (name, prologue) = match self.pattern {
            Kn => ("Noise_KNpsk0_P256_AESGCM_SHA256", [1]),
            Nk => ("Noise_NKpsk0_P256_AESGCM_SHA256", [0]),
        };
        let private = self.fixed.scalar().unwrap();
        let public = self.public();
        let mut builder = Builder::new(name.parse().unwrap())
            .prologue(&prologue)
            .unwrap()
            .psk(0, &self.psk)
            .unwrap();
        builder = if holds_the_key {
            builder.local_private_key(private.expose()).unwrap()
        } else {
            builder.remote_public_key(public.as_bytes()).unwrap()
        };
        if let Some(ephemeral) = ephemeral {
            builder = builder.fixed_ephemeral_key_for_testing_only(ephemeral);
        }
        build(builder).unwrap()
    }
}

/// Our provider with this as the next random scalar, and no other randomness.
fn drawing(scalar: &[u8; 32]) -> CryptoProvider {
    CryptoProvider {
        random: Arc::new(ScriptedRandom::new([scalar.to_vec()])),
        ..rustcrypto::provider()
    }
}

fn write(snow: &mut HandshakeState) -> Vec<u8> {
    let mut buffer = [0; 200];
    let length = snow.write_message(&[], &mut buffer).unwrap();
    buffer[..length].to_vec()
}

fn read(snow: &mut HandshakeState, message: &[u8]) -> Result<usize, snow::Error> {
    snow.read_message(message, &mut [0; 200])
}

fn assert_same_keys(ours: &Established, snow: &mut HandshakeState) {
    assert!(snow.is_handshake_finished());
    assert_eq!(snow.get_handshake_hash(), ours.hash.0);
    let (to_phone, to_computer) = snow.dangerously_get_raw_split();
    assert_eq!(&to_phone, ours.to_phone.expose());
    assert_eq!(&to_computer, ours.to_computer.expose());
}

#[test]
fn towline_as_the_computer_and_snow_as_the_phone_reach_the_same_keys() {
    for (pattern, seed) in
        [Kn, Nk].into_iter().flat_map(|pattern| (0..8).map(move |seed| (pattern, seed)))
    {
        let fixture = Fixture::new(pattern, seed);
        let (initiated, message1) = fixture.initiate(&rustcrypto::provider());
        let mut phone = fixture.snow_responder(None);
        assert_eq!(read(&mut phone, &message1).unwrap(), 0);
        let established = initiated.finish(&write(&mut phone)).unwrap();
        assert_same_keys(&established, &mut phone);
    }
}

#[test]
fn snow_as_the_computer_and_towline_as_the_phone_reach_the_same_keys() {
    for (pattern, seed) in
        [Kn, Nk].into_iter().flat_map(|pattern| (0..8).map(move |seed| (pattern, seed)))
    {
        let fixture = Fixture::new(pattern, seed);
        let mut computer = fixture.snow_initiator(None);
        let (message2, established) =
            fixture.respond(&rustcrypto::provider(), &write(&mut computer)).unwrap();
        assert_eq!(read(&mut computer, &message2).unwrap(), 0);
        assert_same_keys(&established, &mut computer);
    }
}

#[test]
fn with_the_same_ephemeral_keys_every_message_is_the_same_byte_for_byte() {
    for (pattern, seed) in
        [Kn, Nk].into_iter().flat_map(|pattern| (0..8).map(move |seed| (pattern, seed)))
    {
        let fixture = Fixture::new(pattern, seed);
        let mut computer = fixture.snow_initiator(Some(&fixture.initiator_ephemeral));
        let mut phone = fixture.snow_responder(Some(&fixture.responder_ephemeral));

        let (initiated, message1) = fixture.initiate(&drawing(&fixture.initiator_ephemeral));
        assert_eq!(message1, write(&mut computer));
        assert_eq!(message1.len(), noise::MESSAGE_LEN);

        let (message2, at_the_phone) =
            fixture.respond(&drawing(&fixture.responder_ephemeral), &message1).unwrap();
        read(&mut phone, &message1).unwrap();
        assert_eq!(message2, write(&mut phone));
        assert_eq!(message2.len(), noise::MESSAGE_LEN);

        let at_the_computer = initiated.finish(&message2).unwrap();
        read(&mut computer, &message2).unwrap();
        assert_eq!(at_the_computer, at_the_phone);
        assert_same_keys(&at_the_computer, &mut computer);
        assert_same_keys(&at_the_phone, &mut phone);
    }
}

#[test]
fn each_refuses_the_other_when_the_advert_was_another() {
    for pattern in [Kn, Nk] {
        let fixture = Fixture::new(pattern, 1);
        let other = Fixture { psk: [9; 32], ..Fixture::new(pattern, 1) };

        let (_, message1) = fixture.initiate(&rustcrypto::provider());
        assert_eq!(read(&mut other.snow_responder(None), &message1), Err(snow::Error::Decrypt));

        let message1 = write(&mut fixture.snow_initiator(None));
        let refused = other.respond(&rustcrypto::provider(), &message1).unwrap_err();
        assert_eq!(refused, noise::Error::Authentication);
    }
}

#[test]
fn each_refuses_the_other_when_the_long_lived_key_was_another() {
    for pattern in [Kn, Nk] {
        let fixture = Fixture::new(pattern, 1);
        let other = Fixture { psk: fixture.psk, ..Fixture::new(pattern, 2) };

        // Both patterns mix the long-lived key into the hash that message 1 is bound to.
        let (_, message1) = fixture.initiate(&rustcrypto::provider());
        assert_eq!(read(&mut other.snow_responder(None), &message1), Err(snow::Error::Decrypt));

        let message1 = write(&mut fixture.snow_initiator(None));
        let refused = other.respond(&rustcrypto::provider(), &message1).unwrap_err();
        assert_eq!(refused, noise::Error::Authentication);
    }
}

#[test]
fn a_flipped_bit_in_any_byte_of_snows_messages_is_refused_by_towline() {
    for pattern in [Kn, Nk] {
        let fixture = Fixture::new(pattern, 3);
        let message1 = write(&mut fixture.snow_initiator(None));
        for index in 0..message1.len() {
            let mut wrong = message1.clone();
            wrong[index] ^= 1;
            assert!(
                fixture.respond(&rustcrypto::provider(), &wrong).is_err(),
                "{pattern:?}, message 1, byte {index}"
            );
        }

        for index in 0..noise::MESSAGE_LEN {
            let (initiated, message1) = fixture.initiate(&rustcrypto::provider());
            let mut phone = fixture.snow_responder(None);
            read(&mut phone, &message1).unwrap();
            let mut wrong = write(&mut phone);
            wrong[index] ^= 1;
            assert!(initiated.finish(&wrong).is_err(), "{pattern:?}, message 2, byte {index}");
        }
    }
}

#[test]
fn a_payload_that_snow_would_let_pass_is_refused_by_towline() {
    for pattern in [Kn, Nk] {
        let fixture = Fixture::new(pattern, 4);
        let mut buffer = [0; 200];
        let length = fixture.snow_initiator(None).write_message(b"payload", &mut buffer).unwrap();
        assert!(read(&mut fixture.snow_responder(None), &buffer[..length]).is_ok());
        let refused = fixture.respond(&rustcrypto::provider(), &buffer[..length]).unwrap_err();
        assert_eq!(refused, noise::Error::Length);
    }
}

#[test]
fn a_handshake_of_the_other_pattern_is_refused_by_both() {
    let (kn, nk) = (Fixture::new(Kn, 5), Fixture::new(Nk, 5));
    for (one, other) in [(&kn, &nk), (&nk, &kn)] {
        let message1 = write(&mut one.snow_initiator(None));
        assert!(other.respond(&rustcrypto::provider(), &message1).is_err());
        let (_, message1) = one.initiate(&rustcrypto::provider());
        assert!(read(&mut other.snow_responder(None), &message1).is_err());
    }
}
