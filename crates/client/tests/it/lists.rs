//! Lists that are too long for one request.

use serde_json::Value;
use towline_client::{Create, Error, Get, Misbehaviour};
use towline_ctap::{Flags, GetAssertionResponse, GetInfo, Request, Status, Transport};

use crate::scripted::*;

fn ids(count: u8) -> Vec<Vec<u8>> {
    (0..count).map(|n| vec![n; 16]).collect()
}

fn list(count: u8) -> Value {
    ids(count).iter().map(|id| listed(id)).collect()
}

/// An authenticator that shows everything it has to everyone.
fn limited(count: u64) -> GetInfo {
    let mut info = phone();
    info.extensions = None;
    info.max_credential_count_in_list = Some(count);
    info
}

/// One that hides credentials from whoever is not verified, and verifies.
fn hiding(count: u64) -> GetInfo {
    let mut info = limited(count);
    info.extensions = Some(vec!["credProtect".into()]);
    info
}

fn registering(count: u8, info: &GetInfo, transport: &Transport) -> Create {
    let mut create = start_create(&with(creation(), "excludeCredentials", list(count))).unwrap();
    create.handle_info(&info.to_cbor(), transport);
    create
}

fn signing_in(count: u8, info: &GetInfo, transport: &Transport) -> Get {
    let mut get = start_get(&with(request(), "allowCredentials", list(count))).unwrap();
    get.handle_info(&info.to_cbor(), transport);
    get
}

/// An answer to a question without presence.
fn silent(id: &[u8]) -> Vec<u8> {
    GetAssertionResponse::new(descriptor(id), auth_data(Flags::empty()).encode(), vec![1]).encode()
}

const NONE: &[u8] = &[0x2e];

#[test]
fn a_list_that_fits_goes_along() {
    let mut create = registering(8, &limited(8), &Transport::Usb);
    assert_eq!(make_credential(create.poll_output()).exclude_list.len(), 8);
    let mut get = signing_in(8, &limited(8), &Transport::Usb);
    assert_eq!(get_assertion(get.poll_output()).allow_list.unwrap().len(), 8);
}

#[test]
fn an_exclude_list_that_does_not_fit_is_searched_without_presence() {
    let mut create = registering(20, &limited(8), &Transport::Usb);
    let real_hash = registering(0, &limited(8), &Transport::Usb);
    let real_hash = make_credential({ real_hash }.poll_output()).client_data_hash;
    for size in [8, 8, 4] {
        let probe = get_assertion(create.poll_output());
        assert_eq!(probe.allow_list.unwrap().len(), size);
        assert_eq!((probe.options.up, probe.options.uv), (Some(false), None));
        assert_ne!(probe.client_data_hash, real_hash, "nothing of use is signed without presence");
        create.handle_response(NONE);
    }
    assert_eq!(make_credential(create.poll_output()).exclude_list.len(), 4, "the last piece");
}

#[test]
fn a_creation_that_is_verified_is_searched_for_as_verified_before_a_passkey_is_replaced() {
    let searched = |found_by_whom: Option<usize>| {
        let mut create = registering(20, &hiding(8), &Transport::Usb);
        for (place, (size, uv)) in
            [(8, None), (8, None), (4, None), (8, Some(true)), (8, Some(true))]
                .into_iter()
                .enumerate()
        {
            let probe = get_assertion(create.poll_output());
            assert_eq!(probe.allow_list.unwrap().len(), size);
            assert_eq!((probe.options.up, probe.options.uv), (Some(false), uv));
            if found_by_whom == Some(place) {
                create.handle_response(&silent(&[9; 16]));
                break;
            }
            create.handle_response(NONE);
        }
        make_credential(create.poll_output()).exclude_list
    };
    assert_eq!(searched(None).len(), 4, "the creation itself looks through the last piece");
    // The second piece, which holds it, seen with verification only.
    assert_eq!(searched(Some(4)), [descriptor(&[9; 16])]);
}

#[test]
fn a_sign_in_that_is_verified_asks_for_every_piece_aloud_before_there_is_none() {
    let mut get = signing_in(20, &hiding(8), &Transport::Usb);
    for _ in 0..3 {
        assert_eq!(get_assertion(get.poll_output()).options.up, Some(false));
        get.handle_response(NONE);
    }
    for size in [8, 8] {
        let request = get_assertion(get.poll_output());
        assert_eq!((request.options.up, request.options.uv), (None, Some(true)));
        assert_eq!(request.allow_list.unwrap().len(), size);
        get.handle_response(NONE);
    }
    assert_eq!(get_assertion(get.poll_output()).allow_list.unwrap().len(), 4);
    get.handle_response(&asserted(&[19; 16], None).encode());
    assert!(finished(get.poll_output()).is_ok());

    let mut get = signing_in(20, &hiding(8), &Transport::Usb);
    for _ in 0..6 {
        sent(get.poll_output());
        get.handle_response(NONE);
    }
    assert_eq!(finished(get.poll_output()), Err(Error::NoCredentials));
}

