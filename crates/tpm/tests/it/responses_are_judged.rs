//! What no TPM answers is refused, whatever it is.

use towline_tpm::{Error, Handle, LONGEST_RESPONSE, TpmResponse};

use crate::vectors::{hex, vectors};

fn frame(tag: u16, code: u32, rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(10 + rest.len()).unwrap();
    [&tag.to_be_bytes()[..], &length.to_be_bytes(), &code.to_be_bytes(), rest].concat()
}

#[test]
fn a_refusal_is_ten_bytes() {
    let refused = TpmResponse::parse(&frame(0x8001, 0x921, &[]), true, 1).unwrap_err();
    assert_eq!(refused.code().unwrap().number(), 0x921);
    let older = TpmResponse::parse(&frame(0x00c4, 0x1e, &[]), true, 1).unwrap_err();
    assert!(older.to_string().contains("version 1.2"), "{older}");
    for bad in [frame(0x8001, 0x921, &[0]), frame(0x8002, 0x921, &[]), frame(0x1234, 0x921, &[])] {
        let error = TpmResponse::parse(&bad, true, 1).unwrap_err();
        assert!(matches!(error, Error::Malformed(_)), "{bad:02x?}: {error}");
    }
}

#[test]
fn lengths_have_to_fit() {
    let all = vectors();
    for (step, handle, sessions) in [(0, true, 1), (1, true, 0), (5, false, 1), (8, false, 2)] {
        let bytes = hex(&all["transcript"]["steps"][step]["response"]);
        let whole = TpmResponse::parse(&bytes, handle, sessions).unwrap();
        assert_eq!(whole.authorizations.len(), sessions);
        assert_eq!(whole.handle.is_some_and(Handle::is_transient), step == 0);
        for length in 0..bytes.len() {
            let mut cut = bytes[..length].to_vec();
            assert!(TpmResponse::parse(&cut, handle, sessions).is_err(), "cut at {length}");
            // The same with a length that says so; without sessions any is a response.
            if length >= 10 && sessions > 0 {
                cut[2..6].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
                assert!(TpmResponse::parse(&cut, handle, sessions).is_err(), "short at {length}");
            }
        }
        assert!(TpmResponse::parse(&[&bytes[..], &[0]].concat(), handle, sessions).is_err());
        assert!(TpmResponse::parse(&bytes, handle, sessions + 1).is_err(), "a session is missing");
    }
}

#[test]
fn nothing_longer_than_a_response_is_read() {
    let long = frame(0x8001, 0, &vec![0; LONGEST_RESPONSE]);
    assert!(TpmResponse::parse(&long, false, 0).is_err());
    let longest = frame(0x8001, 0, &vec![0; LONGEST_RESPONSE - 10]);
    assert!(TpmResponse::parse(&longest, false, 0).is_ok());
}
