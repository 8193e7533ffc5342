//! Digits, QR codes, key derivation, tunnel domains and URLs.

use towline_hybrid::{
    domain::TunnelDomain,
    ids::{ContactId, RoutingId, TunnelId},
    internal::digits,
    internal::eid::EidKey,
    internal::kdf::{self, Purpose},
    internal::secrets::QrSecret,
    qr::{self, ChannelKind, Extra, ExtraKey, Hint, QrPayload},
    tunnel,
};

use super::*;

fn digit_error(error: digits::Error) -> &'static str {
    match error {
        digits::Error::NonDigit => "non_digit",
        digits::Error::BadLength => "bad_length",
        digits::Error::OutOfRange => "out_of_range",
        other => panic!("{other:?}"),
    }
}

fn qr_error(error: qr::QrError) -> &'static str {
    match error {
        qr::QrError::Scheme => "bad_scheme",
        qr::QrError::Digits(error) => digit_error(error),
        qr::QrError::Cbor(_) => "bad_cbor",
        qr::QrError::NotAMap => "not_map",
        qr::QrError::MissingKey(_) => "missing_key",
        qr::QrError::WrongType(_) => "bad_type",
        qr::QrError::Point => "bad_point",
        qr::QrError::SecretLength => "bad_secret_length",
        other => panic!("{other:?}"),
    }
}

#[test]
fn digits_encode_and_decode() {
    for row in rows("digits/encode") {
        assert_eq!(digits::encode(&bytes(row, "bytes")), text(row, "digits"));
        assert_eq!(digits::decode(text(row, "digits")).unwrap(), bytes(row, "bytes"));
    }
}

#[test]
fn bad_digits_are_refused_with_the_right_error() {
    for row in rows("digits/decode_errors") {
        let error = digits::decode(text(row, "digits")).unwrap_err();
        assert_eq!(digit_error(error), text(row, "error"), "{row}");
    }
}

#[test]
fn codes_are_written_and_read_byte_for_byte() {
    for row in rows("qr") {
        let extras = row["extra"].as_object().unwrap().iter().map(|(key, value)| {
            assert_eq!(value.as_u64(), Some(0));
            Extra { key: ExtraKey::Int(key.parse().unwrap()), value: vec![0] }
        });
        let payload = QrPayload {
            public_key: public_key(row, "public_key"),
            secret: QrSecret::new(secret(row, "secret")),
            known_domains: row["known_domains"].as_u64(),
            timestamp: row["timestamp"].as_u64(),
            linking: row["linking"].as_bool(),
            hint: row["hint"].as_str().map(Into::into),
            channels: row["channels"]
                .as_array()
                .map(|list| list.iter().map(|id| id.as_u64().unwrap()).collect()),
            extras: extras.collect(),
        };
        assert_eq!(private_key(row, "private").public_key(), &payload.public_key);
        assert_eq!(payload.public_key.compressed().to_vec(), bytes(row, "compressed"));
        assert_eq!(payload.to_cbor(), bytes(row, "cbor"), "{row}");
        assert_eq!(payload.to_uri(), text(row, "uri"));
        assert_eq!(QrPayload::from_uri(&provider(), text(row, "uri")), Ok(payload.clone()));
        let tunnel_id = payload.secret.tunnel_id(&provider()).unwrap();
        assert_eq!(tunnel_id.as_bytes().to_vec(), bytes(row, "tunnel_id"));
        let eid_key = EidKey::qr(&provider(), &payload.secret).unwrap();
        assert_eq!(eid_key.expose().to_vec(), bytes(row, "eid_key"));
    }
}