#[test]
fn a_refusal_in_a_verified_search_ends_it() {
    for code in [0x27, 0x2f, 0x3c, 0x3f] {
        let mut create = registering(20, &hiding(8), &Transport::Usb);
        for _ in 0..3 {
            sent(create.poll_output());
            create.handle_response(NONE);
        }
        sent(create.poll_output());
        create.handle_response(&[code]);
        assert_eq!(finished(create.poll_output()), Err(Error::Refused(Status::from_u8(code))));
    }
}

#[test]
fn an_excluded_credential_that_was_found_is_left_to_the_authenticator_to_refuse() {
    let mut create = registering(20, &limited(8), &Transport::Usb);
    sent(create.poll_output());
    create.handle_response(NONE);
    sent(create.poll_output());
    create.handle_response(&silent(&[9; 16]));
    assert_eq!(make_credential(create.poll_output()).exclude_list, [descriptor(&[9; 16])]);
    create.handle_response(&[Status::CredentialExcluded.to_u8()]);
    assert_eq!(finished(create.poll_output()), Err(Error::AlreadyRegistered));
}

#[test]
fn an_allow_list_that_does_not_fit_is_searched_for_the_one_credential() {
    let mut get = signing_in(20, &limited(8), &Transport::Usb);
    sent(get.poll_output());
    get.handle_response(NONE);
    sent(get.poll_output());
    get.handle_response(&silent(&[9; 16]));
    let request = get_assertion(get.poll_output());
    assert_eq!(request.allow_list, Some(vec![descriptor(&[9; 16])]));
    assert_eq!(request.options.up, None);
    get.handle_response(&asserted(&[9; 16], None).encode());
    assert!(finished(get.poll_output()).is_ok());
}

#[test]
fn when_no_piece_holds_a_credential_the_authenticator_says_so_in_its_own_way() {
    let mut get = signing_in(20, &limited(8), &Transport::Usb);
    for _ in 0..3 {
        sent(get.poll_output());
        get.handle_response(NONE);
    }
    let request = get_assertion(get.poll_output());
    assert_eq!((request.allow_list.unwrap().len(), request.options.up), (4, None));
    get.handle_response(NONE);
    assert_eq!(finished(get.poll_output()), Err(Error::NoCredentials));
}

#[test]
fn a_search_that_goes_wrong_ends_it() {
    for (answer, error) in [
        (silent(&[99; 16]), Error::Misbehaved(Misbehaviour::UnexpectedCredential)),
        (vec![], Error::Misbehaved(Misbehaviour::Empty)),
        (vec![0x36], Error::Refused(Status::PuatRequired)),
    ] {
        let mut create = registering(20, &limited(8), &Transport::Usb);
        sent(create.poll_output());
        create.handle_response(&answer);
        assert_eq!(finished(create.poll_output()), Err(error.clone()));
        let mut get = signing_in(20, &limited(8), &Transport::Usb);
        sent(get.poll_output());
        get.handle_response(&answer);
        assert_eq!(finished(get.poll_output()), Err(error));
    }
}

#[test]
fn over_hybrid_the_whole_list_goes_in_the_one_request() {
    let mut create = registering(100, &limited(8), &Transport::Hybrid);
    assert_eq!(make_credential(create.poll_output()).exclude_list.len(), 100);
    let mut get = signing_in(100, &limited(8), &Transport::Hybrid);
    assert_eq!(get_assertion(get.poll_output()).allow_list.unwrap().len(), 100);
}

#[test]
fn requests_stay_within_the_size_that_the_authenticator_accepts() {
    for max in [None, Some(1024), Some(1200)] {
        let mut info = hiding(u64::MAX);
        info.max_msg_size = max;
        let max = usize::try_from(max.unwrap_or(1024)).unwrap();
        let mut pieces = 0;
        let mut get = signing_in(100, &info, &Transport::Usb);
        loop {
            let bytes = sent(get.poll_output());
            assert!(bytes.len() <= max, "{}", bytes.len());
            let Ok(Request::GetAssertion(request)) = Request::decode(&bytes, max) else { panic!() };
            if request.options.up != Some(false) {
                break;
            }
            pieces += 1;
            get.handle_response(NONE);
        }
        assert!((2..10).contains(&pieces), "{pieces}");
    }
}

#[test]
fn ids_that_the_authenticator_cannot_have_made_are_left_out() {
    let mut info = phone();
    info.max_credential_id_length = Some(15);
    let mut create = registering(3, &info, &Transport::Usb);
    assert!(make_credential(create.poll_output()).exclude_list.is_empty());
    let mut get = signing_in(3, &info, &Transport::Usb);
    assert_eq!(finished(get.poll_output()), Err(Error::NoCredentials));
}
