//! Linking information, client payloads, and the phone's own derivations.

use towline_crypto::{EcdhKey, Secret};
use towline_hybrid::{
    ids::{ClientNonce, ContactId, LinkId},
    internal::secrets::key_from_seed,
    link::{
        ClientPayload, HandshakeHash, LinkError, LinkOffer, LinkSecret, LinkingInformation,
        RootSecret,
    },
    qr::Hint,
};

use super::*;

#[test]
fn client_payloads_are_written_and_read() {
    for row in rows("client_payload") {
        let payload = ClientPayload {
            link_id: LinkId::new(array(row, "link_id")),
            nonce: ClientNonce::new(array(row, "client_nonce")),
            hint: Hint::from_text(text(row, "hint")),
        };
        assert_eq!(payload.encode(), bytes(row, "cbor"));
        assert_eq!(payload.to_header(), text(row, "header_value"));
        assert_eq!(ClientPayload::from_header(text(row, "header_value")), Ok(payload));
        assert_eq!(
            ClientPayload::from_header(&text(row, "header_value").to_lowercase()),
            Ok(payload)
        );
    }
}

#[test]
fn malformed_client_payloads_are_refused() {
    let header = text(&rows("client_payload")[0], "header_value");
    assert_eq!(
        ClientPayload::from_header(&header.replace("626761", "626762")),
        Err(LinkError::Hint)
    );
    assert!(matches!(ClientPayload::from_header("A0"), Err(LinkError::MissingKey(1))));
    for text in
        ["", "A", "zz", &header[2..], &header[..64], &format!("{header}00"), &"A0".repeat(1 << 16)]
    {
        assert!(ClientPayload::from_header(text).is_err(), "{text:.80}");
    }
}

#[test]
fn secrets_and_identity_come_from_the_root_secret() {
    for row in rows("link") {
        let provider = provider();
        let root = RootSecret::new(secret(row, "root_secret"));
        let contact = ContactId::new(bytes(row, "contact_id"));
        let link = LinkId::new(array(row, "link_id"));
        let contact_secret = root.contact_secret(&provider, &contact).unwrap();
        assert_eq!(contact_secret.expose().to_vec(), bytes(row, "per_contact_secret"));
        let link_secret = root.link_secret(&provider, &contact, &link).unwrap();
        assert_eq!(link_secret.expose().to_vec(), bytes(row, "link_secret"));
        let identity = root.identity_key(&provider).unwrap();
        assert_eq!(identity.scalar().unwrap().expose().to_vec(), bytes(row, "identity_private"));
        assert_eq!(identity.public_key(), &public_key(row, "identity_public"));
    }
}

#[test]
fn seeds_become_keys() {
    for row in rows("seed_keys") {
        let key = key_from_seed(&provider(), &secret(row, "seed")).unwrap();
        assert_eq!(key.scalar().unwrap().expose().to_vec(), bytes(row, "private"));
        assert_eq!(key.public_key().compressed().to_vec(), bytes(row, "compressed"));
    }
}

#[test]
fn signatures_cover_the_session() {
    for row in rows("link_signature") {
        let (client, phone) =
            (private_key(row, "client_private"), private_key(row, "authenticator_private"));
        let shared = client.agree(phone.public_key()).unwrap();
        assert_eq!(shared.expose().to_vec(), bytes(row, "ecdh"));
        let hash = HandshakeHash(array(row, "handshake_hash"));
        let information = LinkingInformation {
            contact_id: ContactId::new(*b"contact"),
            link_id: LinkId::new([1; 8]),
            secret: LinkSecret::new(Secret::new([2; 32])),
            identity: *phone.public_key(),
            name: "phone".into(),
        };
        let signed = information.sign(&provider(), &*phone, client.public_key(), &hash).unwrap();
        assert!(signed.ends_with(&bytes(row, "signature")));
        assert_eq!(
            LinkingInformation::read(&provider(), &signed, &*client, &hash),
            Ok(information)
        );
        let other = HandshakeHash([0; 32]);
        let refused = LinkingInformation::read(&provider(), &signed, &*client, &other);
        assert_eq!(refused, Err(LinkError::Signature));
    }
}

#[test]
fn linking_information_in_updates_is_read() {
    for row in rows("update") {
        let Some(linking) = row["linking"].as_str() else { continue };
        let client = private_key(row, "client_private");
        let hash = HandshakeHash(array(row, "handshake_hash"));
        let read = LinkingInformation::read(&provider(), &hex(linking), &*client, &hash).unwrap();
        assert_eq!(read.display_name(), "towline test phone");
    }
}

#[test]
fn bad_linking_information_is_refused() {
    for row in rows("link_reject") {
        let client = private_key(row, "client_private");
        let hash = HandshakeHash(array(row, "handshake_hash"));
        let read = LinkingInformation::read(&provider(), &bytes(row, "linking"), &*client, &hash);
        assert!(read.is_err(), "{row}");
    }
}

#[test]
fn a_name_is_cleaned_before_it_is_shown() {
    let row = rows("update").iter().find(|row| row["linking"].is_string()).unwrap();
    let client = private_key(row, "client_private");
    let hash = HandshakeHash(array(row, "handshake_hash"));
    let mut information =
        LinkingInformation::read(&provider(), &bytes(row, "linking"), &*client, &hash).unwrap();
    information.name = format!("\u{202e}pho\nne\u{1b}[31m{}", "x".repeat(100));
    assert_eq!(information.display_name(), format!("phone[31m{}", "x".repeat(55)));

    // Nothing that changes the direction of, or hides in, what stands around it.
    for hidden in [
        '\u{61c}',
        '\u{ad}',
        '\u{180e}',
        '\u{2060}',
        '\u{206f}',
        '\u{feff}',
        '\u{fff9}',
        '\u{e0041}',
    ] {
        information.name = format!("a{hidden}b");
        assert_eq!(information.display_name(), "ab", "{hidden:?}");
    }
}

#[test]
fn linking_information_that_would_fill_the_store_is_refused() {
    let client: Arc<dyn EcdhKey> = provider().ecdh.generate(&*provider().random).unwrap().into();
    let hash = HandshakeHash([7; 32]);
    for (contact, name, fits) in [(150, 20, true), (1 << 19, 20, false), (150, 1 << 19, false)] {
        let offer = LinkOffer {
            root_secret: RootSecret::new(Secret::new([5; 32])),
            contact_id: ContactId::new(vec![6; contact]),
            name: "x".repeat(name),
        };
        let (_, bytes) = offer.make(&provider(), client.public_key(), &hash).unwrap();
        let read = LinkingInformation::read(&provider(), &bytes, &*client, &hash);
        if fits {
            assert!(read.is_ok());
        } else {
            assert_eq!(read, Err(LinkError::TooLong));
        }
    }
}

#[test]
fn linking_information_with_an_unusable_contact_id_is_refused() {
    let client: Arc<dyn EcdhKey> = provider().ecdh.generate(&*provider().random).unwrap().into();
    let hash = HandshakeHash([7; 32]);
    for (length, expected) in
        [(0, Err(LinkError::ContactId)), (256, Ok(())), (257, Err(LinkError::ContactId))]
    {
        let offer = LinkOffer {
            root_secret: RootSecret::new(Secret::new([5; 32])),
            contact_id: ContactId::new(vec![6; length]),
            name: "x".into(),
        };
        let (_, bytes) = offer.make(&provider(), client.public_key(), &hash).unwrap();
        let read = LinkingInformation::read(&provider(), &bytes, &*client, &hash);
        assert_eq!(read.map(drop), expected, "{length}");
    }
}
