//! Whatever comes in, nothing panics, and what is accepted means the same to an independent,
//! lenient decoder.

use ciborium::Value;
use proptest::prelude::*;
use towline_ctap::{
    AuthenticatorData, BioEnrollmentResponse, ClientDataHash, ClientPinResponse, CosePublicKey,
    CredentialManagementResponse, GetAssertionResponse, GetInfo, LargeBlobsResponse,
    MakeCredentialRequest, MakeCredentialResponse, Request, Rp, RpId, User, UserHandle,
};

/// Well-formed to the oracle. It has no `Value` for a simple value that nobody has assigned, which
/// is well-formed all the same (RFC 8949 §3.3): where a request holds one, it says so without
/// calling the bytes malformed.
fn the_oracle_reads(item: &[u8]) {
    match ciborium::from_reader::<Value, _>(item) {
        Ok(_) => {}
        Err(ciborium::de::Error::Semantic(_, reason)) if reason.contains("simple value") => {}
        Err(error) => panic!("the oracle does not read it: {error:?}"),
    }
}

fn read_all(bytes: &[u8]) {
    if let Ok(request) = Request::decode(bytes, 4096) {
        assert_eq!(Request::decode(&request.encode(), 8192).unwrap(), request);
        if bytes.len() > 1 {
            the_oracle_reads(&bytes[1..]);
        }
    }
    if let Ok(response) = MakeCredentialResponse::decode(bytes) {
        assert_eq!(MakeCredentialResponse::decode(&response.encode()).unwrap(), response);
    }
    if let Ok(response) = GetAssertionResponse::decode(bytes) {
        assert_eq!(GetAssertionResponse::decode(&response.encode()).unwrap(), response);
    }
    if let Ok(info) = GetInfo::decode(bytes) {
        assert_eq!(GetInfo::decode(&info.encode()).unwrap(), info);
    }
    if let Ok(response) = ClientPinResponse::decode(bytes) {
        assert_eq!(ClientPinResponse::decode(&response.encode()).unwrap(), response);
    }
    if let Ok(response) = CredentialManagementResponse::decode(bytes) {
        assert_eq!(CredentialManagementResponse::decode(&response.encode()).unwrap(), response);
    }
    if let Ok(response) = LargeBlobsResponse::decode(bytes) {
        assert_eq!(LargeBlobsResponse::decode(&response.encode()).unwrap(), response);
    }
    if let Ok(response) = BioEnrollmentResponse::decode(bytes) {
        assert_eq!(BioEnrollmentResponse::decode(&response.encode()).unwrap(), response);
    }
    if let Ok(data) = AuthenticatorData::decode(bytes) {
        assert_eq!(AuthenticatorData::decode(&data.encode()).unwrap(), data);
    }
    if let Ok(key) = CosePublicKey::decode(bytes) {
        assert_eq!(key.encode(), bytes);
    }
}

fn creation() -> impl Strategy<Value = MakeCredentialRequest> {
    let user = (proptest::collection::vec(any::<u8>(), 1..=64), any::<Option<String>>());
    let rp = ("[a-z.]{1,60}", any::<Option<String>>());
    let rest = (
        any::<[u8; 32]>(),
        proptest::collection::vec(any::<i64>(), 0..4),
        any::<[Option<bool>; 3]>(),
        proptest::collection::btree_map(any::<String>(), any::<bool>(), 0..4),
        any::<(Option<Vec<u8>>, Option<u64>)>(),
    );
    (user, rp, rest).prop_map(
        |((id, user_name), (rp_id, rp_name), (hash, algorithms, [rk, up, uv], extensions, pin))| {
            let mut request = MakeCredentialRequest::new(
                ClientDataHash::new(hash),
                Rp { id: RpId::new(&rp_id).unwrap(), name: rp_name },
                User { id: UserHandle::new(&id).unwrap(), name: user_name, display_name: None },
                algorithms,
            );
            request.options = towline_ctap::RequestOptions { rk, up, uv };
            for (id, value) in extensions {
                request.extensions.set_raw(&id, &[0xf4 + u8::from(value)]).unwrap();
            }
            (request.pin_uv_auth_param, request.pin_uv_auth_protocol) = pin;
            request
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
    }

    #[test]
    fn any_bytes_after_a_known_first_byte_are_read_or_refused(
        first in 0_u8..0x10,
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        read_all(&[&[first], &bytes[..]].concat());
    }

    #[test]
    fn any_request_survives_the_round_trip_and_one_wrong_byte(
        request in creation(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let request = Request::from(request);
        let mut bytes = request.encode();
        prop_assert_eq!(&Request::decode(&bytes, usize::MAX).unwrap(), &request);
        the_oracle_reads(&bytes[1..]);
        let place = place.index(bytes.len());
        bytes[place] = byte;
        read_all(&bytes);
    }

    /// As an extension's output may be, and as one wrong byte once made it of `false`.
    #[test]
    fn a_simple_value_that_nobody_assigned_is_read_by_both(simple in 0xe0_u8..0xf4, request in creation()) {
        let mut request = request;
        request.extensions.set_raw("simple", &[simple]).unwrap();
        read_all(&Request::from(request).encode());
    }
}
