//! `KNpsk0` by snow with snow's own cryptography.

use snow::{Builder, HandshakeState};

/// Both sides: both messages made and read, with an identity key that is there already.
pub fn snow() -> impl FnMut() -> usize {
    let params = || "Noise_KNpsk0_P256_AESGCM_SHA256".parse().expect("known names");
    let lasting = Builder::new(params()).generate_keypair().expect("a key pair");
    move || {
        let mut computer = Builder::new(params())
            .prologue(&[1])
            .and_then(|builder| builder.psk(0, &[3; 32]))
            .and_then(|builder| builder.local_private_key(&lasting.private))
            .and_then(Builder::build_initiator)
            .expect("an initiator");
        let mut phone = Builder::new(params())
            .prologue(&[1])
            .and_then(|builder| builder.psk(0, &[3; 32]))
            .and_then(|builder| builder.remote_public_key(&lasting.public))
            .and_then(Builder::build_responder)
            .expect("a responder");
        pass(&mut computer, &mut phone) + pass(&mut phone, &mut computer)
    }
}

fn pass(from: &mut HandshakeState, to: &mut HandshakeState) -> usize {
    let mut message = [0; 81];
    let length = from.write_message(&[], &mut message).expect("a message");
    to.read_message(&message[..length], &mut []).expect("a good message");
    length
}
