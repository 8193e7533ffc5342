//! authenticatorLargeBlobs.

use super::*;

fn set() -> Vec<(i64, V)> {
    vec![(2, bytes(&[1; 20])), (3, int(0)), (4, int(20)), (5, bytes(&[5; 32])), (6, int(2))]
}

#[test]
fn every_form_survives_the_round_trip_and_no_truncation() {
    for request in [
        LargeBlobsRequest::Get { count: 0, offset: 0 },
        LargeBlobsRequest::Get { count: 960, offset: 70_000 },
        LargeBlobsRequest::Set {
            fragment: vec![1; 20],
            offset: 0,
            length: Some(20),
            auth: Some(auth()),
        },
        LargeBlobsRequest::Set { fragment: Vec::new(), offset: 5, length: None, auth: None },
    ] {
        truncations_are_refused(&request.into());
    }
}

#[test]
fn the_proof_stands_in_the_order_of_this_command() {
    let request = LargeBlobsRequest::Set {
        fragment: vec![1; 20],
        offset: 0,
        length: Some(20),
        auth: Some(auth()),
    };
    assert_eq!(Request::from(request).encode(), message(LARGE_BLOBS, &set()));
}

#[test]
fn a_missing_offset_is_an_invalid_parameter() {
    assert_eq!(status(LARGE_BLOBS, &without(&set(), 3)), Status::InvalidParameter);
    assert_eq!(status(LARGE_BLOBS, &[(1, int(1))]), Status::InvalidParameter);
    assert_eq!(status(LARGE_BLOBS, &[]), Status::InvalidParameter);
}

#[test]
fn neither_and_both_of_get_and_set_are_refused() {
    assert_eq!(status(LARGE_BLOBS, &[(3, int(0))]), Status::InvalidParameter);
    assert_eq!(status(LARGE_BLOBS, &with(&set(), 1, int(1))), Status::InvalidParameter);
}

#[test]
fn get_takes_nothing_that_belongs_to_set() {
    for extra in [(4, int(20)), (5, bytes(&[])), (6, int(2))] {
        let request = [(1, int(1)), (3, int(0)), extra];
        assert_eq!(status(LARGE_BLOBS, &request), Status::InvalidParameter);
    }
}

#[test]
fn a_proof_without_a_protocol_misses_it_and_an_offset_beyond_32_bits_is_refused() {
    assert_eq!(status(LARGE_BLOBS, &without(&set(), 6)), Status::MissingParameter);
    let far = with(&set(), 3, int(1 << 32));
    assert_eq!(status(LARGE_BLOBS, &far), Status::InvalidParameter);
    wrong_types_are_refused(LARGE_BLOBS, &set());
}

#[test]
fn the_proof_of_a_write_covers_its_place_and_its_hash() {
    let provider = towline_crypto::rustcrypto::provider();
    let message = LargeBlobsRequest::authenticated_message(&provider, 0x0102_0304, b"abc");
    let expected =
        [&[0xff; 32][..], &[0x0c, 0x00, 4, 3, 2, 1], &provider.sha256.hash(&[b"abc"])].concat();
    assert_eq!(message, expected);
}

#[test]
fn an_empty_fragment_is_not_an_absent_one() {
    let empty = LargeBlobsResponse { config: Some(Vec::new()) };
    assert_eq!(empty.encode(), [0, 0xa1, 1, 0x40]);
    assert_eq!(LargeBlobsResponse::decode(&empty.encode()).as_ref(), Ok(&empty));
    assert_eq!(LargeBlobsResponse::decode(&[0]), Ok(LargeBlobsResponse { config: None }));
    assert!(LargeBlobsResponse::decode(&[0, 0xa1, 1, 1]).is_err());
}
