//! QR text from anywhere: read or refused, and what is read is written as it was understood.
#![no_main]

use libfuzzer_sys::fuzz_target;
use towline_hybrid::qr::QrPayload;

fuzz_target!(|bytes: &[u8]| {
    // Points of any coordinates are accepted, so that the fuzzer gets past them.
    let provider = towline_crypto_test::fake::provider(0);
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(QrPayload::from_uri(&provider, text).ok());
    }
    check(QrPayload::from_cbor(&provider, bytes).ok());

    fn check(payload: Option<QrPayload>) {
        let provider = towline_crypto_test::fake::provider(0);
        let Some(payload) = payload else { return };
        let (_, _) = (payload.request_hint(), payload.data_channels());
        let again =
            QrPayload::from_cbor(&provider, &payload.to_cbor()).expect("we read what we write");
        assert_eq!(again.to_cbor(), payload.to_cbor());
        // A code with many extras may be longer than a QR code can be; any other is read back from
        // its text.
        if let Ok(again) = QrPayload::from_uri(&provider, &payload.to_uri()) {
            assert_eq!(again.to_cbor(), payload.to_cbor());
        }
    }
});
