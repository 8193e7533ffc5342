//! Service data of any length and content against a real key and one whose tags always match.
#![no_main]

use libfuzzer_sys::fuzz_target;
use towline_crypto::{CryptoProvider, Secret};
use towline_hybrid::internal::eid::{Advert, EidKey};

fuzz_target!(|service_data: &[u8]| {
    check(&towline_crypto::rustcrypto::provider(), service_data);
    check(&towline_crypto_test::fake::provider(0), service_data);
});

fn check(provider: &CryptoProvider, service_data: &[u8]) {
    let key = EidKey::new(Secret::new([7; 64])).prepare(provider);
    if let Ok(advert) = key.open_qr(service_data) {
        assert!(service_data.len() >= 20);
        assert_eq!(
            key.seal(&advert.eid).as_bytes().first_chunk::<16>(),
            service_data.first_chunk::<16>()
        );
    }
    let _ = key.open_linked(service_data);
    assert_eq!(Advert::from_service_data(service_data).is_some(), service_data.len() >= 20);
}
