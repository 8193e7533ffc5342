//! Adverts and their suffixes.

use towline_hybrid::{
    domain::TunnelDomain,
    ids::{ClientNonce, RoutingId},
    internal::eid::{Eid, EidKey, Expected, NoMatch, Opened, Outstanding},
    internal::secrets::{LinkSecret, Psk, QrSecret},
};

use super::*;

#[test]
fn adverts_are_made_and_opened() {
    for row in rows("eid") {
        let provider = provider();
        let service_data = bytes(row, "service_data");
        if text(row, "kind") == "qr" {
            let secret = QrSecret::new(secret(row, "secret"));
            let key = EidKey::qr(&provider, &secret).unwrap();
            assert_eq!(key.expose().to_vec(), bytes(row, "eid_key"));
            let routing_id = RoutingId::from_hex(text(row, "routing_id")).unwrap();
            let domain =
                TunnelDomain::new(u16::try_from(number(row, "encoded_domain")).unwrap()).unwrap();
            let eid = Eid::qr(array(row, "nonce"), routing_id, domain);
            assert_eq!(eid.expose().to_vec(), bytes(row, "plaintext"));
            let key = key.prepare(&provider);
            assert_eq!(key.seal(&eid).as_bytes().to_vec(), service_data);
            let opened = key.open_qr(&service_data).unwrap();
            assert_eq!((opened.routing_id, opened.domain), (routing_id, domain));
            assert_eq!(opened.eid, eid);
            assert_eq!(
                Psk::qr(&provider, &secret, &eid).unwrap().expose().to_vec(),
                bytes(row, "psk")
            );
        } else {
            let secret = LinkSecret::new(secret(row, "secret"));
            let nonce = ClientNonce::new(array(row, "client_nonce"));
            let key = EidKey::linked(&provider, &secret, &nonce).unwrap();
            assert_eq!(key.expose().to_vec(), bytes(row, "eid_key"));
            let key_ready = key.prepare(&provider);
            let eid = key_ready.open_linked(&service_data).unwrap();
            assert_eq!(eid.expose().to_vec(), bytes(row, "plaintext"));
            assert_eq!(key_ready.seal(&eid).as_bytes().to_vec(), service_data);
            // Others may have sent what this library would not draw: it is accepted all the same.
            let drawn = Eid::linked(&*scripted(&[bytes(row, "nonce")]).random);
            let [.., low, high] = *eid.expose();
            if TunnelDomain::new(u16::from_le_bytes([low, high])).is_ok() {
                assert_eq!(drawn, Ok(eid.clone()));
            } else {
                assert!(drawn.is_err());
            }
            assert_eq!(
                Psk::linked(&provider, &secret, &eid).unwrap().expose().to_vec(),
                bytes(row, "psk")
            );
        }
    }
}

#[test]
fn a_linked_plaintext_never_looks_like_an_unassigned_domain() {
    let mut refused = vec![0x55; 15];
    (refused[13], refused[14]) = (2, 0);
    let eid = Eid::linked(&*scripted(&[refused.clone(), vec![0x66; 15]]).random).unwrap();
    assert_eq!(eid.expose()[1..], [0x66; 15]);
    assert!(Eid::linked(&*scripted(&vec![refused; 20]).random).is_err());
}

#[test]
fn service_data_that_is_no_advert_for_the_key_is_told_apart() {
    for row in rows("eid_reject") {
        let key = EidKey::new(secret(row, "eid_key")).prepare(&provider());
        let name = match key.open_qr(&bytes(row, "service_data")).unwrap_err() {
            NoMatch::Short => "short",
            NoMatch::Mac => "bad_mac",
            NoMatch::Reserved => "reserved_nonzero",
            NoMatch::Domain => "unknown_domain",
        };
        assert_eq!(name, text(row, "error"), "{row}");
    }
}

#[test]
fn an_advert_matches_whatever_its_suffix_says() {
    for row in rows("advert_suffix") {
        let key = EidKey::new(secret(row, "eid_key")).prepare(&provider());
        let service_data = bytes(row, "service_data");
        let opened = key.open_qr(&service_data).unwrap();
        assert_eq!(opened.eid.expose().to_vec(), bytes(row, "plaintext"));
    }
}

#[test]
fn an_advert_finds_its_transaction_among_many() {
    let provider = provider();
    let mut outstanding = Outstanding::default();
    for (index, row) in rows("eid").iter().enumerate() {
        let expected = if text(row, "kind") == "qr" { Expected::Qr } else { Expected::Linked };
        let key = EidKey::new(secret(row, "eid_key")).prepare(&provider);
        outstanding.insert(key, expected, index);
    }
    for (index, row) in rows("eid").iter().enumerate() {
        let (found, opened) = outstanding.open(&bytes(row, "service_data")).unwrap();
        assert_eq!(*found, index);
        assert_eq!(matches!(opened, Opened::Qr(_)), text(row, "kind") == "qr");
    }
    assert!(outstanding.open(&[0; 20]).is_none());
    outstanding.retain(|index| *index != 0);
    assert!(outstanding.open(&bytes(&rows("eid")[0], "service_data")).is_none());
}
