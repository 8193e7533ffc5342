//! Messages whose content is CBOR from a peer: post-handshake, update, linking information, client
//! payload.
#![no_main]

use libfuzzer_sys::fuzz_target;
use towline_crypto::Secret;
use towline_hybrid::{
    internal::message::{Message, PostHandshake, read_update},
    link::{ClientPayload, HandshakeHash, LinkingInformation},
};

fuzz_target!(|bytes: &[u8]| {
    let provider = towline_crypto_test::fake::provider(0);
    let key = provider.ecdh.load(&Secret::new([5; 32])).expect("a valid scalar");
    let _ = PostHandshake::decode(bytes);
    let _ = Message::decode(bytes.to_vec());
    if let Ok(Some(linking)) = read_update(bytes) {
        let _ = LinkingInformation::read(&provider, &linking, &*key, &HandshakeHash([1; 32]));
    }
    if let Ok(information) =
        LinkingInformation::read(&provider, bytes, &*key, &HandshakeHash([1; 32]))
    {
        let name = information.display_name();
        assert!(!name.chars().any(char::is_control));
    }
    if let Ok(payload) = ClientPayload::decode(bytes) {
        assert_eq!(ClientPayload::from_header(&payload.to_header()), Ok(payload));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = ClientPayload::from_header(text);
    }
});
