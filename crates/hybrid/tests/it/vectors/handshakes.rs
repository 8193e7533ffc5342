//! Noise handshakes.

use towline_hybrid::{
    internal::noise::{self, Error, Established, InitiatorKey, ResponderKey},
    internal::secrets::Psk,
};

use super::*;

fn is_kn(row: &Value) -> bool {
    text(row, "pattern").contains("KNpsk0")
}

fn psk(row: &Value) -> Psk {
    Psk::new(secret(row, "psk"))
}

fn initiate(row: &Value) -> (noise::Initiated, [u8; 81]) {
    let provider = scripted(&[bytes(row, "initiator_ephemeral_private")]);
    let (own, peer) = (private_key(row, "static_private"), public_key(row, "static_public"));
    let key = if is_kn(row) { InitiatorKey::Qr(&own) } else { InitiatorKey::Linked(&peer) };
    noise::initiate(&provider, &psk(row), key).unwrap()
}

fn respond(row: &Value, provider: &CryptoProvider) -> Result<([u8; 81], Established), Error> {
    let own = row["static_private"].is_string().then(|| private_key(row, "static_private"));
    let peer = public_key(row, "static_public");
    let key = match &own {
        Some(own) if !is_kn(row) => ResponderKey::Linked(own),
        _ => ResponderKey::Qr(&peer),
    };
    noise::respond(provider, &psk(row), key, &bytes(row, "message1"))
}

fn check(row: &Value, established: &Established) {
    assert_eq!(established.hash.0.to_vec(), bytes(row, "handshake_hash"));
    assert_eq!(established.to_phone.expose().to_vec(), bytes(row, "key_i2r"));
    assert_eq!(established.to_computer.expose().to_vec(), bytes(row, "key_r2i"));
    let last = row["trace"].as_array().unwrap().last().unwrap();
    assert_eq!(established.hash.0.to_vec(), bytes(last, "h"));
}

#[test]
fn both_sides_reproduce_every_byte() {
    for row in rows("noise") {
        let (initiated, message1) = initiate(row);
        assert_eq!(message1.to_vec(), bytes(row, "message1"));
        let random = scripted(&[bytes(row, "responder_ephemeral_private")]);
        let (message2, established) = respond(row, &random).unwrap();
        assert_eq!(message2.to_vec(), bytes(row, "message2"));
        check(row, &established);
        check(row, &initiated.finish(&message2).unwrap());
    }
}

#[test]
fn bad_first_messages_are_refused() {
    for row in rows("noise_reject") {
        let error = respond(row, &provider()).unwrap_err();
        assert_eq!(name(error), text(row, "error"), "{row}");
    }
}

#[test]
fn bad_second_messages_are_refused() {
    for row in rows("noise_reject2") {
        let (initiated, message1) = initiate(row);
        assert_eq!(message1.to_vec(), bytes(row, "message1"));
        let error = initiated.finish(&bytes(row, "message2")).unwrap_err();
        assert_eq!(name(error), text(row, "error"), "{row}");
    }
}

fn name(error: Error) -> &'static str {
    match error {
        Error::Length => "bad_length",
        Error::Point => "bad_point",
        Error::Authentication => "bad_tag",
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_message_of_a_real_browser_authenticates() {
    let row = &VECTORS["captured"]["chrome_message1"];
    assert!(respond(row, &provider()).is_ok());
}

#[test]
fn a_random_source_without_usable_scalars_is_an_error() {
    let row = &rows("noise")[0];
    for scalar in [[0; 32], [0xff; 32]] {
        let provider = scripted(&vec![scalar.to_vec(); 64]);
        assert!(matches!(respond(row, &provider), Err(Error::Crypto(_))));
    }
    assert!(matches!(respond(row, &scripted(&[])), Err(Error::Crypto(_))));
}
