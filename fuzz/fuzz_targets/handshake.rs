//! Handshake messages of any content, to both sides of both patterns.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use towline_crypto::{CryptoProvider, Secret};
use towline_hybrid::{
    internal::noise::{InitiatorKey, MESSAGE_LEN, ResponderKey, initiate, respond},
    internal::secrets::Psk,
};

fuzz_target!(|message: &[u8]| {
    check(&towline_crypto::rustcrypto::provider(), message);
    // Every point is one, and every tag matches: what is left are the length and the payload.
    check(&towline_crypto_test::fake::provider(0), message);
});

fn check(provider: &CryptoProvider, message: &[u8]) {
    let psk = Psk::new(Secret::new([3; 32]));
    let own = Arc::from(provider.ecdh.load(&Secret::new([5; 32])).expect("a valid scalar"));
    let peer = *towline_crypto::EcdhKey::public_key(&*own);

    for key in [ResponderKey::Qr(&peer), ResponderKey::Linked(&own)] {
        if respond(provider, &psk, key, message).is_ok() {
            assert_eq!(message.len(), MESSAGE_LEN);
        }
    }
    for key in [InitiatorKey::Qr(&own), InitiatorKey::Linked(&peer)] {
        let (initiated, _) =
            initiate(provider, &psk, key).expect("initiating takes no outside data");
        if initiated.finish(message).is_ok() {
            assert_eq!(message.len(), MESSAGE_LEN);
        }
    }
}