#[test]
fn acceptable_codes_are_read_as_they_are_meant() {
    for row in rows("qr_accept") {
        let payload = QrPayload::from_uri(&provider(), text(row, "uri"))
            .unwrap_or_else(|e| panic!("{e}: {row}"));
        assert_eq!(payload.public_key, public_key(row, "public_key"));
        assert_eq!(payload.secret.expose().to_vec(), bytes(row, "secret"));
        assert_eq!(payload.known_domains.unwrap_or(0), number(row, "known_domains"));
        assert_eq!(payload.timestamp, row["timestamp"].as_u64(), "{row}");
        assert_eq!(payload.linking, row["linking"].as_bool(), "{row}");
        assert_eq!(payload.request_hint(), Hint::from_text(text(row, "hint")), "{row}");
        assert_eq!(payload.request_hint().as_str(), text(row, "hint"), "{row}");
        let channels: Vec<_> =
            payload.data_channels().into_iter().map(ChannelKind::number).collect();
        let expected: Vec<_> =
            row["channels"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
        assert_eq!(channels, expected, "{row}");
        // Whatever was read is kept.
        let again = QrPayload::from_cbor(&provider(), &payload.to_cbor()).unwrap();
        assert_eq!(again, payload, "{row}");
        assert!(payload.to_uri().eq_ignore_ascii_case(text(row, "uri")), "{row}");
    }
}

#[test]
fn unusable_codes_are_refused_with_the_right_error() {
    for row in rows("qr_reject") {
        let error = QrPayload::from_uri(&provider(), text(row, "uri")).unwrap_err();
        assert_eq!(qr_error(error), text(row, "error"), "{row}");
    }
}

#[test]
fn codes_of_real_browsers_are_read() {
    for row in rows("captured/qr") {
        let payload = QrPayload::from_uri(&provider(), text(row, "uri")).unwrap();
        let tunnel_id = payload.secret.tunnel_id(&provider()).unwrap();
        assert_eq!(tunnel_id.as_bytes().to_vec(), bytes(row, "tunnel_id"));
        assert_eq!(payload.timestamp, row["timestamp"].as_u64());
        assert_eq!(payload.linking, row["linking"].as_bool());
        assert_eq!(payload.request_hint().as_str(), text(row, "hint"));
        assert_eq!(payload.known_domains, row["known_domains"].as_u64());
        assert_eq!(payload.to_uri(), text(row, "uri"));
    }
}

#[test]
fn keys_are_derived() {
    const ALL: [Purpose; 6] = [
        Purpose::EidKey,
        Purpose::TunnelId,
        Purpose::Psk,
        Purpose::LinkSecret,
        Purpose::IdentitySeed,
        Purpose::ContactSecret,
    ];
    for row in rows("derive") {
        let purpose = ALL
            .into_iter()
            .find(|purpose| u64::from(purpose.number()) == number(row, "purpose"))
            .unwrap();
        let (ikm, salt) = (bytes(row, "secret"), bytes(row, "salt"));
        // A shorter output is a prefix of a longer one.
        let longest = kdf::derive::<64>(&provider(), &ikm, &salt, purpose).unwrap();
        let length = usize::try_from(number(row, "length")).unwrap();
        assert_eq!(longest.expose()[..length], bytes(row, "output"), "{row}");
    }
}

#[test]
fn tunnel_domains_are_decoded_or_refused() {
    for row in rows("tunnel_domains") {
        let domain = TunnelDomain::new(u16::try_from(number(row, "encoded")).unwrap()).ok();
        assert_eq!(
            domain.map(|domain| domain.host(&provider())).as_deref(),
            row["domain"].as_str(),
            "{row}"
        );
    }
    for unassigned in 2..=255 {
        assert!(TunnelDomain::new(unassigned).is_err());
    }
}

#[test]
fn urls_are_written_with_upper_case_hexadecimal() {
    for row in rows("urls") {
        let domain = TunnelDomain::new(u16::try_from(number(row, "encoded")).unwrap()).unwrap();
        let origin = format!("wss://{}", domain.host(&provider()));
        let tunnel_id = TunnelId::from_hex(text(row, "tunnel_id")).unwrap();
        let routing_id = RoutingId::from_hex(text(row, "routing_id")).unwrap();
        let contact_id = ContactId::new(bytes(row, "contact_id"));
        assert_eq!(format!("{origin}{}", tunnel::new_path(&tunnel_id)), text(row, "new"));
        assert_eq!(
            format!("{origin}{}", tunnel::connect_path(&routing_id, &tunnel_id)),
            text(row, "connect")
        );
        assert_eq!(format!("{origin}{}", tunnel::contact_path(&contact_id)), text(row, "contact"));
    }
}
