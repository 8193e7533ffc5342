//! CTAP1/U2F: which APDUs are read, which status word refuses the others, and what answers are made
//! of.

use proptest::prelude::*;
use towline_ctap::{
    Malformed, RpIdHash,
    u2f::{
        Apdu, Control, StatusWord, U2fAuthentication, U2fRegistration, U2fRequest, encode_response,
        split_response,
    },
};

const CHALLENGE: [u8; 32] = [0xcc; 32];
const APPLICATION: RpIdHash = RpIdHash::new([0xaa; 32]);

fn register() -> U2fRequest {
    U2fRequest::Register { challenge: CHALLENGE, application: APPLICATION }
}

fn authenticate(control: Control, key_handle: &[u8]) -> U2fRequest {
    U2fRequest::Authenticate {
        control,
        challenge: CHALLENGE,
        application: APPLICATION,
        key_handle: key_handle.into(),
    }
}

fn short(ins: u8, p1: u8, data: &[u8]) -> Vec<u8> {
    [&[0, ins, p1, 0, data.len() as u8], data].concat()
}

fn parameters(rest: &[u8]) -> Vec<u8> {
    [&[0xcc; 32][..], &[0xaa; 32], rest].concat()
}

#[test]
fn every_request_survives_the_round_trip() {
    for request in [
        U2fRequest::Version,
        register(),
        authenticate(Control::EnforceUserPresence, &[1; 64]),
        authenticate(Control::CheckOnly, &[]),
        authenticate(Control::DontEnforceUserPresence, &[1; 255]),
    ] {
        assert_eq!(U2fRequest::decode(&request.encode()), Ok(request));
    }
}

#[test]
fn a_request_is_the_same_in_every_form_of_its_lengths() {
    let data = parameters(&[]);
    let head = [0, 1, 0, 0];
    for apdu in [
        short(1, 0, &data),
        [short(1, 0, &data), vec![0]].concat(),
        [&head[..], &[0, 0, 64], &data].concat(),
        [&head[..], &[0, 0, 64], &data, &[0, 0]].concat(),
        [&head[..], &[0, 0, 64], &data, &[1, 2]].concat(),
    ] {
        assert_eq!(U2fRequest::decode(&apdu), Ok(register()), "{apdu:02x?}");
    }
    // P1 of a registration is a matter of taste: browsers send 3.
    assert_eq!(U2fRequest::decode(&short(1, 3, &data)), Ok(register()));
    for apdu in [
        &[0, 3, 0, 0][..],
        &[0, 3, 0, 0, 0],
        &[0, 3, 0, 0, 8],
        &[0, 3, 0, 0, 0, 0, 0],
        &[0, 3, 0, 0, 0, 0, 0, 0, 0],
    ] {
        assert_eq!(U2fRequest::decode(apdu), Ok(U2fRequest::Version), "{apdu:02x?}");
    }
}

#[test]
fn the_expected_length_of_zero_is_the_largest() {
    let expected = |apdu: &[u8]| Apdu::decode(apdu).unwrap().expected;
    assert_eq!(expected(&[0, 3, 0, 0]), None);
    assert_eq!(expected(&[0, 3, 0, 0, 0]), Some(256));
    assert_eq!(expected(&[0, 3, 0, 0, 5]), Some(5));
    assert_eq!(expected(&[0, 3, 0, 0, 0, 0, 0]), Some(65_536));
    assert_eq!(expected(&[0, 3, 0, 0, 0, 1, 0]), Some(256));
    assert_eq!(expected(&[0, 3, 0, 0, 1, 9, 7]), Some(7));
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let data = parameters(&[]);
    let head = [0, 1, 0, 0];
    for apdu in [
        vec![],
        vec![0],
        vec![0, 1],
        vec![0, 1, 0],
        head.to_vec(),
        [&head[..], &[0]].concat(),
        [&head[..], &[0, 0]].concat(),
        short(1, 0, &data[..63]),
        short(1, 0, &parameters(&[1])),
        short(1, 0, &data)[..68].to_vec(),
        [short(1, 0, &data), vec![0, 0]].concat(),
        [&head[..], &[0, 0, 65], &data].concat(),
        [&head[..], &[0, 0, 64], &data, &[0]].concat(),
        [&head[..], &[0, 0, 64], &data, &[0, 0, 0]].concat(),
        short(2, 3, &data),
        short(2, 3, &parameters(&[1])),
        short(2, 3, &parameters(&[1, 7, 7])),
        short(2, 3, &parameters(&[3, 7, 7])),
        short(3, 0, &[1]),
    ] {
        assert_eq!(U2fRequest::decode(&apdu), Err(StatusWord::WRONG_LENGTH), "{apdu:02x?}");
    }
}

#[test]
fn classes_instructions_and_controls_that_there_are_not_are_refused() {
    for cla in [1, 0x80, 0xff] {
        assert_eq!(U2fRequest::decode(&[cla, 3, 0, 0]), Err(StatusWord::CLA_NOT_SUPPORTED));
    }
    for ins in [0, 4, 0x10, 0x40, 0xff] {
        assert_eq!(U2fRequest::decode(&[0, ins, 0, 0]), Err(StatusWord::INS_NOT_SUPPORTED));
    }
    for p1 in (0..=u8::MAX).filter(|p1| ![3, 7, 8].contains(p1)) {
        let apdu = short(2, p1, &parameters(&[1, 7]));
        assert_eq!(U2fRequest::decode(&apdu), Err(StatusWord::INCORRECT_P1_P2));
    }
}

fn registration() -> U2fRegistration {
    U2fRegistration {
        public_key: [4; 65],
        key_handle: [7; 16].into(),
        certificate: vec![0x30, 3, 1, 2, 3],
        signature: vec![0x30, 1, 9],
    }
}

#[test]
fn a_registration_ends_its_certificate_where_der_says() {
    let expected = [&[5][..], &[4; 65], &[16], &[7; 16], &[0x30, 3, 1, 2, 3, 0x30, 1, 9]].concat();
    assert_eq!(registration().encode().unwrap(), expected);
    for length in [0, 127, 128, 255, 256, 1000] {
        let head = match length {
            0..128 => vec![0x30, length as u8],
            128..256 => vec![0x30, 0x81, length as u8],
            _ => vec![0x30, 0x82, (length >> 8) as u8, length as u8],
        };
        let certificate = [head, vec![1; length]].concat();
        let registration = U2fRegistration { certificate, ..registration() };
        let bytes = registration.encode().unwrap();
        assert_eq!(U2fRegistration::decode(&bytes).as_ref(), Ok(&registration), "{length}");
    }
}

#[test]
fn a_registration_is_refused_without_its_signature_and_at_every_truncation_before() {
    let bytes = registration().encode().unwrap();
    for length in 0..=bytes.len() - 3 {
        assert!(U2fRegistration::decode(&bytes[..length]).is_err(), "{length}");
    }
    let mut reserved = bytes.clone();
    reserved[0] = 4;
    assert!(matches!(U2fRegistration::decode(&reserved), Err(Malformed::Value(_))));
    let mut no_sequence = bytes;
    no_sequence[83] = 0x31;
    assert!(U2fRegistration::decode(&no_sequence).is_err());
    let long = U2fRegistration { key_handle: vec![0; 256].into(), ..registration() };
    assert_eq!(long.encode(), None);
}

#[test]
fn an_authentication_counts_and_signs() {
    let answer = U2fAuthentication { user_present: true, counter: 0x0102_0304, signature: vec![9] };
    assert_eq!(answer.encode(), [1, 1, 2, 3, 4, 9]);
    assert_eq!(U2fAuthentication::decode(&answer.encode()), Ok(answer));
    for length in 0..=5 {
        assert!(U2fAuthentication::decode(&[1; 5][..length]).is_err());
    }
    assert!(!U2fAuthentication::decode(&[0xfe, 0, 0, 0, 0, 9]).unwrap().user_present);
}

#[test]
fn what_is_signed_is_as_the_standard_says() {
    let message = U2fRegistration::signed_message(&APPLICATION, &CHALLENGE, &[7; 2], &[4; 65]);
    assert_eq!(message, [&[0][..], &[0xaa; 32], &[0xcc; 32], &[7; 2], &[4; 65]].concat());
    let message = U2fAuthentication::signed_message(&APPLICATION, true, 258, &CHALLENGE);
    assert_eq!(message, [&[0xaa; 32][..], &[1, 0, 0, 1, 2], &[0xcc; 32]].concat());
}

#[test]
fn an_answer_ends_with_its_status_word() {
    assert_eq!(encode_response(&[], StatusWord::CONDITIONS_NOT_SATISFIED), [0x69, 0x85]);
    assert_eq!(split_response(&[1, 0x90, 0]), Some((&[1][..], StatusWord::NO_ERROR)));
    assert_eq!(split_response(&[0x90]), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Apdu::decode(&bytes);
        if let Ok(request) = U2fRequest::decode(&bytes) {
            prop_assert_eq!(U2fRequest::decode(&request.encode()), Ok(request));
        }
        let _ = U2fRegistration::decode(&bytes);
        if let Ok(answer) = U2fAuthentication::decode(&bytes) {
            prop_assert_eq!(U2fAuthentication::decode(&answer.encode()), Ok(answer));
        }
    }

    #[test]
    fn any_bytes_after_a_plausible_head_are_read_or_refused(
        ins in 1_u8..4,
        p1 in prop::sample::select(vec![3_u8, 7, 8]),
        body in prop::collection::vec(any::<u8>(), 0..150),
    ) {
        if let Ok(request) = U2fRequest::decode(&[&[0, ins, p1, 0], &body[..]].concat()) {
            prop_assert_eq!(U2fRequest::decode(&request.encode()), Ok(request));
        }
    }
}
